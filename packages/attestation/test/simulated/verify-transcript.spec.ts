import { createGpuTestPlatform, createSnpTestPlatform, testOcspRefusal } from '@cocoon-net/attestation-simulated'
import { utf8 } from '@cocoon-net/protocol'
import { sha384 } from '@noble/hashes/sha2.js'
import { expect } from 'aegir/chai'
import { isMaterial, parsePolicy, productionPolicy, verifyEvidence } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'
import type { EvidenceInput } from '../../src/verify-evidence.ts'
import type { TestGpuManifest, TestGpuOcsp, TestTranscript } from '@cocoon-net/attestation-simulated'

const DAY_MS = 86_400_000
const atMs = Date.UTC(2026, 5, 1)
const seed = new Uint8Array(32).fill(1)
const nonce = new Uint8Array(32).fill(9)
const gpu = createGpuTestPlatform({ seed, atMs })
const roots = { intel: [], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [gpu.rootSpkiHash], nvidiaManifests: [gpu.manifestRootSpkiHash] }
const evidence = gpu.transcript(nonce)
const driver = gpu.manifest('driver')
const vbios = gpu.manifest('vbios')
const responses = gpu.ocsp()
const collateral = [driver, vbios, ...responses]

function verify (change: Partial<EvidenceInput> = {}): EvidenceReport {
  return verifyEvidenceUnder(roots, { evidence, chain: gpu.chain, collateral, atMs, policy: productionPolicy, ...change })
}

/** What is not passed, with its code. */
function refusals (report: EvidenceReport): string[] {
  expect(report.verdict).to.equal('refused')
  return report.checks.filter(check => check.result === 'fail' || check.code != null).map(({ name, result, code }) => `${name}:${result}:${code ?? ''}`)
}

function messageOf (report: EvidenceReport, name: string): string {
  return report.checks.find(check => check.name === name)?.message ?? ''
}

const ofTranscript = (options: TestTranscript): EvidenceReport => verify({ evidence: gpu.transcript(nonce, options) })
const ofDriver = (options: TestGpuManifest): EvidenceReport => verify({ collateral: [gpu.manifest('driver', options), vbios, ...responses] })
const ofOcsp = (options: TestGpuOcsp): EvidenceReport => verify({ collateral: [driver, vbios, ...gpu.ocsp(options)] })

const TCB_REFUSED = ['tcb:fail:evidence_refused']
const REVOCATION_REFUSED = ['revocation:fail:evidence_refused']

describe('a GPU\'s transcript', () => {
  it('verifies with its chain, both manifests and a response for each certificate', () => {
    const report = verify()
    expect(report.checks.map(({ name, result }) => `${name}:${result}`)).to.deep.equal(['signature:pass', 'chain:pass', 'revocation:pass', 'tcb:pass', 'policy:pass', 'measurement:absent'])
    expect(report.verdict).to.equal('verified')
    expect(report.claims).to.include({ reportData: '09'.repeat(32), driverVersion: '550.90.07', vbiosVersion: '96.00.9F.00.01' })
    expect(report.freshUntilMs).to.equal(atMs + DAY_MS)
    expect(messageOf(report, 'tcb')).to.include('33 places')
  })

  it('verifies with the same as one JSON object, and as the vendor\'s service answers', () => {
    expect(verify({ collateral: gpu.collateral() }).verdict).to.equal('verified')
    const answer = (id: string, file: Uint8Array): Uint8Array => utf8(JSON.stringify({ id, rim: Buffer.from(file).toString('base64'), rim_format: 'TEXT' }))
    expect(verify({ collateral: [answer('driver', driver), answer('vbios', vbios), ...responses] }).verdict).to.equal('verified')
  })

  it('is refused under the vendor\'s roots, and each tree needs its own', () => {
    expect(verifyEvidence({ evidence, chain: gpu.chain, collateral, atMs, policy: productionPolicy }).verdict).to.equal('refused')
    const under = (change: Partial<typeof roots>): string[] => refusals(verifyEvidenceUnder({ ...roots, ...change }, { evidence, chain: gpu.chain, collateral, atMs, policy: productionPolicy }))
    expect(under({ nvidia: roots.nvidiaManifests })).to.deep.equal(['chain:fail:evidence_refused'])
    expect(under({ nvidiaManifests: roots.nvidia })).to.deep.equal(TCB_REFUSED)
    expect(under({ nvidiaManifests: undefined })).to.deep.equal(TCB_REFUSED)
  })

  it('is refused without manifests, without responses, and with neither', () => {
    expect(refusals(verify({ collateral: responses }))).to.deep.equal(['tcb:absent:collateral_missing'])
    expect(refusals(verify({ collateral: [driver, vbios] }))).to.deep.equal(['revocation:absent:collateral_missing'])
    expect(refusals(verify({ collateral: [] }))).to.deep.equal(['revocation:absent:collateral_missing', 'tcb:absent:collateral_missing'])
    expect(refusals(verify({ collateral: [driver, ...responses] }))).to.deep.equal(['tcb:absent:collateral_missing'])
    expect(refusals(verify({ collateral: [vbios, ...responses] }))).to.deep.equal(['tcb:absent:collateral_missing'])
  })

  it('a fault of one part of the collateral refuses that part alone', () => {
    const beside = (rims: unknown[], ocsp: unknown[]): string[] => refusals(verify({ collateral: [...collateral, utf8(JSON.stringify({ nvidia_rims: rims, nvidia_ocsp: ocsp }))] }))
    expect(beside([], ['MAMCAQA='])).to.deep.equal(REVOCATION_REFUSED)
    expect(beside(['MAMCAQA='], [])).to.deep.equal(TCB_REFUSED)
    expect(refusals(verify({ collateral: [...collateral, utf8('garbage')] }))).to.deep.equal([...REVOCATION_REFUSED, ...TCB_REFUSED])
  })

  it('claims nothing when it is not authentic: a turned bit, another device, another firmware, no chain', () => {
    const turned = evidence.slice()
    turned[4] ^= 1
    const other = createGpuTestPlatform({ seed: new Uint8Array(32).fill(2), atMs })
    for (const [report, expected] of [
      [verify({ evidence: turned }), ['signature:fail:bad_signature']],
      [verify({ chain: other.chain }), ['signature:fail:bad_signature', 'chain:fail:evidence_refused']],
      [verify({ chain: [] }), ['signature:absent:evidence_missing', 'chain:absent:evidence_missing']],
      [verify({ chain: [utf8('garbage')] }), ['signature:absent:evidence_missing', 'chain:fail:evidence_refused']],
      [verify({ chain: gpu.chain.slice(-1) }), ['signature:absent:evidence_missing', 'chain:fail:evidence_refused']],
      [verify({ chain: gpu.chain.slice(0, 3) }), ['chain:fail:evidence_refused']],
      [ofTranscript({ firmwareId: sha384(utf8('other')) }), ['chain:fail:evidence_refused']],
      [ofTranscript({ firmwareId: new Uint8Array() }), ['chain:fail:evidence_refused']],
      [verify({ atMs: atMs + 301 * DAY_MS }), ['chain:fail:evidence_refused']]
    ] as const) {
      expect(refusals(report)).to.deep.equal(expected)
      expect(report.claims).to.equal(null)
    }
  })
})

describe('its measurements', () => {
  it('each that a manifest claims must be one of the allowed, by every bit', () => {
    for (const number of [1, 7, 8, 13, 22, 41]) {
      const value = sha384(utf8(`measurement ${number - 1}`))
      value[47] ^= 1
      const report = ofTranscript({ measurements: { [number]: value } })
      expect(refusals(report)).to.deep.equal(TCB_REFUSED)
      expect(messageOf(report, 'tcb')).to.include(`measurement ${number} is not`)
      expect(refusals(ofTranscript({ measurements: { [number]: null } }))).to.deep.equal(TCB_REFUSED)
    }
  })

  it('any alternative will do, and what no manifest claims is not judged', () => {
    expect(ofTranscript({ measurements: { 22: new Uint8Array(48) } }).verdict).to.equal('verified')
    expect(ofTranscript({ measurements: { 64: new Uint8Array(48), 14: null } }).verdict).to.equal('verified')
  })

  it('the video decoder\'s counts only where it is in use', () => {
    const measurements = { 36: new Uint8Array(48).fill(1) }
    expect(refusals(ofTranscript({ measurements }))).to.deep.equal(TCB_REFUSED)
    expect(ofTranscript({ measurements, nvdecDisabled: true }).verdict).to.equal('verified')
  })

  it('manifests that claim the same measurement contradict each other, and one that claims none proves nothing', () => {
    const both = ofDriver({ active: [0, 21] })
    expect(refusals(both)).to.deep.equal(TCB_REFUSED)
    expect(messageOf(both, 'tcb')).to.include('both manifests claim measurement 1')
    expect(messageOf(ofDriver({ active: [] }), 'tcb')).to.include('proves nothing')
    expect(refusals(ofDriver({ active: [] }))).to.deep.equal(TCB_REFUSED)
    expect(messageOf(verify({ evidence: gpu.transcript(nonce, { nvdecDisabled: true }), collateral: [gpu.manifest('driver', { active: [35] }), vbios, ...responses] }), 'tcb')).to.include('proves nothing')
  })
})

describe('its manifests', () => {
  it('of another version or product are named', () => {
    const other = ofDriver({ version: '545.00' })
    expect(refusals(other)).to.deep.equal(['tcb:fail:collateral_missing'])
    expect(messageOf(other, 'tcb')).to.equal('no known-good digests for driver 550.90.07, but for 545.00')
    const product = ofDriver({ product: 'GB100' })
    expect(refusals(product)).to.deep.equal(TCB_REFUSED)
    expect(messageOf(product, 'tcb')).to.include('for GB100, and this is GH100')
    expect(messageOf(ofTranscript({ vbiosVersion: '96.00.5E.00.01' }), 'tcb')).to.equal('no known-good digests for VBIOS 96.00.5E.00.01, but for 96.00.9F.00.01')
  })

  it('are signed by their first certificate, which is in date', () => {
    expect(messageOf(ofDriver({ forged: true }), 'tcb')).to.include('not signed')
    expect(refusals(ofDriver({ forged: true }))).to.deep.equal(TCB_REFUSED)
    expect(ofDriver({ notAfterMs: atMs }).verdict).to.equal('verified')
    expect(messageOf(ofDriver({ notAfterMs: atMs - 1_000 }), 'tcb')).to.include('out of date')
    expect(refusals(ofDriver({ notAfterMs: atMs - 1_000 }))).to.deep.equal(TCB_REFUSED)
  })

  it('one that is no good beside one that is changes nothing', () => {
    expect(verify({ collateral: [gpu.manifest('driver', { forged: true }), ...collateral] }).verdict).to.equal('verified')
    expect(verify({ collateral: [gpu.manifest('driver', { version: '545.00' }), ...collateral] }).verdict).to.equal('verified')
  })
})

describe('revocation of its certificates', () => {
  const NAMES = ['Test GH100 Identity', 'Test GH100 Provisioner ICA 1', 'GH100 A01 GSP BROM', 'Test Reference Value GH100 CA', 'Test Reference Value L3 GH100 001', 'Test RIM L4 Signer']

  for (const name of NAMES) {
    it(`${name} must be good: revoked, unknown and unanswered refuse`, () => {
      const revoked = ofOcsp({ name, change: { status: 'revoked' } })
      expect(refusals(revoked)).to.deep.equal(REVOCATION_REFUSED)
      expect(messageOf(revoked, 'revocation')).to.include(`${name}: revoked`)
      expect(refusals(ofOcsp({ name, change: { status: 'unknown' } }))).to.deep.equal(REVOCATION_REFUSED)
      const unanswered = ofOcsp({ name, change: null })
      expect(refusals(unanswered)).to.deep.equal(['revocation:absent:collateral_missing'])
      expect(messageOf(unanswered, 'revocation')).to.include(`no OCSP response for ${name}`)
    })
  }

  it('a stolen key of the device itself is no firmware\'s: its own certificate must be good too', () => {
    const forged = (chain: readonly Uint8Array[], options: TestGpuOcsp = {}): EvidenceReport => verify({
      evidence: gpu.transcript(nonce, { signer: 'device', firmwareId: null }), chain, collateral: [driver, vbios, ...gpu.ocsp(options)]
    })
    const device = gpu.chain.slice(1)
    const revoked = forged(device, { name: NAMES[2], change: { status: 'revoked' } })
    expect(refusals(revoked)).to.deep.equal(REVOCATION_REFUSED)
    expect(messageOf(revoked, 'revocation')).to.include(`${NAMES[2]}: revoked`)
    expect(refusals(forged(device, { name: NAMES[2], change: null }))).to.deep.equal(['revocation:absent:collateral_missing'])
    expect(forged(device).verdict).to.equal('verified')
    expect(refusals(forged(gpu.chain))).to.include('signature:fail:bad_signature')
  })

  const [name] = NAMES

  it('is answered by the issuer or a responder that it made for that, by name or by key', () => {
    expect(ofOcsp({ name, signer: 'issuer' }).verdict).to.equal('verified')
    expect(ofOcsp({ name, change: { byKey: true } }).verdict).to.equal('verified')
    expect(ofOcsp({ name, signer: 'issuer', change: { byKey: true } }).verdict).to.equal('verified')
    for (const signer of ['unfit', 'stranger', 'old'] as const) {
      expect(refusals(ofOcsp({ name, signer })), signer).to.deep.equal(REVOCATION_REFUSED)
    }
    expect(refusals(ofOcsp({ name, change: { unknownCritical: true } }))).to.deep.equal(REVOCATION_REFUSED)
  })

  it('takes each hash that certificates are named by', () => {
    for (const hash of ['SHA-1', 'SHA-256', 'SHA-384'] as const) {
      expect(ofOcsp({ name, change: { hash } }).verdict).to.equal('verified')
    }
  })

  it('speaks from the first millisecond of an answer to its last, and never without an end', () => {
    const within = { thisUpdateMs: atMs, nextUpdateMs: atMs }
    expect(ofOcsp({ name, change: within }).verdict).to.equal('verified')
    expect(refusals(ofOcsp({ name, change: { thisUpdateMs: atMs + 1_000 } }))).to.deep.equal(REVOCATION_REFUSED)
    expect(refusals(ofOcsp({ name, change: { nextUpdateMs: atMs - 1_000 } }))).to.deep.equal(REVOCATION_REFUSED)
    expect(refusals(ofOcsp({ name, change: { nextUpdateMs: null } }))).to.deep.equal(REVOCATION_REFUSED)
  })

  it('the newest answer counts, whichever stands first, and what begins later ends the judgement', () => {
    const revoked = gpu.ocsp({ name, change: { status: 'revoked', thisUpdateMs: atMs - DAY_MS + 1_000 } })
    for (const files of [[...collateral, ...revoked], [...revoked, ...collateral]]) {
      expect(refusals(verify({ collateral: files }))).to.deep.equal(REVOCATION_REFUSED)
    }
    const older = gpu.ocsp({ name, change: { status: 'revoked', thisUpdateMs: atMs - DAY_MS - 1_000 } })
    expect(verify({ collateral: [...older, ...collateral] }).verdict).to.equal('verified')
    const later = gpu.ocsp({ name, change: { status: 'revoked', thisUpdateMs: atMs + 5_000, nextUpdateMs: atMs + DAY_MS } })
    expect(verify({ collateral: [...later, ...collateral] }).freshUntilMs).to.equal(atMs + 4_999)
  })

  it('a file that cannot be used refuses, and so does one that could not be read', () => {
    expect(refusals(verify({ collateral: [...collateral, utf8('<html></html>')] }))).to.deep.equal([...REVOCATION_REFUSED, ...TCB_REFUSED])
    expect(refusals(verify({ unreadable: [{ as: 'collateral', message: 'gone' }] }))).to.deep.equal([...REVOCATION_REFUSED, ...TCB_REFUSED])
  })
})

describe('the policy', () => {
  const withMinimum = (nvidiaMinimum: object): EvidenceReport => verify({ policy: parsePolicy({ ...productionPolicy, nvidiaMinimum }) })

  it('may ask for versions at least as high, number by number', () => {
    for (const driver of ['550.90.07', '550.90', '550.89.99', '99.999.999', '550.90.7']) {
      expect(withMinimum({ driver }).verdict, driver).to.equal('verified')
    }
    for (const driver of ['550.90.08', '550.100', '551.0', '550.90.07.1']) {
      expect(refusals(withMinimum({ driver })), driver).to.deep.equal(['policy:fail:evidence_refused'])
    }
    expect(withMinimum({ vbios: '96.00.9f.00.01' }).verdict).to.equal('verified')
    expect(refusals(withMinimum({ vbios: '96.00.A0.00.01' }))).to.deep.equal(['policy:fail:evidence_refused'])
    expect(() => parsePolicy({ ...productionPolicy, nvidiaMinimum: { driver: 'newest' } })).to.throw().with.property('code', 'policy_invalid')
    const odd = gpu.transcript(nonce, { driverVersion: '550.90.07-beta' })
    expect(refusals(verify({ evidence: odd, policy: parsePolicy({ ...productionPolicy, nvidiaMinimum: { driver: '1.0' } }) }))).to.include('policy:fail:evidence_refused')
  })

  it('may list a transcript by itself among its kinds, and does not unless it says so', () => {
    const kinds = (allowedKinds: readonly string[]): EvidenceReport => verify({ allowedKinds: parsePolicy({ ...productionPolicy, allowedKinds }).allowedKinds })
    expect(kinds(['nvidia']).verdict).to.equal('verified')
    expect(refusals(kinds(['tdx', 'snp']))).to.deep.equal(['kind:fail:evidence_kind_refused'])
  })
})

describe('collateral of several machines in one heap', () => {
  it('is sorted out', () => {
    const snp = createSnpTestPlatform({ seed, atMs })
    expect(verify({ collateral: [...collateral, snp.chain()] }).verdict).to.equal('verified')
  })

  it('is known by what it is, and an answer that is none is no collateral', () => {
    for (const file of [driver, vbios, gpu.collateral(), ...responses, utf8(Buffer.from(responses[0]).toString('base64')), utf8(Buffer.from(responses[0]).toString('hex'))]) {
      expect(isMaterial(file)).to.equal(true)
    }
    for (const file of [testOcspRefusal(), utf8('<svg/>'), utf8('{"nvidia":[]}'), new Uint8Array(0)]) {
      expect(isMaterial(file)).to.equal(false)
    }
  })
})
