import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { MAINNET, toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy, verifyEvidence } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'
import type { TestCollateralInit, TestTd } from '@cocoon-net/attestation-simulated'

const atMs = Date.UTC(2026, 5, 1)
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs })
const other = createTdxTestPlatform({ seed: new Uint8Array(32).fill(2), atMs })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
const reportData = new Uint8Array(64).fill(7)
const evidence = platform.quote(reportData)

function judge (init: { evidence?: Uint8Array, collateral?: Uint8Array | null, atMs?: number, policy?: unknown }): EvidenceReport {
  return verifyEvidenceUnder(roots, {
    evidence: init.evidence ?? evidence,
    collateral: init.collateral === undefined ? platform.collateral() : init.collateral,
    atMs: init.atMs ?? atMs,
    policy: parsePolicy({ ...productionPolicy, ...(init.policy ?? {}) })
  })
}

function resultOf (report: EvidenceReport, name: string): string | undefined {
  return report.checks.find(check => check.name === name)?.result
}

/** The names of the checks that did not pass, the allow-list of measurements aside. */
function notPassed (report: EvidenceReport): string[] {
  return report.checks.filter(check => check.result !== 'pass' && check.name !== 'measurement').map(check => check.name)
}

/** The code of the first check that failed, or of what was thrown. */
function codeOf (work: () => EvidenceReport): string | undefined {
  try {
    return work().checks.find(check => check.result === 'fail')?.code ?? undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('TDX evidence under a private root', () => {
  for (const version of [4, 5] as const) {
    it(`version ${version} verifies, with its claims`, () => {
      const report = judge({ evidence: platform.quote(reportData, { version }) })
      expect(report.checks.filter(check => check.result === 'fail')).to.deep.equal([])
      expect(report).to.include({ verdict: 'verified', kind: 'tdx', tcbStatus: 'UpToDate' })
      expect(report.claims?.reportData).to.equal(toHex(reportData))
    })
  }

  it('version 5 with the extended body of TDX 1.5 verifies, with what it says besides', () => {
    // VM id, TD id, devices; service TD at launch, its attributes, CPU SVN, TEE TCB SVN, model; service TD now, its attributes.
    const extension = new Uint8Array(237).fill(0x62, 1, 33).fill(0x63, 33, 81).fill(0x64, 129, 181).fill(0x65, 229)
    const extended = platform.quote(reportData, { version: 5, td: { extension } })
    const report = judge({ evidence: extended })
    expect(report).to.include({ verdict: 'verified', tcbStatus: 'UpToDate' })
    expect(report.claims).to.include({ quoteVersion: '5', vmId: '0', tdId: '62'.repeat(32), deviceInfo: '63'.repeat(48), mrServiceTd: '00'.repeat(48) })
    // Type, size, and the first and last byte of the extension: all of it is signed.
    for (const [at, code] of [[48, 'evidence_malformed'], [50, 'evidence_malformed'], [54 + 648, 'bad_signature'], [54 + 884, 'bad_signature']] as const) {
      const damaged = extended.slice()
      damaged[at] ^= 1
      expect(codeOf(() => judge({ evidence: damaged })), String(at)).to.equal(code)
    }
    expect(notPassed(judge({ evidence: platform.quote(reportData, { version: 5, td: { extension, mrServiceTd: new Uint8Array(48).fill(1) } }) }))).to.deep.equal(['policy'])
    const reasons = (at: number): string[] => judge({ evidence: platform.quote(reportData, { version: 5, td: { extension: extension.slice().fill(2, at, at + 1) } }) }).reasons.map(({ message }) => message)
    expect(reasons(0)).to.deep.equal(['the report is of guest 2 inside the TD'])
    expect([81, 128, 181, 228].map(at => reasons(at).join())).to.deep.equal(new Array(4).fill('a service TD is bound'))
    expect([80, 129, 180, 229].flatMap(reasons)).to.deep.equal([])
  })

  it('names every reason to refuse with its code, and none when it verifies', () => {
    const td = { attributes: Uint8Array.of(1, 0, 0, 0x20, 0, 0, 0, 0) }
    const report = judge({ evidence: platform.quote(reportData, { td }), collateral: platform.collateral({ revokePck: true, revokePckCa: true, tcbInfo: info => ({ ...info, tcbLevels: [] }), qeIdentity: one => ({ ...one, tcbLevels: [] }) }) })
    expect(report.reasons.map(({ check, code, message }) => `${check} ${code}: ${message}`)).to.deep.equal([
      'revocation evidence_refused: Intel SGX PCK Platform CA is revoked',
      'revocation evidence_refused: Intel SGX PCK Certificate is revoked',
      'tcb evidence_refused: no TCB level matches',
      'tcb evidence_refused: the quoting enclave is below every TCB level',
      'policy evidence_refused: the TD can be debugged',
      'policy evidence_refused: SEPT_VE_DISABLE is 0',
      'policy evidence_refused: the TD can be migrated'
    ])
    expect(judge({}).reasons).to.deep.equal([])
    expect(judge({ collateral: null }).reasons.map(({ check, code }) => `${check} ${code}`)).to.deep.equal(['revocation collateral_missing', 'tcb collateral_missing'])
    expect(judge({ evidence: platform.quote(reportData, { td }), collateral: null }).reasons).to.have.lengthOf(5)
  })

  it('claims name the advisories of the level that matched, and what the TD says besides', () => {
    const collateral = platform.collateral({
      tcbInfo: info => ({ ...info, tcbLevels: (info.tcbLevels as object[]).map(level => ({ ...level, advisoryIDs: ['INTEL-SA-2', 'INTEL-SA-1'] })) }),
      qeIdentity: one => ({ ...one, tcbLevels: (one.tcbLevels as object[]).map(level => ({ ...level, advisoryIDs: ['INTEL-SA-1', 'INTEL-SA-0'] })) })
    })
    expect(judge({ collateral }).claims?.advisories).to.deep.equal(['INTEL-SA-0', 'INTEL-SA-1', 'INTEL-SA-2'])
    const tcb = (report: EvidenceReport): string | undefined => report.checks.find(({ name }) => name === 'tcb')?.message
    expect([tcb(judge({ collateral })), tcb(judge({}))]).to.deep.equal(['UpToDate, advisories INTEL-SA-0, INTEL-SA-1, INTEL-SA-2', 'UpToDate'])
    expect(judge({}).claims).to.deep.include({ advisories: [], teeTcbSvn: `0501${'05'.repeat(14)}`, mrSeam: '11'.repeat(48), mrOwner: '00'.repeat(48), mrOwnerConfig: '00'.repeat(48) })
    expect(judge({}).claims).to.not.have.any.keys('mrServiceTd', 'vmId')
    expect(judge({ collateral: null }).claims).to.not.have.property('advisories')
  })

  it('a quote without a chain of its own takes that of the PCK certificate among the files given', () => {
    const at = evidence.lastIndexOf(5, evidence.indexOf(0x2d, 1_500)) // certification data: type 5, size, PEM
    const pem = evidence.slice(at + 6)
    const unchained = new Uint8Array([...evidence.slice(0, at), 3, ...evidence.slice(at + 1)])
    const otherPem = other.quote(reportData).slice(at + 6)
    const files = (...chain: Uint8Array[]): EvidenceReport => verifyEvidenceUnder(roots, { evidence: unchained, chain, collateral: platform.collateral(), atMs, policy: productionPolicy })
    expect(notPassed(files())).to.deep.equal(['signature', 'chain', 'revocation', 'tcb', 'policy'])
    expect(files().checks.slice(0, 2).map(({ result, code }) => `${result} ${code}`)).to.deep.equal(['absent evidence_missing', 'absent evidence_missing'])
    expect(files(pem).verdict).to.equal('verified')
    expect(files(otherPem, pem).claims).to.deep.equal(judge({}).claims)
    expect(notPassed(files(otherPem))).to.include.members(['signature', 'chain'])
    const bundle = platform.collateral({ bundle: one => ({ ...one, pck_certificate_chain: new TextDecoder().decode(pem) }) })
    expect(judge({ evidence: unchained, collateral: bundle }).verdict).to.equal('verified')
    expect(judge({ evidence, collateral: bundle }).verdict).to.equal('verified')
    expect(notPassed(judge({ collateral: platform.collateral({ bundle: one => ({ ...one, pck_certificate_chain: 'none' }) }) }))).to.include('chain')
  })

  it('no production entry point accepts it', () => {
    const report = verifyEvidence({ evidence, collateral: platform.collateral(), atMs, policy: productionPolicy })
    expect(report.verdict).to.equal('refused')
    expect(report.claims).to.equal(null)
    expect(resultOf(report, 'chain')).to.equal('fail')
    expect(MAINNET.kind).to.equal('mainnet')
  })

  const tds: Array<[string, TestTd]> = [
    ['DEBUG', { attributes: Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0) }],
    ['a reserved bit', { attributes: Uint8Array.of(0, 1, 0, 0x10, 0, 0, 0, 0) }],
    ['SEPT_VE_DISABLE 0', { attributes: new Uint8Array(8) }],
    ['MIGRATABLE', { attributes: Uint8Array.of(0, 0, 0, 0x30, 0, 0, 0, 0) }],
    ['a service TD', { mrServiceTd: new Uint8Array(48).fill(1) }]
  ]
  for (const [name, td] of tds) {
    it(`policy refuses ${name}`, () => {
      expect(notPassed(judge({ evidence: platform.quote(reportData, { version: 5, td }) }))).to.deep.equal(['policy'])
    })
  }

  it('refuses another signer of the TDX module, and another vendor\'s quoting enclave', () => {
    expect(notPassed(judge({ evidence: platform.quote(reportData, { td: { mrSignerSeam: new Uint8Array(48).fill(1) } }) }))).to.deep.equal(['tcb', 'policy'])
    expect(notPassed(judge({ evidence: platform.quote(reportData, { vendorId: new Uint8Array(16) }) }))).to.deep.equal(['policy'])
  })

  it('an old TDX module makes the whole OutOfDate, an older one matches nothing, an unknown one is refused', () => {
    const svn = (value: number, version: number): TestTd => ({ teeTcbSvn: new Uint8Array(16).fill(5).fill(value, 0, 1).fill(version, 1, 2) })
    const old = judge({ evidence: platform.quote(reportData, { td: svn(3, 1) }) })
    expect(old.tcbStatus).to.equal('OutOfDate')
    expect(old.verdict).to.equal('refused')
    expect(judge({ evidence: platform.quote(reportData, { td: svn(3, 1) }), policy: { outOfDateGraceMs: 90 * 86_400_000 } }).verdict).to.equal('refused')
    expect(notPassed(judge({ evidence: platform.quote(reportData, { td: svn(1, 1) }) }))).to.deep.equal(['tcb'])
    expect(notPassed(judge({ evidence: platform.quote(reportData, { td: svn(5, 9) }) }))).to.deep.equal(['tcb'])
  })

  it('OutOfDate passes inside a stated grace window only', () => {
    const recent = (info: Record<string, unknown>): Record<string, unknown> => {
      const levels = info.tcbLevels as Array<{ tcb: { pcesvn: number }, tcbDate: string }>
      return { ...info, tcbLevels: [{ ...levels[0], tcb: { ...levels[0].tcb, pcesvn: 99 }, tcbDate: '2026-05-20T00:00:00Z' }, levels[1]] }
    }
    const collateral = platform.collateral({ tcbInfo: recent })
    expect(judge({ collateral }).verdict).to.equal('refused')
    expect(judge({ collateral, policy: { outOfDateGraceMs: 30 * 86_400_000 } }).verdict).to.equal('verified')
    expect(judge({ collateral, policy: { outOfDateGraceMs: 86_400_000 } }).verdict).to.equal('refused')
  })

  // The same keys at another time, and other keys under the same names.
  const bundleAt = (days: number): Record<string, string> => JSON.parse(new TextDecoder().decode(createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: atMs + days * 86_400_000 }).collateral())) as Record<string, string>
  const foreign = JSON.parse(new TextDecoder().decode(other.collateral())) as Record<string, string>
  const attacks: Array<[string, TestCollateralInit, string[]]> = [
    ['TCB info signed by a PCK leaf', { signer: 'pck' }, ['tcb']],
    ['a revoked platform', { revokePck: true }, ['revocation']],
    ['a revoked PCK CA', { revokePckCa: true }, ['revocation']],
    ['a revoked TCB signer', { revokeTcbSigner: true }, ['revocation']],
    ['a rolled-back evaluation number', { tcbInfo: info => ({ ...info, tcbEvaluationDataNumber: 17 }) }, ['tcb']],
    ['a rolled-back QE identity', { qeIdentity: one => ({ ...one, tcbEvaluationDataNumber: 17 }) }, ['tcb']],
    ['another platform\'s TCB info', { tcbInfo: info => ({ ...info, fmspc: '000000000000' }) }, ['tcb']],
    ['another PCE', { tcbInfo: info => ({ ...info, pceId: '0001' }) }, ['tcb']],
    ['SGX TCB info', { tcbInfo: info => ({ ...info, id: 'SGX' }) }, ['tcb']],
    ['an SGX QE identity', { qeIdentity: one => ({ ...one, id: 'QE' }) }, ['tcb']],
    ['an expired TCB info', { tcbInfo: info => ({ ...info, nextUpdate: '2026-05-31T23:59:59Z' }) }, ['tcb']],
    ['a TCB info of the future', { tcbInfo: info => ({ ...info, issueDate: '2026-06-02T00:00:00Z' }) }, ['tcb']],
    ['another quoting enclave', { qeIdentity: one => ({ ...one, mrsigner: '00'.repeat(32) }) }, ['tcb']],
    ['another QE product', { qeIdentity: one => ({ ...one, isvprodid: 1 }) }, ['tcb']],
    ['a QE below every level', { qeIdentity: one => ({ ...one, tcbLevels: [] }) }, ['tcb']],
    ['a revoked level', { tcbInfo: info => ({ ...info, tcbLevels: (info.tcbLevels as object[]).map(level => ({ ...level, tcbStatus: 'Revoked' })) }) }, ['tcb']],
    ['no TCB level', { tcbInfo: info => ({ ...info, tcbLevels: [] }) }, ['tcb']],
    ['another version of TCB info', { tcbInfo: info => ({ ...info, version: 2 }) }, ['tcb']],
    ['re-serialised TCB info', { bundle: one => ({ ...one, tcb_info: JSON.stringify(JSON.parse(one.tcb_info), null, 1) }) }, ['tcb']],
    ['a forged QE identity', { bundle: one => ({ ...one, qe_identity: one.qe_identity.replace('"isvsvn":4', '"isvsvn":1') }) }, ['tcb']],
    ['an empty QE identity', { bundle: one => ({ ...one, qe_identity: '' }) }, ['tcb']],
    ['swapped signatures', { bundle: one => ({ ...one, qe_identity_signature: one.tcb_info_signature }) }, ['tcb']],
    ['swapped lists', { bundle: one => ({ ...one, pck_crl: one.root_ca_crl, root_ca_crl: one.pck_crl }) }, ['revocation']],
    ['the root\'s list in place of the platform\'s', { bundle: one => ({ ...one, pck_crl: one.root_ca_crl }) }, ['revocation']],
    ['an empty list', { bundle: one => ({ ...one, pck_crl: '' }) }, ['revocation']],
    ['a garbage list', { bundle: one => ({ ...one, pck_crl: 'deadbeef' }) }, ['revocation']],
    ['an unsigned list', { bundle: one => ({ ...one, pck_crl: `${one.pck_crl.slice(0, -2)}${one.pck_crl.endsWith('00') ? '01' : '00'}` }) }, ['revocation']],
    ['an expired list of the platform\'s CA', { bundle: one => ({ ...one, pck_crl: bundleAt(-40).pck_crl }) }, ['revocation']],
    ['an expired list of the root', { bundle: one => ({ ...one, root_ca_crl: bundleAt(-40).root_ca_crl }) }, ['revocation']],
    ['a list of the future', { bundle: one => ({ ...one, pck_crl: bundleAt(2).pck_crl }) }, ['revocation']],
    ['a list signed by another CA of the same name', { bundle: one => ({ ...one, pck_crl: foreign.pck_crl }) }, ['revocation']],
    ['a root\'s list signed by another root of the same name', { bundle: one => ({ ...one, root_ca_crl: foreign.root_ca_crl }) }, ['revocation']],
    ['TCB info signed under another root', { bundle: one => ({ ...one, tcb_info: foreign.tcb_info, tcb_info_signature: foreign.tcb_info_signature, tcb_info_issuer_chain: foreign.tcb_info_issuer_chain }) }, ['tcb']],
    ['a QE identity signed under another root', { bundle: one => ({ ...one, qe_identity: foreign.qe_identity, qe_identity_signature: foreign.qe_identity_signature, qe_identity_issuer_chain: foreign.qe_identity_issuer_chain }) }, ['tcb']],
    ['another TDX module than the quote\'s', { tcbInfo: info => ({ ...info, tdxModuleIdentities: (info.tdxModuleIdentities as object[]).map(one => ({ ...one, mrsigner: '11'.repeat(48) })) }) }, ['tcb']],
    ['no identity of the TDX module', { tcbInfo: info => ({ ...info, tdxModuleIdentities: [] }) }, ['tcb']],
    ['no QE identity', { bundle: one => ({ ...one, qe_identity: undefined as unknown as string }) }, ['tcb']]
  ]
  for (const [name, init, wanted] of attacks) {
    it(`refuses ${name}`, () => {
      const report = judge({ collateral: platform.collateral(init) })
      expect(report.verdict).to.equal('refused')
      expect(notPassed(report)).to.deep.equal(wanted)
    })
  }

  it('refuses another root\'s collateral, none, garbage, and collateral out of date', () => {
    expect(notPassed(judge({ collateral: other.collateral() }))).to.deep.equal(['revocation', 'tcb'])
    expect(notPassed(judge({ collateral: null }))).to.deep.equal(['revocation', 'tcb'])
    for (const garbage of [new Uint8Array(), new Uint8Array(1_000_000), new TextEncoder().encode('{}'), new TextEncoder().encode('[[[[')]) {
      expect(notPassed(judge({ collateral: garbage }))).to.deep.equal(['revocation', 'tcb'])
    }
    expect(judge({ atMs: atMs + 40 * 86_400_000 }).verdict).to.equal('refused')
    expect(judge({ atMs: atMs + 400 * 86_400_000 }).claims).to.equal(null)
  })

  it('the whole measurement is what allow-lists name', () => {
    const digest = judge({}).claims?.measurementDigest ?? ''
    expect(judge({ policy: { measurements: [digest] } }).verdict).to.equal('verified')
    const changed = platform.quote(reportData, { td: { attributes: Uint8Array.of(0, 0, 0, 0x50, 0, 0, 0, 0) } })
    expect(judge({ evidence: changed }).verdict).to.equal('verified')
    expect(judge({ evidence: changed, policy: { measurements: [digest] } }).verdict).to.equal('refused')
  })

  it('reads hex and base64 as well, and throws only for what is no evidence', () => {
    const text = new TextEncoder()
    expect(judge({ evidence: text.encode(`${toHex(evidence)}\n`) }).verdict).to.equal('verified')
    expect(judge({ evidence: text.encode(btoa(String.fromCharCode(...evidence))) }).verdict).to.equal('verified')
    expect(judge({ evidence: new Uint8Array([...evidence, ...new Uint8Array(2_000)]) }).verdict).to.equal('verified')
    for (const bad of [new Uint8Array(), new Uint8Array(5_000), new Uint8Array(1_000_000), text.encode('hello'), evidence.slice(0, 600)]) {
      expect(() => judge({ evidence: bad })).to.throw().with.property('code', 'evidence_malformed')
    }
  })

  it('lengths at their extremes are refused', () => {
    for (const at of [632, 632 + 4 + 128 + 2, 632 + 4 + 128 + 6 + 384 + 64, 632 + 4 + 128 + 6 + 384 + 64 + 2 + 32 + 2]) {
      for (const value of [0, 0xff]) {
        const changed = evidence.slice()
        changed.fill(value, at, at + 2)
        let verdict = 'refused'
        try {
          verdict = judge({ evidence: changed }).verdict
        } catch (error) {
          expect(error).to.have.property('code', 'evidence_malformed')
        }
        expect(verdict).to.equal('refused')
      }
    }
  })

  it('a truncation refuses, or is none of a quote', () => {
    for (let bytes = 0; bytes < evidence.byteLength; bytes += 23) {
      try {
        expect(judge({ evidence: evidence.slice(0, bytes) }).verdict, String(bytes)).to.equal('refused')
      } catch (error) {
        expect(error).to.have.property('code', 'evidence_malformed')
      }
    }
  })

  it('a flipped bit refuses, or changes no claim', function () {
    this.timeout(20_000)
    const honest = judge({})
    // A stride that meets every field; each byte of real evidence is tried in the suite with the vendors' files.
    for (let at = 0; at < evidence.byteLength; at += 23) {
      const changed = evidence.slice()
      changed[at] ^= 1 << (at & 7)
      try {
        const report = judge({ evidence: changed })
        if (report.claims != null) {
          expect(report.claims).to.deep.equal(honest.claims)
        } else {
          expect(report.verdict).to.equal('refused')
        }
      } catch (error) {
        expect(error).to.have.property('code', 'evidence_malformed')
      }
    }
  })
})
