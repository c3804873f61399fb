import { Dictionary, beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { CLIENT_VAULT_LIMITS as LIMITS, PROVIDER_STAKE_LIMITS, clientVaultBodies as bodies, providerStakeBodies } from '../src/index.ts'
import { NOBODY, StakeWorld, UNBOND_SECONDS } from './stake-world.ts'
import { START, TON, VaultWorld, accountOf, somePayees } from './vault-world.ts'
import type { Cell } from '@ton/core'
import type { Blockchain } from '@ton/sandbox'

/** Basechain's gas prices and forward prices (block.tlb: GasLimitsPrices, MsgForwardPrices). */
const GAS_PRICES = 21
const FORWARD_PRICES = 25

/** A word of 64 bits, doubled. */
function doubleAt (cell: Cell, bit: number): Cell {
  const s = cell.beginParse()
  const before = s.loadBits(bit)
  return beginCell().storeBits(before).storeUint(s.loadUintBig(64) * 2n, 64).storeSlice(s).endCell()
}

/** As if validators had doubled the prices of gas and of messages. */
function doublePrices (chain: Blockchain): void {
  const config = Dictionary.loadDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell(), chain.config)
  const gas = config.get(GAS_PRICES)
  const forward = config.get(FORWARD_PRICES)
  if (gas == null || forward == null) {
    throw new Error('another form of configuration')
  }
  // gas_flat_pfx#d1, flat limit, flat price, gas_prices_ext#de, price
  config.set(GAS_PRICES, doubleAt(doubleAt(gas, 8 + 64), 8 + 128 + 8))
  // msg_forward_prices#ea, lump, bit, cell
  config.set(FORWARD_PRICES, [8, 72, 136].reduce(doubleAt, forward))
  chain.setConfig(beginCell().storeDictDirect(config).endCell())
}

describe('doubled prices', function () {
  this.timeout(30_000)

  it('double what a message costs', async () => {
    const costs: bigint[] = []
    for (const doubled of [false, true]) {
      const world = await VaultWorld.ready()
      await world.open(TON / 10n)
      if (doubled) {
        doublePrices(world.chain)
      }
      const result = await world.send(world.stranger, world.redeemBody(40_000_000n))
      costs.push(TON / 20n - world.received(result, world.stranger))
    }
    expect(costs[1]).to.equal(2n * costs[0])
  })

  it('start no unlock whose notice cannot be paid, and one that can in a full table', async () => {
    const world = await VaultWorld.ready({}, 50n * TON)
    await world.fill(LIMITS.maxLanes)
    doublePrices(world.chain)
    const payee = accountOf(world.payee.address)
    const before = await world.state()
    const least = await world.send(world.operator, bodies.startUnlock(payee), LIMITS.startUnlockValueNano)
    expect(world.received(least, world.payee)).to.equal(0n)
    expect(await world.state()).to.deep.equal(before)
    const result = await world.send(world.operator, bodies.startUnlock(payee), 2n * LIMITS.startUnlockValueNano)
    expect(world.received(result, world.payee)).to.equal(LIMITS.noticeValueNano)
    expect((await world.lane()).unlockAt).to.equal(START + 600)
  })

  it('let an opening that cannot pay its gas fail as a whole', async () => {
    const world = await VaultWorld.ready({}, 50n * TON)
    await world.fill(LIMITS.maxLanes - 8)
    doublePrices(world.chain)
    const before = await world.state()
    const balance = await world.balance()
    const body = bodies.openLanes({ epoch: BigInt(START) * 1_000n + 500n, keyIdx: 0, lanes: somePayees(8, 500).map(payee => ({ payee, capNano: TON / 10n })) })
    await world.send(world.operator, body, 20_000_000n)
    expect(await world.state()).to.deep.equal(before)
    expect(balance - await world.balance() <= 100_000n).to.equal(true)
    expect(world.exitCode(await world.send(world.operator, body, TON / 10n))).to.equal(0)
  })

  it('keep a refund within what waits for it', async () => {
    const world = await VaultWorld.ready()
    await world.open(TON / 10n)
    await world.send(world.operator, bodies.startUnlock(accountOf(world.payee.address)))
    doublePrices(world.chain)
    const value = TON / 20n
    const result = await world.send(world.payee, world.redeemBody(40_000_000n))
    expect((await world.lane()).gasLeft).to.equal(0n)
    // what it redeemed, less the fee, and its costs but for 3,000,000
    expect(world.received(result, world.payee) > value + 39_600_000n - 3_000_000n).to.equal(true)
    expect((await world.info()).locked).to.equal(60_000_000n)
  })

  it('pay the reporter of the least stake that is taken all the same', async () => {
    const world = await StakeWorld.ready(PROVIDER_STAKE_LIMITS.leastTakenNano)
    doublePrices(world.chain)
    const result = await world.send(world.reporter, world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n })))
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, accountOf(world.reporter.address))).to.equal(50_000_000n + 3_000_000n - 800_000n)
    expect(world.received(result, NOBODY) > 10_000_000n).to.equal(true)
  })

  it('let a provider out', async () => {
    const world = await StakeWorld.ready()
    doublePrices(world.chain)
    await world.send(world.owner, providerStakeBodies.unbond(100n * TON))
    world.chain.now = START + UNBOND_SECONDS
    const result = await world.send(world.owner, providerStakeBodies.withdraw())
    expect(world.received(result, accountOf(world.owner.address)) > 100n * TON).to.equal(true)
  })
})
