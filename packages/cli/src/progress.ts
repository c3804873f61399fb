import type { CliContext } from './context.ts'

/** Nothing is shown for what is over sooner. */
const SHOW_AFTER_MS = 1_000

/** Runs something with a spinner on standard error once it takes longer than a second; none without a terminal. */
export async function withProgress<T> (context: CliContext, text: string, run: () => Promise<T>): Promise<T> {
  if (!context.interactive) {
    return run()
  }
  let stop = (): void => {}
  let over = false
  const timer = setTimeout(() => {
    // Loaded only when needed: most commands are over before.
    import('ora').then(({ default: ora }) => {
      if (!over) {
        const spinner = ora({ text, discardStdin: false }).start()
        stop = () => { spinner.stop() }
      }
    }, () => {})
  }, SHOW_AFTER_MS)
  try {
    return await run()
  } finally {
    over = true
    clearTimeout(timer)
    stop()
  }
}
