import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { acceptPay, beginJob, chainUpdate, debtNano, exposureNano, finishJob, newLane, redeemableNano, unallocatedNano, vestJob } from '../src/lane.ts'
import { ed25519Signer } from '../src/signer.ts'
import { frame, network, nonce, payee, signer } from './fixtures.ts'
import type { LaneState } from '../src/lane.ts'

const id = { vault: new Uint8Array(32).fill(2), payee, epoch: 5n }
const hexOf = (n: number): string => Buffer.from(nonce(n)).toString('hex')
const onChain = { capNano: 1_000n, paidNano: 0n, epoch: 5n, keyIdx: 0, unlockAt: 0, gasLeftNano: 0n }
const confirmed = (): LaneState => chainUpdate(newLane(id, signer.publicKey), onChain, signer.publicKey, 1n)
const pay = (lane: LaneState, total: bigint, jobs: Array<[Uint8Array, bigint]>): LaneState => acceptPay(lane, frame(id, total, jobs), network.networkId)

describe('lane', () => {
  it('refuses each kind of wrong voucher with its own code', () => {
    const lane = pay(confirmed(), 100n, [])
    const code = (action: () => unknown): string => {
      try {
        action()
      } catch (err: any) {
        return err.code
      }
      return 'none'
    }
    expect(code(() => acceptPay(lane, frame(id, 200n, []), new Uint8Array(32)))).to.equal('voucher_wrong_network')
    expect(code(() => acceptPay(lane, frame({ ...id, epoch: 6n }, 200n, []), network.networkId))).to.equal('voucher_wrong_lane')
    expect(code(() => acceptPay(lane, frame({ ...id, vault: payee }, 200n, []), network.networkId))).to.equal('voucher_wrong_lane')
    expect(code(() => acceptPay(lane, frame(id, 200n, [], ed25519Signer(nonce(8))), network.networkId))).to.equal('voucher_bad_signature')
    expect(code(() => pay(lane, 99n, []))).to.equal('voucher_not_increasing')
    expect(code(() => pay(lane, 1_001n, []))).to.equal('voucher_above_cap')
    expect(code(() => pay(lane, 100n, [[nonce(1), 101n]]))).to.equal('allocation_invalid')
    expect(code(() => beginJob({ ...lane, unlockAt: 1 }, 'aa'))).to.equal('lane_unlocking')
    expect(code(() => chainUpdate(newLane(id, signer.publicKey), onChain, signer.publicKey, 1_001n))).to.equal('lane_cap_too_small')
  })

  it('takes the same frame twice without counting it twice', () => {
    const once = pay(confirmed(), 100n, [[nonce(1), 60n]])
    expect(pay(once, 100n, [[nonce(1), 60n]])).to.deep.equal(once)
  })

  it('returns the rest of an allocation, and keeps what is missing as a debt that a late voucher pays', () => {
    let lane = beginJob(pay(confirmed(), 100n, [[nonce(1), 100n]]), hexOf(1))
    lane = finishJob(lane, hexOf(1), 40n).lane
    expect(unallocatedNano(lane)).to.equal(60n)
    lane = finishJob(beginJob(lane, hexOf(2)), hexOf(2), 80n).lane
    expect(debtNano(lane)).to.equal(20n)
    expect(() => beginJob(lane, hexOf(3))).to.throw().with.property('code', 'vault_in_debt')
    lane = pay(lane, 120n, [[nonce(2), 80n]])
    expect(debtNano(lane)).to.equal(0n)
  })

  it('conserves the sum under any sequence of payments and jobs', () => {
    const step = fc.record({ kind: fc.constantFrom('pay', 'begin', 'vest', 'finish'), job: fc.integer({ min: 1, max: 4 }), amount: fc.bigInt({ min: 0n, max: 400n }) })
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let lane = confirmed()
      let earned = 0n
      for (const { kind, job, amount } of steps) {
        try {
          if (kind === 'pay') {
            lane = pay(lane, lane.cumulativeNano + amount / 2n, [[nonce(job), amount]])
          } else if (kind === 'begin') {
            lane = beginJob(lane, hexOf(job))
          } else if (kind === 'vest') {
            lane = vestJob(lane, hexOf(job), amount)
          } else {
            const done = finishJob(lane, hexOf(job), amount)
            lane = done.lane
            expect(done.paidNano + done.debtNano).to.equal(amount)
          }
        } catch (err: any) {
          expect(err.code).to.be.a('string')
        }
        expect(lane.finalisedNano >= earned).to.equal(true)
        earned = lane.finalisedNano
        expect(unallocatedNano(lane) >= 0n).to.equal(true)
        expect(exposureNano(lane) >= 0n).to.equal(true)
        expect(redeemableNano(lane) <= lane.capNano).to.equal(true)
      }
    }), { numRuns: 60 })
  })
})
