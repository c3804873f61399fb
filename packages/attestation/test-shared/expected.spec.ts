import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy, verifyEvidence } from '../src/index.ts'
import { judge, leftOut, present, read, readCases } from './vectors.ts'
import type { Case } from './vectors.ts'
import type { EvidenceReport } from '../src/index.ts'

/** What differs from the table; an empty list is agreement. */
function differences (one: Case, report: EvidenceReport): string[] {
  const out: string[] = []
  const compare = (what: string, got: unknown, wanted: unknown): void => {
    if (got !== wanted) {
      out.push(`${what}: ${String(got)} and not ${String(wanted)}`)
    }
  }
  compare('kind', report.kind, one.kind)
  compare('verdict', report.verdict, one.verdict)
  if (one.tcbStatus != null) {
    compare('tcbStatus', report.tcbStatus, one.tcbStatus)
  }
  for (const [name, wanted] of Object.entries(one.checks)) {
    compare(name, report.checks.find(check => check.name === name)?.result, wanted)
  }
  return out
}

describe('evidence from real hardware', () => {
  if (!present) {
    leftOut()
    return
  }
  const cases = readCases()

  for (const one of cases) {
    it(one.id, () => {
      expect(differences(one, judge(one))).to.deep.equal([])
    })
  }

  it('a verifier that always refuses, or always accepts, fails the table', () => {
    for (const verdict of ['refused', 'verified'] as const) {
      const result = verdict === 'verified' ? 'pass' : 'fail'
      const wrong = cases.filter((one) => {
        const checks = Object.keys(one.checks).map(name => ({ name: name as 'tcb', result: result as 'pass', code: null, message: '' }))
        return differences(one, { verdict, kind: one.kind as 'tdx', tcbStatus: one.tcbStatus ?? null, claims: null, checks }).length > 0
      })
      expect(wrong.length).to.be.greaterThan(0)
    }
  })

  for (const one of cases.filter(one => one.verdict === 'verified' || one.id === 'snp-milan-v2' || one.kind === 'nvidia')) {
    it(`${one.id}: a flipped bit refuses, or changes no claim`, function () {
      this.timeout(60_000)
      const evidence = hexOrRaw(read(one.evidence))
      const honest = judge(one, evidence)
      // Every byte, one of its bits in turn: each bit of the whole takes minutes on two cores.
      for (let at = 0; at < evidence.byteLength; at++) {
        const changed = evidence.slice()
        changed[at] ^= 1 << (at & 7)
        let report: EvidenceReport
        try {
          report = judge(one, changed)
        } catch (error) {
          expect(error).to.have.property('code', 'evidence_malformed')
          continue
        }
        if (report.claims != null) {
          expect(report.claims).to.deep.equal(honest.claims)
        } else {
          expect(report.verdict).to.equal('refused')
        }
      }
    })

    it(`${one.id}: a truncation refuses, or changes no claim`, () => {
      const evidence = hexOrRaw(read(one.evidence))
      const honest = judge(one, evidence)
      for (let length = 0; length < evidence.byteLength; length += 13) {
        try {
          const report = judge(one, evidence.slice(0, length))
          expect(report.verdict === 'refused' || length > 4_000).to.be.true()
          if (report.claims != null) {
            expect(report.claims).to.deep.equal(honest.claims)
          }
        } catch (error) {
          expect(error).to.have.property('code', 'evidence_malformed')
        }
      }
    })
  }

  it('allow-lists name the digest of the whole measurement', () => {
    const one = cases.find(({ id }) => id === 'tdx-v4-up-to-date')
    if (one == null) {
      throw new Error('the case is gone')
    }
    const digest = judge(one).claims?.measurementDigest ?? ''
    const verdictWith = (measurements: string[]): string => verifyEvidence({
      evidence: read(one.evidence),
      collateral: read(one.collateral ?? ''),
      atMs: Date.parse(one.at),
      policy: parsePolicy({ ...productionPolicy, measurements })
    }).verdict
    expect(verdictWith([digest])).to.equal('verified')
    expect(verdictWith(['00'.repeat(32)])).to.equal('refused')
  })
})

function hexOrRaw (data: Uint8Array): Uint8Array {
  const text = new TextDecoder('latin1').decode(data).trim()
  return /^[0-9a-fA-F]+$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : data
}
