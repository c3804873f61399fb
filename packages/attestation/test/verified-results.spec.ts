import { expect } from 'aegir/chai'
import { devnetPolicy, productionPolicy } from '../src/index.ts'
import { PRODUCTION_ROOTS } from '../src/roots.ts'
import { VerifiedResults, portableSameBytes } from '../src/verified-results.ts'
import type { EvidenceReport } from '../src/index.ts'
import type { Question } from '../src/verified-results.ts'

const AT = 1_000_000
const report: EvidenceReport = { verdict: 'verified', kind: 'tdx', tcbStatus: 'UpToDate', claims: null, checks: [], reasons: [], freshUntilMs: AT + 1_000, collateralVersions: {} }

function questionOf (change: Partial<Question> = {}): Question {
  return {
    roots: PRODUCTION_ROOTS,
    policy: productionPolicy,
    knownVersions: { tcb: 1 },
    evidence: Uint8Array.of(1, 2, 3),
    collateral: [Uint8Array.of(4), Uint8Array.of(5)],
    chain: [Uint8Array.of(6)],
    ...change
  }
}

describe('results remembered', () => {
  it('answers the same question, and gives a report that cannot be changed', () => {
    const results = new VerifiedResults()
    expect(results.recall(questionOf(), AT)).to.equal(null)
    results.remember(questionOf(), AT, { ...report })
    const found = results.recall(questionOf(), AT)
    expect(found).to.deep.equal(report)
    expect(() => Object.assign(found ?? {}, { verdict: 'refused' })).to.throw(TypeError)
  })

  it('answers no other question', () => {
    const results = new VerifiedResults()
    results.remember(questionOf(), AT, report)
    const others: Array<Partial<Question>> = [
      { roots: { ...PRODUCTION_ROOTS } }, { policy: devnetPolicy({ networkId: new Uint8Array(32) }) }, { knownVersions: {} }, { knownVersions: { tcb: 2 } },
      { evidence: Uint8Array.of(1, 2, 4) }, { evidence: Uint8Array.of(1, 2) }, { evidence: Uint8Array.of(1, 2, 3, 0) },
      { collateral: [Uint8Array.of(4), Uint8Array.of(6)] }, { collateral: [Uint8Array.of(4)] }, { collateral: [Uint8Array.of(4, 5)] }, { collateral: [] },
      { chain: [] }, { chain: [Uint8Array.of(7)] }, { collateral: [Uint8Array.of(4)], chain: [Uint8Array.of(5), Uint8Array.of(6)] }
    ]
    for (const change of others) {
      expect(results.recall(questionOf(change), AT)).to.equal(null)
    }
    expect(results.recall(questionOf(), AT)).to.not.equal(null)
  })

  it('holds from the judgement to the end of what it rests on, and no longer than five minutes', () => {
    const results = new VerifiedResults()
    results.remember(questionOf(), AT, report)
    const holds = [AT - 1, AT, AT + 1_000, AT + 1_001].map(ms => results.recall(questionOf(), ms) != null)
    expect(holds).to.deep.equal([false, true, true, false])
    results.remember(questionOf(), AT, { ...report, freshUntilMs: AT + 10_000_000 })
    expect([AT + 300_000, AT + 300_001].map(ms => results.recall(questionOf(), ms) != null)).to.deep.equal([true, false])
    results.remember(questionOf(), AT, { ...report, freshUntilMs: null })
    expect([AT, AT + 1].map(ms => results.recall(questionOf(), ms) != null)).to.deep.equal([true, false])
  })

  it('does not remember refusals, nor what is too large', () => {
    const results = new VerifiedResults()
    results.remember(questionOf(), AT, { ...report, verdict: 'refused' })
    expect(results.recall(questionOf(), AT)).to.equal(null)
    const large = questionOf({ collateral: [new Uint8Array(200_000)] })
    results.remember(large, AT, report)
    expect(results.recall(large, AT)).to.equal(null)
  })

  it('keeps copies: a buffer used again changes nothing', () => {
    const results = new VerifiedResults()
    const question = questionOf()
    results.remember(question, AT, report)
    question.collateral[0][0] = 9
    expect(results.recall(question, AT)).to.equal(null)
    expect(results.recall(questionOf(), AT)).to.not.equal(null)
  })

  it('stays within its memory', () => {
    const results = new VerifiedResults()
    const questions = Array.from({ length: 120 }, (_, i) => questionOf({ evidence: Uint8Array.of(i, 1), collateral: [new Uint8Array(100_000)] }))
    questions.forEach(question => { results.remember(question, AT, report) })
    const left = questions.filter(question => results.recall(question, AT) != null).length
    expect(left).to.be.within(70, 90)
  })

  it('compares bytes in browsers as in Node, at every length and at every place of a difference', () => {
    for (let length = 0; length < 14; length++) {
      // At an odd offset, as in views of a larger buffer.
      const a = new Uint8Array(length + 3).subarray(3).map((_, i) => i)
      expect(portableSameBytes(a, a.slice())).to.equal(true)
      for (let at = 0; at < length; at++) {
        const b = a.slice()
        b[at] ^= 0x80
        expect(portableSameBytes(a, b)).to.equal(false)
      }
    }
  })
})
