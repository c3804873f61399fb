import { providerStakeBodies as bodies, providerStakeStateInit } from '../src/index.ts'
import { billOf } from './gas-table.ts'
import { DAY, PENALTY, StakeWorld } from './stake-world.ts'
import { TON } from './vault-world.ts'
import { RealWallet } from './wallets.ts'
import type { GasTable } from './gas-table.ts'
import type { WalletVersion } from './wallets.ts'
import type { Cell } from '@ton/core'

/** Every named step of a stake, paid by real wallets of this version. The slashes are the largest: nothing in common. */
export async function measureStake (version: WalletVersion): Promise<GasTable> {
  const table: GasTable = {}
  const first = await StakeWorld.create()
  const owner = new RealWallet(first.chain, version, 31)
  const world = await StakeWorld.create({}, owner.account)
  const ownerThere = new RealWallet(world.chain, version, 31)
  const reporter = new RealWallet(world.chain, version, 32)
  for (const wallet of [ownerThere, reporter]) {
    await wallet.fund(300n * TON)
  }
  const init = providerStakeStateInit(world.stakeOwner, world.parameters)
  const take = async (name: string, from: RealWallet, body: Cell, gained: bigint, sent: bigint = 50_000_000n): Promise<void> => {
    const before = await from.balance()
    const held = await world.balance()
    const result = await from.send({ to: world.address, value: sent, body, init: held === 0n ? init : undefined })
    table[name] = billOf(result, from, world.address, before - await from.balance() + gained)
  }
  await take('stake: deploy and deposit', ownerThere, bodies.deposit(100n * TON), -100_100_000_000n, 101n * TON)
  await take('stake: deposit', ownerThere, bodies.deposit(TON), -TON, 2n * TON)
  await take('stake: unbond', ownerThere, bodies.unbond(10n * TON), 0n)
  await take('stake: rebond', ownerThere, bodies.rebond(), 0n)
  await take('stake: unbond again', ownerThere, bodies.unbond(10n * TON), 0n)
  world.chain.now = (world.chain.now ?? 0) + 15 * DAY
  const due = await world.withdrawable()
  await take('stake: withdraw', ownerThere, bodies.withdraw(), due)
  await take('stake: slash an overcharge', reporter, world.overcharge(world.receipt({ chargeNano: TON })), PENALTY / 10n)
  const { bondedNano } = await world.state()
  const other = { chargeNano: 1n, ansCommit: new Uint8Array(32).fill(1), vault: new Uint8Array(32), auditRoot: new Uint8Array(32), tier: 'gold' as const }
  await take('stake: slash a contradiction', reporter, world.contradiction(world.receipt(), world.receipt(other)), bondedNano / 10n)
  return table
}
