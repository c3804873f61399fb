/** Every world that can be explored, by name. */
import { stakeWorld } from './stake/world.ts'
import { vaultCore, vaultWorld } from './vault/world.ts'
import type { WorldMaker } from './world.ts'

export type WorldName = 'vault' | 'vault-core' | 'stake'

export const WORLDS: Readonly<Record<WorldName, WorldMaker>> = Object.freeze({ vault: vaultWorld, 'vault-core': vaultCore, stake: stakeWorld })
