import { expect } from 'aegir/chai'
import { CLIENT_VAULT_ERRORS as ERR, CLIENT_VAULT_LIMITS as LIMITS, PROVIDER_STAKE_LIMITS, clientVaultBodies as bodies } from '../src/index.ts'
import { StakeWorld } from './stake-world.ts'
import { EPOCH, START, TON, VaultWorld, accountOf } from './vault-world.ts'
import type { Address, Cell } from '@ton/core'
import type { SendMessageResult } from '@ton/sandbox'

const YEAR = 365 * 86_400

function rentOf (result: SendMessageResult, account: Address): bigint {
  const tx = result.transactions.find(t => t.inMessage?.info.dest?.toString() === account.toString())
  return tx?.description.type === 'generic' ? tx.description.storagePhase?.storageFeesCollected ?? 0n : 0n
}

/** Rent of the year that passes. */
async function rentOfAYear (world: VaultWorld | StakeWorld, body: Cell): Promise<bigint> {
  const from = world.stranger
  await world.send(from, body)
  world.chain.now = (world.chain.now ?? START) + YEAR
  return rentOf(await world.send(from, body), world.address)
}

describe('rent', () => {
  it('is less than half a vault\'s reserve a year, for an empty one as for a full one', async function () {
    this.timeout(30_000)
    const empty = await VaultWorld.ready()
    const full = await VaultWorld.ready({}, 50n * TON)
    await full.fill(LIMITS.maxLanes)
    for (const [world, lanes] of [[empty, 0n], [full, 105n]] as const) {
      const rent = await rentOfAYear(world, bodies.flushFee())
      const reserve = LIMITS.reserveBaseNano + lanes * LIMITS.reservePerLaneNano
      expect(rent * 5n / 2n < reserve, `${rent} of ${reserve}`).to.equal(true)
    }
  })

  it('is less than an eighth of a stake\'s reserve a year', async () => {
    const world = await StakeWorld.ready()
    const rent = await rentOfAYear(world, bodies.flushFee())
    expect(rent * 8n < PROVIDER_STAKE_LIMITS.reserveNano, `${rent}`).to.equal(true)
  })
})

describe('rent: a vault in debt', () => {
  /** One lane, partly redeemed, all else withdrawn; then nobody comes for this long. */
  async function leftAlone (years: number): Promise<VaultWorld> {
    const world = await VaultWorld.ready({}, TON)
    await world.open(TON / 10n)
    await world.send(world.payee, world.redeemBody(40_000_000n))
    await world.send(world.payee, bodies.releaseLane())
    await world.send(world.owner, bodies.withdraw((await world.info()).free))
    world.chain.now = START + years * YEAR
    return world
  }

  async function stateOf (world: VaultWorld): Promise<string> {
    return (await world.chain.getContract(world.address)).accountState?.type ?? 'none'
  }

  it('pays its payees out of what its next message brings, when lanes are open', async () => {
    const world = await VaultWorld.ready({}, TON)
    await world.open(TON / 10n)
    await world.send(world.owner, bodies.withdraw((await world.info()).free))
    // rent ate the reserve, and some of the lane's own coins
    world.chain.now = START + 4 * YEAR
    const refused = await world.send(world.payee, world.redeemBody(TON / 10n))
    expect(world.received(refused, world.payee) <= TON / 20n).to.equal(true)
    // anybody's coins make it whole again
    await world.send(world.stranger, bodies.topUp(), TON / 5n)
    const result = await world.send(world.payee, world.redeemBody(TON / 10n))
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, world.payee) > 99_000_000n).to.equal(true)
  })

  it('is frozen, and comes back only as it was: with its epochs', async () => {
    const world = await leftAlone(8)
    const last = await world.state()
    await world.send(world.stranger, bodies.topUp(), 1n)
    expect(await stateOf(world)).to.equal('frozen')
    // the first StateInit does not thaw it
    await world.send(world.owner, bodies.topUp(), 5n * TON, true)
    expect(await stateOf(world)).to.equal('frozen')
    expect(last.lastEpoch).to.equal(EPOCH)
  })

  it('takes no old voucher when it was deleted and deployed anew: no epoch comes twice', async () => {
    const world = await leftAlone(60)
    // a debt above the limits of freezing and of deletion: frozen, then without a state, then gone
    for (const [state, value] of [['frozen', 1n], ['uninit', 1n], ['none', TON]] as const) {
      await world.send(world.stranger, bodies.topUp(), value)
      expect(await stateOf(world)).to.equal(state)
    }
    const signerKey = world.signer.publicKey
    const result = await world.send(world.owner, bodies.setUp({ signerKey, operator: accountOf(world.operator.address), dailyBudgetNano: TON }), 5n * TON, true)
    expect(world.exitCode(result)).to.equal(0)
    await world.refused(async () => world.send(world.payee, world.redeemBody(TON / 10n)), ERR.noLane)
    // the old epoch cannot be opened again, and a new one makes no old voucher good
    await world.refused(async () => world.open(TON / 10n), ERR.epoch)
    expect(world.exitCode(await world.open(TON / 10n, { epoch: EPOCH + BigInt(60 * YEAR) * 1_000n }))).to.equal(0)
    await world.refused(async () => world.send(world.payee, world.redeemBody(TON / 10n)), ERR.signature)
  })
})

describe('rent: a stake in debt', () => {
  it('is frozen, and comes back only as it was: slashed', async () => {
    const world = await StakeWorld.ready()
    await world.send(world.reporter, world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n })))
    expect((await world.state()).slashed).to.equal(true)
    world.chain.now = START + 60 * YEAR
    await world.send(world.stranger, bodies.topUp(), 1n)
    // every message here carries the first StateInit, which does not thaw it
    await world.deposit(100n * TON)
    expect((await world.chain.getContract(world.address)).accountState?.type).to.equal('frozen')
  })
})
