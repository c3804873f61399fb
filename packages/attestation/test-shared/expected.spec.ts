import { expect } from 'aegir/chai'
import { decodeEvidence, parsePolicy, productionPolicy, verifyEvidence } from '../src/index.ts'
import { flipBits, truncate } from '../test/simulated/flips.ts'
import { judge, leftOut, present, read, readCases } from './vectors.ts'
import type { Case } from './vectors.ts'
import type { EvidenceReport } from '../src/index.ts'

/** Nine pieces of evidence share a minute. */
const FLIP_STRIDE = 4
const TRUNCATION_STRIDE = 7

/** What differs from the table; an empty list is agreement. */
function differences (one: Case, report: Pick<EvidenceReport, 'kind' | 'verdict' | 'tcbStatus' | 'checks'>): string[] {
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
        return differences(one, { verdict, kind: one.kind as 'tdx', tcbStatus: one.tcbStatus ?? null, checks }).length > 0
      })
      expect(wrong.length).to.be.greaterThan(0)
    }
  })

  const authentic = cases.filter((one, i) => judge(one).claims != null && cases.findIndex(({ evidence }) => evidence === one.evidence) === i)

  it('there is authentic evidence of each kind to damage', () => {
    expect(authentic.map(({ id }) => id)).to.have.members([
      'tdx-v4-up-to-date', 'tdx-v5-up-to-date', 'tdx-v5-below-every-level', 'tdx-v4-sept-ve-enabled', 'sgx-v3-configuration-needed',
      'snp-milan-v2', 'snp-milan-v2-debug', 'snp-vlek-v3-vmpl1', 'nvidia-hopper'
    ])
  })

  for (const one of authentic) {
    const evidence = decodeEvidence(read(one.evidence))
    const input = { kind: one.kind, evidence, honest: judge(one), judge: (changed: Uint8Array) => judge(one, changed) }

    // Which bit of each byte differs from piece to piece. Every bit of every piece: npm run flips.
    it(`${one.id}: a flipped bit refuses, or lies outside what is signed and changes no claim`, function () {
      this.timeout(120_000)
      const counts = flipBits(input, bit => (bit & 7) === (bit >> 3) % 8 && (bit >> 3) % FLIP_STRIDE === authentic.indexOf(one) % FLIP_STRIDE)
      expect(counts.faults).to.deep.equal([])
      expect(counts.refused).to.be.greaterThan(evidence.byteLength / FLIP_STRIDE / 2)
    })

    it(`${one.id}: a truncation refuses, or lies outside what is signed and changes no claim`, function () {
      this.timeout(120_000)
      const counts = truncate(input, length => length % TRUNCATION_STRIDE === 0 || length > evidence.byteLength - 16)
      expect(counts.faults).to.deep.equal([])
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
