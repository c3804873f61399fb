import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { adoptCumulative, beginPayerJob, finishPayerJob, freeNano, isLow, newPayerLane, payerLaneFromChain, raisePayerJob, recoverPayerLane } from '../src/payer-lane.ts'
import { payee } from './fixtures.ts'
import type { PayerLane } from '../src/payer-lane.ts'

const id = { vault: new Uint8Array(32).fill(2), payee, epoch: 5n }
const open = (capNano = 100n): PayerLane => ({ ...newPayerLane(id, capNano), status: 'open' })
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error: any) {
    return error.code
  }
  return 'none'
}
const raise = (lane: PayerLane, nonce: string, nano: bigint): PayerLane => raisePayerJob(lane, nonce, nano).lane

describe('payer lane', () => {
  it('promises only what the free balance lacks', () => {
    let lane = raise(beginPayerJob(open(), 'a'), 'a', 60n)
    expect([lane.cumulativeNano, freeNano(lane)]).to.deep.equal([60n, 0n])
    lane = finishPayerJob(lane, 'a', 20n)
    expect([lane.cumulativeNano, lane.finalisedNano, freeNano(lane)]).to.deep.equal([60n, 20n, 40n])
    for (const [nano, more] of [[39n, 0n], [40n, 0n], [41n, 1n]]) {
      const raised = raisePayerJob(beginPayerJob(lane, 'b'), 'b', nano)
      expect([raised.moreNano, raised.lane.cumulativeNano]).to.deep.equal([more, 60n + more])
    }
  })

  it('never promises above the cap, nor on a lane that failed', () => {
    const lane = beginPayerJob(open(), 'a')
    expect([100n, 101n].map(nano => codeOf(() => raise(lane, 'a', nano)))).to.deep.equal(['none', 'lane_exhausted'])
    expect(codeOf(() => raise({ ...lane, status: 'failed' }, 'a', 1n))).to.equal('lane_exhausted')
    expect(codeOf(() => raise({ ...lane, status: 'opening' }, 'a', 1n))).to.equal('none')
  })

  it('changes nothing when a job holds that much, and runs a nonce once', () => {
    const lane = raise(beginPayerJob(open(), 'a'), 'a', 10n)
    for (const nano of [0n, 9n, 10n]) {
      expect(raisePayerJob(lane, 'a', nano)).to.deep.equal({ lane, moreNano: 0n })
    }
    expect(codeOf(() => beginPayerJob(lane, 'a'))).to.equal('allocation_invalid')
    expect(codeOf(() => beginPayerJob(finishPayerJob(lane, 'a', 1n), 'a'))).to.equal('none')
  })

  it('counts what may be in the payee\'s hands as spent, after a restart and after losing its records', () => {
    const lane = recoverPayerLane(raise(beginPayerJob(open(), 'a'), 'a', 10n))
    expect([lane.finalisedNano, freeNano(lane), lane.jobs.size]).to.deep.equal([10n, 0n, 0])
    const seen = { capNano: 50n, paidNano: 7n, epoch: 5n, keyIdx: 0, unlockAt: 0, gasLeftNano: 0n }
    expect(payerLaneFromChain(id, seen)).to.include({ capNano: 50n, cumulativeNano: 7n, finalisedNano: 7n, status: 'open' })
    for (const [shown, more] of [[6n, 0n], [10n, 0n], [11n, 1n]]) {
      const adopted = adoptCumulative(lane, shown)
      expect([adopted.moreNano, adopted.lane.cumulativeNano, adopted.lane.finalisedNano, freeNano(adopted.lane)]).to.deep.equal([more, 10n + more, 10n + more, 0n])
    }
  })

  it('is low when half of it is used', () => {
    expect([49n, 50n, 51n].map(cumulativeNano => isLow({ ...open(), cumulativeNano }))).to.deep.equal([false, true, true])
    expect(isLow({ ...open(), cumulativeNano: 99n, status: 'opening' })).to.equal(false)
  })

  it('keeps its invariant, and never takes a promise back, under any sequence', () => {
    const step = fc.record({ kind: fc.constantFrom('begin', 'raise', 'finish', 'restart', 'adopt'), job: fc.constantFrom('a', 'b', 'c'), amount: fc.bigInt({ min: 0n, max: 70n }) })
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
      let lane = open()
      let signed = 0n
      for (const { kind, job, amount } of steps) {
        try {
          if (kind === 'begin') {
            lane = beginPayerJob(lane, job)
          } else if (kind === 'raise' && lane.jobs.has(job)) {
            const raised = raisePayerJob(lane, job, amount)
            expect(raised.lane.cumulativeNano - lane.cumulativeNano).to.equal(raised.moreNano)
            lane = raised.lane
          } else if (kind === 'finish' && (lane.jobs.get(job) ?? -1n) >= amount) {
            lane = finishPayerJob(lane, job, amount)
          } else if (kind === 'restart') {
            lane = recoverPayerLane(lane)
          } else if (kind === 'adopt' && amount <= lane.capNano) {
            lane = adoptCumulative(lane, amount).lane
          }
        } catch (error: any) {
          expect(error.code).to.be.oneOf(['lane_exhausted', 'allocation_invalid'])
        }
        expect(freeNano(lane) >= 0n && lane.cumulativeNano <= lane.capNano && lane.cumulativeNano >= signed).to.equal(true)
        signed = lane.cumulativeNano
      }
    }))
  })
})
