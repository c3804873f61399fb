import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { run } from '@cocoon-net/cli'
import { toHex } from '@cocoon-net/protocol'
import type { Devnet } from '../../src/devnet/index.ts'
import type { CliContext } from '@cocoon-net/cli'

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A home whose configuration names a chain, and the command in it. */
export interface CommandHome {
  readonly folder: string
  /** Runs a command line. */
  command (line: string, overrides?: Partial<CliContext>): Promise<Outcome>
  /** Runs it with --json and gives its last line; a command that fails is an error. */
  json (line: string): Promise<any>
  remove (): Promise<void>
}

export async function createCommandHome (devnet: Devnet, nowMs: () => number, env: Record<string, string> = {}): Promise<CommandHome> {
  const parent = await mkdtemp(join(tmpdir(), 'cocoon-money-'))
  const folder = join(parent, 'home')
  const command: CommandHome['command'] = async (line, overrides = {}) => {
    let out = ''
    let err = ''
    const context: CliContext = {
      env: { COCOON_HOME: folder, COCOON_CHAIN_URL: devnet.endpoint, COCOON_DEVNET_GENESIS: toHex(devnet.genesis), COCOON_ADMIN_PORT: '1', ...env },
      out: text => { out += text },
      err: text => { err += text },
      interactive: false,
      input: undefined,
      ask: undefined,
      fetch,
      nowMs,
      signal: new AbortController().signal,
      spawn: () => { throw new Error('no process in this test') },
      ...overrides
    }
    const code = await run(line.split(' '), context, '0.0.0')
    return { code, out: stripVTControlCharacters(out), err: stripVTControlCharacters(err) }
  }
  return {
    folder,
    command,
    json: async line => {
      const outcome = await command(`${line} --json`)
      if (outcome.code !== 0) {
        throw new Error(`cocoon ${line} exits with ${outcome.code}: ${outcome.err}`)
      }
      return JSON.parse(outcome.out)
    },
    remove: async () => rm(parent, { recursive: true, force: true })
  }
}
