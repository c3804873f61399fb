import { createSnpTestPlatform } from '@cocoon-net/attestation-simulated'
import { toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy, verifyEvidence } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'
import type { TestSnpReport } from '@cocoon-net/attestation-simulated'

const atMs = Date.UTC(2026, 5, 1)
const platform = createSnpTestPlatform({ seed: new Uint8Array(32).fill(1), atMs })
const other = createSnpTestPlatform({ seed: new Uint8Array(32).fill(2), atMs })
const roots = { intel: [], amd: { Milan: [platform.rootSpkiHash], Genoa: [], Turin: [] }, nvidia: [] }
const reportData = new Uint8Array(64).fill(7)
const evidence = platform.report(reportData)

function judge (init: { evidence?: Uint8Array, chain?: Uint8Array[], collateral?: Uint8Array, atMs?: number, policy?: unknown }): EvidenceReport {
  return verifyEvidenceUnder(roots, {
    evidence: init.evidence ?? evidence,
    chain: init.chain ?? [platform.chain()],
    collateral: init.collateral,
    atMs: init.atMs ?? atMs,
    policy: parsePolicy({ ...productionPolicy, ...(init.policy ?? {}) })
  })
}

/** The names of the checks that did not pass, the allow-list of measurements aside. */
function notPassed (report: EvidenceReport): string[] {
  expect(report.verdict).to.equal('refused')
  return report.checks.filter(check => check.result !== 'pass' && check.name !== 'measurement').map(check => check.name)
}

describe('SEV-SNP evidence under a private root', () => {
  it('verifies, with its claims', () => {
    for (const version of [2, 3, 5]) {
      const report = judge({ evidence: platform.report(reportData, { version }) })
      expect(report.checks.filter(check => check.result === 'fail')).to.deep.equal([])
      expect(report).to.include({ verdict: 'verified', kind: 'snp' })
      expect(report.claims).to.include({ reportData: toHex(reportData), product: 'Milan', vmpl: '0' })
    }
    expect(judge({ chain: [], collateral: platform.chain() }).verdict).to.equal('verified')
  })

  it('no production entry point accepts it', () => {
    const report = verifyEvidence({ evidence, chain: [platform.chain()], atMs, policy: productionPolicy })
    expect(report).to.include({ verdict: 'refused', claims: null })
  })

  const reports: Array<[string, TestSnpReport, string[]]> = [
    ['DEBUG', { policy: 0xb_0000n }, ['policy']],
    ['a migration agent allowed', { policy: 0x7_0000n }, ['policy']],
    ['a migration agent bound', { reportIdMa: new Uint8Array(32) }, ['policy']],
    ['a reserved bit that must be one', { policy: 0x1_0000n }, ['policy']],
    ['a reserved bit that must be zero', { policy: 0x3_0000n | (1n << 40n) }, ['policy']],
    ['VMPL 1', { vmpl: 1 }, ['policy']],
    ['a TCB that the endorsement key is not for', { snpSvn: 23 }, ['tcb']],
    ['another chip', { chipId: new Uint8Array(64) }, ['tcb']],
    ['another kind of key', { keyInfo: 4 }, ['tcb']],
    ['another product', { family: 0x1a }, ['tcb']]
  ]
  for (const [name, options, wanted] of reports) {
    it(`refuses ${name}`, () => {
      expect(notPassed(judge({ evidence: platform.report(reportData, options) }))).to.deep.equal(wanted)
    })
  }

  it('refuses no list of revoked keys, an old one, and a revoked key or CA', () => {
    expect(notPassed(judge({ chain: [platform.chain({ crl: false })] }))).to.deep.equal(['revocation'])
    expect(notPassed(judge({ atMs: atMs + 40 * 86_400_000 }))).to.deep.equal(['revocation'])
    expect(notPassed(judge({ chain: [platform.chain({ revoke: 'vcek' })] }))).to.deep.equal(['revocation'])
    expect(notPassed(judge({ chain: [platform.chain({ revoke: 'ask' })] }))).to.deep.equal(['revocation'])
  })

  it('refuses another root, a missing or malformed chain, another product\'s key and another role', () => {
    const unauthentic = ['chain', 'revocation', 'tcb', 'policy']
    expect(notPassed(judge({ chain: [other.chain()] }))).to.deep.equal(['signature', ...unauthentic])
    expect(notPassed(judge({ chain: [platform.chain({ productName: 'Genoa-B1' })] }))).to.deep.equal(unauthentic)
    expect(notPassed(judge({ chain: [platform.chain({ caName: 'SEV-VLEK-Milan' })] }))).to.deep.equal(unauthentic)
    expect(notPassed(judge({ chain: [] }))).to.deep.equal(['signature', ...unauthentic])
    for (const garbage of [new Uint8Array(), new Uint8Array(100_000), Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)]) {
      expect(notPassed(judge({ chain: [garbage] }))).to.deep.equal(['signature', ...unauthentic])
      expect(notPassed(judge({ chain: [platform.chain(), garbage] }))).to.deep.equal(unauthentic)
      expect(notPassed(judge({ collateral: garbage }))).to.deep.equal(['revocation'])
    }
  })

  it('refuses a TCB below the policy\'s minimum', () => {
    const minimum = (snp: number): unknown => ({ snpMinimumTcb: { Milan: { snp } } })
    expect(judge({ policy: minimum(24) }).verdict).to.equal('verified')
    expect(notPassed(judge({ policy: minimum(25) }))).to.deep.equal(['tcb'])
  })

  it('the whole measurement is what allow-lists name', () => {
    const measurements = [judge({}).claims?.measurementDigest ?? '']
    expect(judge({ policy: { measurements } }).verdict).to.equal('verified')
    for (const options of [{ policy: 0x103_0000n }, { measurement: new Uint8Array(48) }]) {
      const changed = platform.report(reportData, options)
      expect(judge({ evidence: changed }).verdict).to.equal('verified')
      expect(judge({ evidence: changed, policy: { measurements } }).verdict).to.equal('refused')
    }
  })

  it('every flipped bit of what is signed, and of the signature, refuses', function () {
    this.timeout(20_000)
    for (let at = 0; at < 0x2a0 + 144; at += 5) {
      const changed = evidence.slice()
      changed[at] ^= 1 << (at & 7)
      let verdict = 'refused'
      try {
        verdict = judge({ evidence: changed }).verdict
      } catch (error) {
        expect(error).to.have.property('code', 'evidence_malformed')
      }
      expect(verdict).to.equal('refused')
    }
    expect(() => judge({ evidence: evidence.slice(0, -1) })).to.throw().with.property('code', 'evidence_malformed')
  })
})
