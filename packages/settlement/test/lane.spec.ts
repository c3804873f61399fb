import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { MAX_LANE_JOBS, MAX_SETTLED_JOBS, MAX_VOUCHER_NANO } from '../src/constants.ts'
import { acceptPay, beginJob, chainUpdate, debtNano, exposureNano, finishJob, newLane, payableNano, recoverJobs, redeemableNano, refuseJob, unallocatedNano, vestJob } from '../src/lane.ts'
import { ed25519Signer } from '../src/signer.ts'
import { frame, network, nonce, payee, signer } from './fixtures.ts'
import type { LaneState } from '../src/lane.ts'

const id = { vault: new Uint8Array(32).fill(2), payee, epoch: 5n }
const hexOf = (n: number): string => Buffer.from(nonce(n)).toString('hex')
const onChain = { capNano: 1_000n, paidNano: 0n, epoch: 5n, keyIdx: 0, unlockAt: 0, gasLeftNano: 0n }
const confirmed = (): LaneState => chainUpdate(newLane(id, signer.publicKey), onChain, signer.publicKey, 1n)
const code = (action: () => unknown): string => {
  try {
    action()
  } catch (err: any) {
    return err.code
  }
  return 'none'
}
const pay = (lane: LaneState, total: bigint, jobs: Array<[Uint8Array, bigint]>): LaneState => acceptPay(lane, frame(id, total, jobs), network.networkId)

describe('lane', () => {
  it('refuses each kind of wrong voucher with its own code', () => {
    const lane = pay(confirmed(), 100n, [])
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

  it('gives back what was announced for a job that is refused, and leaves running and finished ones alone', () => {
    const announced = pay(confirmed(), 100n, [[nonce(1), 60n]])
    expect(unallocatedNano(refuseJob(announced, hexOf(1)))).to.equal(100n)
    expect(refuseJob(announced, hexOf(2)).settled.get(hexOf(2))).to.deep.equal({ chargeNano: 0n, paidNano: 0n })
    // what comes later for the refused job stays with the lane
    expect(unallocatedNano(pay(refuseJob(announced, hexOf(1)), 100n, [[nonce(1), 60n]]))).to.equal(100n)
    const running = beginJob(announced, hexOf(1))
    expect(refuseJob(running, hexOf(1))).to.equal(running)
    const done = finishJob(running, hexOf(1), 50n).lane
    expect(refuseJob(done, hexOf(1))).to.equal(done)
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

  it('takes a voucher up to the cap and refuses the next nanoTON', () => {
    expect(pay(confirmed(), 1_000n, []).cumulativeNano).to.equal(1_000n)
    expect(code(() => pay(confirmed(), 1_001n, []))).to.equal('voucher_above_cap')
    expect(code(() => pay(newLane(id, signer.publicKey), MAX_VOUCHER_NANO, []))).to.equal('none')
    expect(code(() => acceptPay(newLane(id, signer.publicKey), { ...frame(id, 1n, []), voucher: { ...frame(id, 1n, []).voucher, cumulative: MAX_VOUCHER_NANO + 1n } }, network.networkId))).to.equal('voucher_above_cap')
    // taken before the chain showed the cap: it may be repeated, not raised
    const over = chainUpdate(pay(newLane(id, signer.publicKey), 1_500n, []), onChain, signer.publicKey, 1n)
    expect(code(() => pay(over, 1_500n, [[nonce(1), 1n]]))).to.equal('none')
    expect(code(() => pay(over, 1_501n, []))).to.equal('voucher_above_cap')
    expect(code(() => pay(over, 1_499n, []))).to.equal('voucher_not_increasing')
    expect(code(() => pay({ ...over, chain: 'ended' }, 1_500n, []))).to.equal('lane_unknown')
  })

  it('checks every field of a split', () => {
    const lane = confirmed()
    for (const length of [0, 31, 33]) {
      expect(code(() => pay(lane, 10n, [[new Uint8Array(length), 1n]]))).to.equal('allocation_invalid')
    }
    expect(code(() => pay(lane, 10n, [[nonce(1), -1n]]))).to.equal('allocation_invalid')
    expect(code(() => pay(lane, 10n, [[nonce(1), 0n]]))).to.equal('none')
    expect(code(() => pay(lane, 10n, [[nonce(1), 4n], [nonce(2), 6n]]))).to.equal('none')
    expect(code(() => pay(lane, 10n, [[nonce(1), 4n], [nonce(2), 7n]]))).to.equal('allocation_invalid')
  })

  it('never lowers what a job was given, and gives a finished job its charge at most', () => {
    let lane = pay(pay(confirmed(), 100n, [[nonce(1), 60n]]), 100n, [[nonce(1), 10n]])
    expect(lane.jobs.get(hexOf(1))?.allocatedNano).to.equal(60n)
    lane = finishJob(beginJob(lane, hexOf(2)), hexOf(2), 70n).lane
    expect(debtNano(lane)).to.equal(30n)
    // each late voucher pays down the debt and no further, whatever it names
    for (const [total, named, debt, finalised] of [[110n, 50n, 20n, 50n], [110n, 45n, 20n, 50n], [200n, 400n, 0n, 70n], [200n, 0n, 0n, 70n]]) {
      lane = pay(lane, total, [[nonce(2), named]])
      expect([debtNano(lane), lane.finalisedNano]).to.deep.equal([debt, finalised])
    }
    expect(unallocatedNano(lane)).to.equal(70n)
  })

  it('counts as exposed exactly what the chain does not back (exhaustive)', () => {
    for (const allocated of [0n, 1n, 5n, 9n]) {
      for (const vested of [0n, 1n, 5n, 9n]) {
        for (const cap of [3n, 9n, 10n, 11n]) {
          const paid = pay(newLane(id, signer.publicKey), 10n, [[nonce(1), allocated]])
          const open = vestJob(beginJob(paid, hexOf(1)), hexOf(1), vested)
          expect(exposureNano(open)).to.equal(vested)
          const backed = chainUpdate(open, { ...onChain, capNano: cap }, signer.publicKey, 1n)
          const uncovered = vested > allocated ? vested - allocated : 0n
          expect(exposureNano(backed)).to.equal(uncovered + (cap < 10n ? 10n - cap : 0n))
          expect(exposureNano(finishJob(open, hexOf(1), 4n).lane)).to.equal(4n)
          expect(exposureNano(finishJob(backed, hexOf(1), 4n).lane)).to.equal(cap < 10n ? 10n - cap : 0n)
        }
      }
    }
  })

  it('begins a job once, and only on a lane that is there, not unlocking and free of debt', () => {
    const lane = pay(confirmed(), 100n, [[nonce(1), 60n]])
    const begun = beginJob(lane, hexOf(1))
    expect(begun.jobs.get(hexOf(1))).to.deep.equal({ allocatedNano: 60n, vestedNano: 0n, begun: true })
    expect(code(() => beginJob(begun, hexOf(1)))).to.equal('allocation_invalid')
    expect(code(() => beginJob(finishJob(begun, hexOf(1), 1n).lane, hexOf(1)))).to.equal('allocation_invalid')
    expect(code(() => beginJob({ ...lane, chain: 'ended' }, hexOf(1)))).to.equal('lane_unknown')
    expect(code(() => finishJob(lane, hexOf(2), 0n))).to.equal('internal')
  })

  it('bounds the jobs of a lane', () => {
    const name = (n: number): Uint8Array => new Uint8Array(32).fill(n >> 8, 0, 1).fill(n & 0xff, 1)
    const names = Array.from({ length: MAX_LANE_JOBS + 1 }, (_, n) => name(n))
    const announce = (count: number): LaneState => pay(confirmed(), 1_000n, names.slice(0, count).map(one => [one, 1n]))
    const full = announce(MAX_LANE_JOBS)
    expect(full.jobs.size).to.equal(MAX_LANE_JOBS)
    expect(code(() => announce(MAX_LANE_JOBS + 1))).to.equal('allocation_invalid')
    expect(code(() => beginJob(full, 'one more'))).to.equal('no_room')
    expect(code(() => beginJob(full, Buffer.from(names[0]).toString('hex')))).to.equal('none')
    expect(code(() => beginJob(announce(MAX_LANE_JOBS - 1), 'one more'))).to.equal('none')
  })

  it('forgets the oldest finished jobs, and no debt', () => {
    let lane = pay(confirmed(), 1_000n, [])
    const finish = (name: string, charge: bigint): void => { lane = finishJob({ ...lane, jobs: new Map([[name, { allocatedNano: 0n, vestedNano: 0n, begun: true }]]) }, name, charge).lane }
    finish('debt', 2_000n)
    for (let n = 1; n < MAX_SETTLED_JOBS; n++) {
      finish(`job ${n}`, 0n)
    }
    expect([lane.settled.size, lane.settled.has('job 1')]).to.deep.equal([MAX_SETTLED_JOBS, true])
    finish('last', 0n)
    expect([lane.settled.size, lane.settled.has('job 1'), lane.settled.has('job 2'), lane.settled.has('last')]).to.deep.equal([MAX_SETTLED_JOBS, false, true, true])
    expect(debtNano(lane)).to.equal(1_000n)
  })

  it('vests only upwards, and changes nothing otherwise', () => {
    const lane = vestJob(beginJob(confirmed(), hexOf(1)), hexOf(1), 5n)
    expect(lane.jobs.get(hexOf(1))?.vestedNano).to.equal(5n)
    for (const same of [vestJob(lane, hexOf(1), 5n), vestJob(lane, hexOf(1), 4n), vestJob(lane, hexOf(2), 9n)]) {
      expect(same).to.equal(lane)
    }
  })

  it('pays a job from its allocation and the free balance, to the nanoTON (exhaustive)', () => {
    for (const allocated of [0n, 3n, 7n]) {
      for (const charge of [0n, 2n, 3n, 9n, 10n, 11n]) {
        const lane = beginJob(pay(confirmed(), 10n, [[nonce(1), allocated]]), hexOf(1))
        expect(payableNano(lane, hexOf(1))).to.equal(10n)
        const done = finishJob(lane, hexOf(1), charge)
        expect(done.paidNano).to.equal(charge > 10n ? 10n : charge)
        expect(done.debtNano).to.equal(charge > 10n ? charge - 10n : 0n)
        expect(unallocatedNano(done.lane)).to.equal(10n - done.paidNano)
      }
    }
  })

  it('ends the jobs of a process that died at what had vested and was paid (exhaustive)', () => {
    for (const allocated of [0n, 3n, 7n]) {
      for (const vested of [0n, 2n, 3n, 4n, 9n]) {
        const lane = recoverJobs(vestJob(beginJob(pay(confirmed(), 10n, [[nonce(1), allocated], [nonce(2), 1n]]), hexOf(1)), hexOf(1), vested))
        expect(lane.jobs.size).to.equal(0)
        expect(lane.finalisedNano).to.equal(vested < allocated ? vested : allocated)
        expect(debtNano(lane)).to.equal(0n)
      }
    }
  })

  it('follows the chain, whatever comes late, twice or not at all (exhaustive)', () => {
    const fresh = newLane(id, signer.publicKey)
    const states = { unconfirmed: fresh, confirmed: confirmed(), ended: { ...fresh, chain: 'ended' as const } }
    const expected: Array<[LaneState['chain'], bigint | null, LaneState['chain']]> = [
      ['unconfirmed', null, 'unconfirmed'], ['unconfirmed', 4n, 'unconfirmed'], ['unconfirmed', 5n, 'confirmed'], ['unconfirmed', 6n, 'ended'],
      ['confirmed', null, 'ended'], ['confirmed', 4n, 'ended'], ['confirmed', 5n, 'confirmed'], ['confirmed', 6n, 'ended'],
      ['ended', null, 'ended'], ['ended', 4n, 'ended'], ['ended', 5n, 'confirmed'], ['ended', 6n, 'ended']
    ]
    for (const [from, epoch, to] of expected) {
      const seen = epoch == null ? null : { ...onChain, epoch }
      expect(chainUpdate(states[from], seen, signer.publicKey, 1n).chain, `${from} ${epoch}`).to.equal(to)
    }
    expect(code(() => chainUpdate(fresh, onChain, null, 1n))).to.equal('voucher_bad_signature')
    expect(code(() => chainUpdate(fresh, onChain, nonce(9), 1n))).to.equal('voucher_bad_signature')
    expect(code(() => chainUpdate(fresh, onChain, signer.publicKey, 1_000n))).to.equal('none')
  })

  it('is not moved back by an old answer', () => {
    const seen = { ...onChain, capNano: 2_000n, paidNano: 700n, unlockAt: 50 }
    const now = chainUpdate(confirmed(), seen, signer.publicKey, 1n)
    const after = chainUpdate(now, onChain, signer.publicKey, 1n)
    expect([after.capNano, after.paidOnChainNano, after.unlockAt]).to.deep.equal([2_000n, 700n, 50])
    expect([now.capNano, now.paidOnChainNano, now.unlockAt, now.gasLeftNano]).to.deep.equal([2_000n, 700n, 50, 0n])
  })

  it('takes doubtful news as bad news only', () => {
    const doubtful = { ...onChain, capNano: 5_000n, paidNano: 900n, unlockAt: 50, isDoubtful: true }
    const fresh = newLane(id, signer.publicKey)
    expect(chainUpdate(fresh, doubtful, signer.publicKey, 1n)).to.equal(fresh)
    expect(chainUpdate(confirmed(), doubtful, null, 1n)).to.deep.equal({ ...confirmed(), unlockAt: 50 })
    expect(chainUpdate({ ...confirmed(), unlockAt: 70 }, doubtful, null, 1n).unlockAt).to.equal(70)
    for (const epoch of [4n, 6n]) {
      expect(chainUpdate(confirmed(), { ...doubtful, epoch }, null, 1n)).to.deep.equal(confirmed())
    }
  })

  it('never sells again what the chain has paid, after its store was lost', () => {
    const seen = { ...onChain, paidNano: 700n }
    for (const known of [0n, 699n, 700n, 701n]) {
      const lane = chainUpdate(pay(newLane(id, signer.publicKey), known, []), seen, signer.publicKey, 1n)
      expect(lane.cumulativeNano).to.equal(known > 700n ? known : 700n)
      expect(unallocatedNano(lane)).to.equal(known > 700n ? 701n : known)
      expect(lane.signature == null).to.equal(known < 700n)
      expect(redeemableNano(lane)).to.equal(known > 700n ? 1n : 0n)
    }
    expect(code(() => pay(chainUpdate(newLane(id, signer.publicKey), seen, signer.publicKey, 1n), 699n, []))).to.equal('voucher_not_increasing')
  })

  it('brings min(cumulative, cap) − paid and never less than nothing (exhaustive)', () => {
    for (const cumulative of [0n, 4n, 5n, 6n]) {
      for (const cap of [4n, 5n, 6n]) {
        for (const paid of [0n, 4n, 5n, 6n]) {
          const lane = { ...pay(newLane(id, signer.publicKey), cumulative, []), chain: 'confirmed' as const, capNano: cap, paidOnChainNano: paid }
          const worth = cumulative < cap ? cumulative : cap
          expect(redeemableNano(lane)).to.equal(worth > paid ? worth - paid : 0n)
          expect(redeemableNano({ ...lane, signature: null })).to.equal(0n)
          expect(redeemableNano({ ...lane, chain: 'unconfirmed' })).to.equal(0n)
        }
      }
    }
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
