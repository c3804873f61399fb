import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { adoptCumulative, agreeOnUse, beginPayerJob, finishPayerJob, freeNano, isLow, newPayerLane, payDebts, payerLaneFromChain, raisePayerJob, recoverPayerLane } from '../src/payer-lane.ts'
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
      const raised = raisePayerJob(lane, 'a', nano)
      expect([raised.lane === lane, raised.moreNano]).to.deep.equal([true, 0n])
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

  it('takes the payee\'s word for what was used, up to what was promised', () => {
    const lane = finishPayerJob(raise(beginPayerJob(open(), 'a'), 'a', 40n), 'a', 25n)
    expect(agreeOnUse(lane, 25n)).to.equal(lane)
    for (const [used, free] of [[0n, 40n], [24n, 16n], [26n, 14n], [40n, 0n], [41n, 0n]]) {
      const agreed = agreeOnUse(lane, used)
      expect([freeNano(agreed), agreed.cumulativeNano, agreed.finalisedNano]).to.deep.equal([free, 40n, 40n - free])
    }
    const again = recoverPayerLane(lane)
    expect([again.unbookedNano, freeNano(again)]).to.deep.equal([15n, 0n])
    expect(agreeOnUse(again, 40n)).to.deep.equal({ ...again, unbookedNano: 0n })
    expect(agreeOnUse(again, 25n)).to.deep.equal(lane)
  })

  it('never counts free what a running job holds, whether the payee knows of it or not', () => {
    const lane = raise(beginPayerJob(finishPayerJob(raise(beginPayerJob(open(), 'a'), 'a', 40n), 'a', 20n), 'b'), 'b', 5n)
    // 20 used, 5 held, 15 free: the payee may count the 5 already or not
    for (const [used, free] of [[0n, 15n], [20n, 15n], [21n, 14n], [25n, 10n], [35n, 0n], [36n, 0n], [50n, 0n]]) {
      const agreed = agreeOnUse(lane, used)
      expect([freeNano(agreed), agreed.jobs.get('b'), agreed.cumulativeNano]).to.deep.equal([free, 5n, 40n])
    }
  })

  it('pays debts out of what is free and then out of the cap, each at most the limit', () => {
    const lane = finishPayerJob(raise(beginPayerJob(open(), 'a'), 'a', 40n), 'a', 30n)
    for (const [debts, more] of [[[], 0n], [[9n], 0n], [[4n, 6n], 0n], [[4n, 7n], 1n], [[10n, 10n], 10n]] as const) {
      const paid = payDebts(lane, debts, 10n)
      const owed = debts.reduce((sum: bigint, debt) => sum + debt, 0n)
      expect([paid.moreNano, paid.lane.cumulativeNano, paid.lane.finalisedNano]).to.deep.equal([more, 40n + more, 30n + owed])
    }
    expect([[10n], [11n]].map(debts => codeOf(() => payDebts(lane, debts, 10n)))).to.deep.equal(['none', 'debt_refused'])
    expect([[70n], [71n]].map(debts => codeOf(() => payDebts(lane, debts, 80n)))).to.deep.equal(['none', 'lane_exhausted'])
  })

  it('is low when half of it is used', () => {
    expect([49n, 50n, 51n].map(cumulativeNano => isLow({ ...open(), cumulativeNano }))).to.deep.equal([false, true, true])
    expect(isLow({ ...open(), cumulativeNano: 99n, status: 'opening' })).to.equal(false)
  })

  it('keeps its invariant, and never takes a promise back, under any sequence', () => {
    const step = fc.record({ kind: fc.constantFrom('begin', 'raise', 'finish', 'restart', 'adopt', 'agree', 'debt'), job: fc.constantFrom('a', 'b', 'c'), amount: fc.bigInt({ min: 0n, max: 70n }) })
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
          } else if (kind === 'agree') {
            lane = agreeOnUse(lane, amount)
          } else if (kind === 'debt') {
            lane = payDebts(lane, [amount], 70n).lane
          }
        } catch (error: any) {
          expect(error.code).to.be.oneOf(['lane_exhausted', 'allocation_invalid'])
        }
        expect(freeNano(lane) >= 0n && lane.finalisedNano >= 0n && lane.cumulativeNano <= lane.capNano && lane.cumulativeNano >= signed).to.equal(true)
        signed = lane.cumulativeNano
      }
    }))
  })
})
