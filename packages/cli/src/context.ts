import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
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
  /** Asks the person at the terminal one question; undefined without a terminal. A secret answer is not shown. */
  readonly ask: ((question: string, options: { isSecret: boolean }) => Promise<string>) | undefined
  readonly fetch: typeof fetch
  /** Unix milliseconds. */
  nowMs (): number
  /** Fires on an interrupt. */
  readonly signal: AbortSignal
  spawn (command: string, args: readonly string[], options: SpawnOptions): ChildProcess
}

async function askTerminal (question: string, isSecret: boolean, signal: AbortSignal): Promise<string> {
  process.stderr.write(question)
  // the terminal shows what readline writes back, so a secret gets nowhere to be written
  const output = isSecret ? new Writable({ write: (_chunk, _encoding, done) => { done() } }) : process.stderr
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  // readline takes Ctrl-C for itself; here it means what it means everywhere
  lines.on('SIGINT', () => { process.kill(process.pid, 'SIGINT') })
  try {
    return await lines.question('', { signal })
  } finally {
    lines.close()
    if (isSecret) {
      process.stderr.write('\n')
    }
  }
}

/** The context of this process. */
export function processContext (signal: AbortSignal): CliContext {
  return {
    env: process.env,
    out: text => { process.stdout.write(text) },
    err: text => { process.stderr.write(text) },
    interactive: process.stderr.isTTY,
    input: process.stdin.isTTY ? undefined : process.stdin,
    ask: process.stdin.isTTY && process.stderr.isTTY ? async (question, { isSecret }) => askTerminal(question, isSecret, signal) : undefined,
    fetch: async (input, init) => fetch(input, init),
    nowMs: () => Date.now(),
    signal,
    spawn: (command, args, options) => spawn(command, args, options)
  }
}
