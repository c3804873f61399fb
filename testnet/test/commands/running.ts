import type { CommandHome } from './home.ts'

/** A node that runs in this process, from a home. */
export interface RunningCommand {
  /** What its ready line says. */
  readonly ready: any
  /** Ends it as a service manager does; the exit code. */
  stop (): Promise<number>
}

/** Runs a command that stays until it is stopped, and waits for its ready line. */
export async function startCommand (home: CommandHome, line: string): Promise<RunningCommand> {
  const controller = new AbortController()
  const ready = Promise.withResolvers<any>()
  const ended = home.command(`${line} --json`, {
    signal: controller.signal,
    out: text => { ready.resolve(JSON.parse(text)) }
  })
  ended.then(({ err }) => { ready.reject(new Error(`cocoon ${line} has ended: ${err}`)) }, ready.reject)
  return {
    ready: await ready.promise,
    stop: async () => {
      controller.abort('SIGTERM')
      return (await ended).code
    }
  }
}
