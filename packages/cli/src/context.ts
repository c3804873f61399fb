import { spawn } from 'node:child_process'
import type { Environment } from './config.ts'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

/** All that a command may touch outside itself; tests give their own. */
export interface CliContext {
  readonly env: Environment
  /** Writes results. */
  out (text: string): void
  /** Writes what is not the result: progress, hints, errors. */
  err (text: string): void
  /** Whether standard error is a terminal, so that a spinner makes sense. */
  readonly interactive: boolean
  /** Standard input, or undefined when it is a terminal. */
  readonly input: AsyncIterable<Uint8Array | string> | undefined
  readonly fetch: typeof fetch
  /** Fires on an interrupt. */
  readonly signal: AbortSignal
  spawn (command: string, args: readonly string[], options: SpawnOptions): ChildProcess
}

/** The context of this process. */
export function processContext (signal: AbortSignal): CliContext {
  return {
    env: process.env,
    out: text => { process.stdout.write(text) },
    err: text => { process.stderr.write(text) },
    interactive: process.stderr.isTTY,
    input: process.stdin.isTTY ? undefined : process.stdin,
    fetch: async (input, init) => fetch(input, init),
    signal,
    spawn: (command, args, options) => spawn(command, args, options)
  }
}
