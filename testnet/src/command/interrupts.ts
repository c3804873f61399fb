import { EXIT } from './arguments.ts'

class Interrupted extends Error {}

/** Fires at the first interrupt; the second, of a person who does not want to wait, ends everything at once. */
export function interrupts (onFirst: () => void): AbortSignal {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      // The processes below end by themselves when this one is gone.
      process.exit(EXIT.interrupted)
    }
    onFirst()
    controller.abort(new Interrupted())
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, onSignal)
  }
  return controller.signal
}

/** Rejects with the signal's reason when it fires. */
export async function untilInterrupted (signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => { reject(signal.reason) }
    signal.addEventListener('abort', fail, { once: true })
    if (signal.aborted) {
      fail()
    }
  })
}
