import { stripVTControlCharacters } from 'node:util'
import { run } from '@cocoon-net/cli'
import type { CliContext } from '@cocoon-net/cli'

/** However long a command waits for a chain, it waits no longer. */
const COMMAND_TIMEOUT_MS = 40_000

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The `cocoon` command, run in this process in an environment of its own. */
export interface Commands {
  /** Runs a command line. */
  command (line: string, overrides?: Partial<CliContext>): Promise<Outcome>
  /** Runs it with --json and gives its last line; a command that fails is an error. */
  json (line: string): Promise<any>
}

export function commandsIn (env: Readonly<Record<string, string>>, nowMs: () => number = () => Date.now()): Commands {
  const command: Commands['command'] = async (line, overrides = {}) => {
    let out = ''
    let err = ''
    const context: CliContext = {
      env,
      out: text => { out += text },
      err: text => { err += text },
      interactive: false,
      input: undefined,
      ask: undefined,
      fetch,
      nowMs,
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
      spawn: () => { throw new Error('no process in this test') },
      ...overrides
    }
    const code = await run(line.split(' '), context, '0.0.0')
    return { code, out: stripVTControlCharacters(out), err: stripVTControlCharacters(err) }
  }
  return {
    command,
    json: async line => {
      const { code, out, err } = await command(`${line} --json`)
      if (code !== 0) {
        throw new Error(`cocoon ${line} exits with ${code}: ${err}`)
      }
      return JSON.parse(out)
    }
  }
}
