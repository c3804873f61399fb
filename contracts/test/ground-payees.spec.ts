import { expect } from 'aegir/chai'
import { clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, TON, VaultWorld, accountOf } from './vault-world.ts'

/** Accounts of which the i-th shares the first `from + i` bits with one account, and not the next. */
function groundAlong (account: Uint8Array, count: number, from: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const out = Uint8Array.from(account)
    out[(from + i) >> 3] ^= 0x80 >> ((from + i) & 7)
    return out
  })
}

describe('client vault: payees ground to lie along the path of another', () => {
  it('cannot make its redeem, its unlock or its end unpayable, though the dictionary is as deep as they are many', async function () {
    this.timeout(30_000)
    const world = await VaultWorld.ready({}, 50n * TON)
    const payee = accountOf(world.payee.address)
    expect(world.exitCode(await world.open(TON / 10n))).to.equal(0)
    // far more than anybody can grind: each bit doubles the work
    const ground = groundAlong(payee, 60, 3)
    for (let at = 0; at < ground.length; at += 4) {
      const body = bodies.openLanes({ epoch: EPOCH + 1n + BigInt(at), keyIdx: 0, lanes: ground.slice(at, at + 4).map(one => ({ payee: one, capNano: TON / 10n })) })
      expect(world.exitCode(await world.send(world.owner, body, TON / 4n))).to.equal(0)
    }
    expect((await world.state()).lanesCount).to.equal(61)
    // the values that wallets send by default, whatever the vault holds
    const redeemed = await world.send(world.payee, world.redeemBody(50_000_000n))
    // 49,500,000 after the fee; carrying and running it costs less than 10,000,000 of the 50,000,000 sent
    expect(world.received(redeemed, world.payee) > 89_500_000n).to.equal(true)
    const unlock = await world.send(world.owner, bodies.startUnlock(payee), 70_000_000n)
    expect(world.exitCode(unlock)).to.equal(0)
    const refunded = await world.send(world.payee, world.redeemBody(100_000_000n))
    // writing what is left of the lane's gas makes the whole path again, which the refund covers in part
    expect(world.received(refunded, world.payee) > 80_000_000n).to.equal(true)
    world.chain.now = (world.chain.now ?? 0) + 600
    expect(world.exitCode(await world.send(world.stranger, bodies.finishUnlock(payee)))).to.equal(0)
    expect((await world.lane()).exists).to.equal(false)
  })
})
