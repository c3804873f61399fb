/** Every world that can be explored, by name. */
import { stakeWorld } from './stake/world.ts'
import { vaultLanes, vaultMoney, vaultWorld } from './vault/world.ts'
import type { WorldMaker } from './world.ts'

export type WorldName = 'vault' | 'vault-lanes' | 'vault-money' | 'stake'

export const WORLDS: Readonly<Record<WorldName, WorldMaker>> = Object.freeze({
  vault: vaultWorld, 'vault-lanes': vaultLanes, 'vault-money': vaultMoney, stake: stakeWorld
})
