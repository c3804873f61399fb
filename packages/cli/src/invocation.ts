import type { Config } from './config-keys.ts'
import type { CliContext } from './context.ts'

/** What every command gets: where it runs, the configuration in force, and its own options. */
export interface Invocation {
  readonly context: CliContext
  readonly home: string
  readonly config: Config
  readonly json: boolean
  readonly options: Readonly<Record<string, unknown>>
  readonly args: readonly string[]
}

/** Resolves with the exit code; throws CocoonError. */
export type Command = (invocation: Invocation) => Promise<number>
