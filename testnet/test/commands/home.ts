import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@cocoon-net/protocol'
import { commandsIn } from './in-process.ts'
import type { Commands } from './in-process.ts'
import type { Devnet } from '../../src/devnet/index.ts'

/** A home whose configuration names a chain, and the command in it. */
export interface CommandHome extends Commands {
  readonly folder: string
  remove (): Promise<void>
}

export async function createCommandHome (devnet: Devnet, nowMs: () => number, env: Record<string, string> = {}): Promise<CommandHome> {
  const parent = await mkdtemp(join(tmpdir(), 'cocoon-money-'))
  const folder = join(parent, 'home')
  const commands = commandsIn({
    COCOON_HOME: folder, COCOON_CHAIN_URL: devnet.endpoint, COCOON_DEVNET_GENESIS: toHex(devnet.genesis), COCOON_ADMIN_PORT: '1', ...env
  }, nowMs)
  return { folder, ...commands, remove: async () => rm(parent, { recursive: true, force: true }) }
}
