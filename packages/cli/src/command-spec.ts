import type { ConfigGroup } from './config-keys.ts'
import type { Command } from './invocation.ts'

/** What one command is called, takes and says of itself. */
export interface CommandSpec {
  readonly name: string
  readonly alias?: string
  readonly args?: string
  readonly summary: string
  /** Settings that are flags of this command. */
  readonly groups: readonly ConfigGroup[]
  readonly options?: ReadonlyArray<readonly [flags: string, help: string, list?: 'list']>
  /** The messages of the contract that it sends, as contracts/SPEC.md names them. */
  readonly sends?: string
  /** Command lines that --help shows. */
  readonly examples: readonly string[]
  /** True when a broken configuration is this command's business. */
  readonly rawConfig?: boolean
  /** Loaded when it is run, so that --help and small commands start fast. */
  load (): Promise<Command>
}

/** Commands of two words, such as `vault lanes`. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  /** What the first word does by itself. */
  readonly alone?: Omit<CommandSpec, 'name' | 'summary' | 'args'>
  readonly commands: readonly CommandSpec[]
}
