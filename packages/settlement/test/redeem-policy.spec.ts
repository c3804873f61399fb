import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { newLane } from '../src/lane.ts'
import { isRedeemDue, redeemGainNano, redeemPauseMs } from '../src/redeem-policy.ts'
import { payee, signer } from './fixtures.ts'
import type { LaneState } from '../src/lane.ts'

const policy = { thresholdNano: 1_000n, costNano: 75n, feeBps: 100 }
const lane = (cumulativeNano: bigint, more: Partial<LaneState> = {}): LaneState => ({
  ...newLane({ vault: new Uint8Array(32), payee, epoch: 1n }, signer.publicKey),
  chain: 'confirmed',
  capNano: 1_000_000n,
  cumulativeNano,
  signature: new Uint8Array(64),
  ...more
})

describe('redeem policy', () => {
  it('waits for the threshold, to the nanoTON', () => {
    expect([999n, 1_000n].map(value => isRedeemDue(lane(value), policy))).to.deep.equal([false, true])
    expect(isRedeemDue(lane(1_999n, { paidOnChainNano: 1_000n }), policy)).to.equal(false)
    expect(isRedeemDue(lane(2_000n, { paidOnChainNano: 1_000n }), policy)).to.equal(true)
  })

  it('redeems less once the lane unlocks, and never at a loss', () => {
    // 76 − 0 fee − 75 cost = 1; at 100 the fee takes 1
    expect([75n, 76n].map(value => isRedeemDue(lane(value, { unlockAt: 9 }), policy))).to.deep.equal([false, true])
    expect(redeemGainNano(lane(100n), policy)).to.equal(24n)
    expect([75n, 76n, 77n].map(value => isRedeemDue(lane(value), { ...policy, thresholdNano: 0n }))).to.deep.equal([false, true, true])
    expect(isRedeemDue(lane(0n, { unlockAt: 9, gasLeftNano: 1_000n }), policy)).to.equal(false)
  })

  it('counts what an unlocking lane gives back towards the gas, never more than it costs or brings', () => {
    const gain = (value: bigint, gasLeftNano: bigint, unlockAt = 9): bigint => redeemGainNano(lane(value, { unlockAt, gasLeftNano }), policy)
    expect(gain(50n, 1_000n)).to.equal(50n - 75n + 50n)
    expect(gain(80n, 1_000n)).to.equal(80n)
    expect(gain(80n, 10n)).to.equal(15n)
    expect(gain(80n, 1_000n, 0)).to.equal(5n)
  })

  it('takes the fee as the contract does: over all that the lane has paid', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 6n }), fc.bigInt({ min: 0n, max: 10n ** 6n }), fc.integer({ min: 0, max: 100 }), (paid, more, feeBps) => {
      const state = lane(paid + more, { paidOnChainNano: paid, capNano: 10n ** 9n })
      const fee = BigInt(Math.floor(Number(paid + more) * feeBps / 10_000)) - BigInt(Math.floor(Number(paid) * feeBps / 10_000))
      expect(redeemGainNano(state, { ...policy, feeBps })).to.equal(more - fee - 75n)
    }))
  })

  it('waits longer after each failure, up to its bound', () => {
    expect([0, 1, 2, 3, 4, 1_000].map(failures => redeemPauseMs(failures, 100, 1_000))).to.deep.equal([100, 200, 400, 800, 1_000, 1_000])
  })
})
