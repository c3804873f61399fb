import { createGpuTestPlatform, createTdxTestPlatform, simulatedCollector } from '@cocoon-net/attestation-simulated'
import { KEMS, LIMITS, MAINNET, bindingHashOf, challengeAnswerBytes, decodeBinding, encodeBinding, gpuNonceOf, reportDataOf, sha256 } from '@cocoon-net/protocol'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { encodeGpuEvidence, gpuDigestOf, parsePolicy, productionPolicy, verifyAttestation, verifyEvidence } from '../../src/index.ts'
import { verifyAttestationUnder, verifyEvidenceUnder } from '../../src/testing.ts'
import type { AttestationInput, Policy } from '../../src/index.ts'
import type { Binding } from '@cocoon-net/protocol'

const nowMs = Date.UTC(2026, 5, 1)
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: nowMs })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
const receiptSeed = new Uint8Array(32).fill(2)
const peer = new Uint8Array(36).fill(3)
const collateral = platform.collateral()
const claims = verifyEvidenceUnder(roots, { evidence: platform.quote(new Uint8Array(64)), collateral, atMs: nowMs, policy: productionPolicy }).claims
const measurement = claims?.measurementDigest ?? ''
const policy = parsePolicy({ ...productionPolicy, measurements: [measurement] })

function inputOf (change: Partial<Binding> = {}, rest: Partial<AttestationInput> = {}): AttestationInput {
  const binding = encodeBinding({
    v: 1,
    networkId: MAINNET.networkId,
    role: 'provider',
    peerKey: peer,
    hpkeKeys: [{ kem: KEMS.xWing, key: new Uint8Array(1_216) }],
    receiptKey: ed25519.getPublicKey(receiptSeed),
    stake: new Uint8Array(32),
    payee: new Uint8Array(32),
    models: [new Uint8Array(32)],
    runtimeConfigDigest: new Uint8Array(32).fill(9),
    beacon: { seqno: 1, rootHash: new Uint8Array(32), atMs: nowMs - 1_000 },
    notAfterMs: nowMs + LIMITS.bindingLifeMs - 1_000,
    evidenceKind: 'tdx',
    gpuDigest: null,
    ...change
  })
  const nonce = new Uint8Array(32)
  const bytes = challengeAnswerBytes({ networkId: MAINNET.networkId, nonce, bindingHash: bindingHashOf(binding), client: peer, provider: peer })
  return {
    binding,
    evidence: platform.quote(reportDataOf(binding)),
    gpuEvidence: null,
    collateral,
    challenge: { nonce, answer: ed25519.sign(bytes, receiptSeed) },
    localPeer: peer,
    remotePeer: peer,
    remotePeerKey: peer,
    network: MAINNET,
    policy,
    trust: { beaconKnown: () => true },
    nowMs,
    ...rest
  }
}

function failures (input: AttestationInput): string[] {
  const verdict = verifyAttestationUnder(roots, input)
  const failed = verdict.checks.filter(check => check.result === 'fail')
  expect(verdict.ok).to.equal(failed.length === 0)
  if (!verdict.ok) {
    expect(verdict.tier).to.equal('open')
  }
  return failed.map(check => `${check.name}:${check.code ?? ''}`)
}

describe('a provider with hardware evidence', () => {
  it('is silver, and gold where its chip is listed', () => {
    const verdict = verifyAttestationUnder(roots, inputOf())
    expect(verdict.checks.filter(check => check.result === 'fail')).to.deep.equal([])
    expect(verdict).to.include({ ok: true, tier: 'silver' })
    expect(verdict.report?.tcbStatus).to.equal('UpToDate')
    const gold: Policy = parsePolicy({ ...policy, goldProcessors: [claims?.processorIdHash] })
    expect(verifyAttestationUnder(roots, inputOf({}, { policy: gold })).tier).to.equal('gold')
  })

  it('is refused under the vendors\' roots', () => {
    expect(verifyAttestation(inputOf()).ok).to.be.false()
  })

  it('is refused without an allow-list of code, without collateral, with another\'s quote', () => {
    expect(failures(inputOf({}, { policy: productionPolicy }))).to.deep.equal(['measurement:evidence_refused'])
    expect(failures(inputOf({}, { policy: parsePolicy({ ...policy, measurements: ['00'.repeat(32)] }) }))).to.deep.equal(['measurement:evidence_refused'])
    expect(failures(inputOf({}, { collateral: null }))).to.deep.equal(['revocation:collateral_missing', 'tcb:collateral_missing'])
    expect(failures(inputOf({}, { evidence: platform.quote(new Uint8Array(64)) }))).to.deep.equal(['reportData:report_data_mismatch'])
  })

  it('is refused with evidence that is none, or of another kind than the binding says', () => {
    const simulated = simulatedCollector({ rootSeed: new Uint8Array(32) })
    return simulated.collect(new Uint8Array(64), {}).then(({ evidence }) => {
      expect(failures(inputOf({}, { evidence }))).to.deep.equal(['chain:evidence_refused'])
      expect(failures(inputOf({ evidenceKind: 'snp' }))).to.deep.equal(['signature:evidence_malformed'])
      expect(failures(inputOf({}, { evidence: new Uint8Array() }))).to.deep.equal(['signature:evidence_missing'])
      expect(failures(inputOf({}, { evidence: new Uint8Array(1_000_000) }))).to.deep.equal(['signature:evidence_malformed'])
    })
  })

  it('is refused without a beacon that can be checked', () => {
    expect(failures(inputOf({}, { trust: {} }))).to.deep.equal(['beacon:evidence_refused'])
  })

  it('is refused with another run-time configuration than the policy lists', () => {
    expect(failures(inputOf({}, { policy: parsePolicy({ ...policy, runtimeConfigs: ['09'.repeat(32)] }) }))).to.deep.equal([])
    expect(failures(inputOf({}, { policy: parsePolicy({ ...policy, runtimeConfigs: ['00'.repeat(32)] }) }))).to.deep.equal(['runtime:evidence_refused'])
  })

  it('GPU evidence must go with the binding', () => {
    const gpuEvidence = encodeGpuEvidence({ v: 1, transcript: new Uint8Array(200), chain: [new Uint8Array(10)] })
    const gpuDigest = gpuDigestOf(gpuEvidence)
    expect(failures(inputOf({}, { gpuEvidence }))).to.deep.equal(['gpu:evidence_missing'])
    expect(failures(inputOf({ gpuDigest }))).to.deep.equal(['gpu:evidence_missing'])
    expect(failures(inputOf({ gpuDigest: new Uint8Array(32) }, { gpuEvidence }))).to.deep.equal(['gpu:report_data_mismatch'])
    expect(failures(inputOf({ gpuDigest }, { gpuEvidence }))).to.deep.equal(['gpu:evidence_malformed'])
  })
})

describe('a provider with CPU and GPU', () => {
  const gpu = createGpuTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: nowMs })
  const gpuRoots = { ...roots, nvidia: [gpu.rootSpkiHash], nvidiaManifests: [gpu.manifestRootSpkiHash] }
  const gpuCollateral = gpu.collateral()

  /** The GPU's nonce is of the binding without the GPU's digest, the report data of the binding with it. */
  function bothWays (change: Partial<Binding> = {}, rest: Partial<AttestationInput> = {}, transcriptOf = (nonce: Uint8Array) => gpu.transcript(nonce)): AttestationInput {
    const draft = decodeBinding(inputOf(change).binding)
    const gpuEvidence = encodeGpuEvidence({ v: 1, transcript: transcriptOf(gpuNonceOf(draft)), chain: [...gpu.chain] })
    return inputOf({ ...change, gpuDigest: gpuDigestOf(gpuEvidence) }, { gpuEvidence, gpuCollateral, ...rest })
  }

  function refusals (input: AttestationInput): string[] {
    const { ok, tier, checks } = verifyAttestationUnder(gpuRoots, input)
    expect(tier).to.equal(ok ? 'silver' : 'open')
    return checks.filter(check => check.result === 'fail').map(check => `${check.name}:${check.code ?? ''}`)
  }

  it('is silver when each commits to the other through the binding', () => {
    const verdict = verifyAttestationUnder(gpuRoots, bothWays())
    expect(verdict.checks.filter(check => check.result === 'fail')).to.deep.equal([])
    expect(verdict).to.include({ ok: true, tier: 'silver' })
    expect(verdict.checks.find(check => check.name === 'gpu')?.result).to.equal('pass')
    expect(verdict.gpuReport).to.include({ kind: 'nvidia', verdict: 'verified' })
  })

  it('is refused when the GPU commits to another binding', () => {
    expect(refusals(bothWays({}, {}, () => gpu.transcript(new Uint8Array(32))))).to.deep.equal(['gpu:report_data_mismatch'])
    const finished = (nonce: Uint8Array): Uint8Array => gpu.transcript(sha256(nonce))
    expect(refusals(bothWays({}, {}, finished))).to.deep.equal(['gpu:report_data_mismatch'])
    const theirs = bothWays({ runtimeConfigDigest: new Uint8Array(32).fill(8) })
    expect(refusals(inputOf({ gpuDigest: gpuDigestOf(theirs.gpuEvidence ?? new Uint8Array()) }, { gpuEvidence: theirs.gpuEvidence, gpuCollateral }))).to.deep.equal(['gpu:report_data_mismatch'])
  })

  it('is refused when the CPU commits to another GPU, or to none', () => {
    const mine = bothWays()
    const plain = inputOf()
    expect(refusals({ ...mine, evidence: plain.evidence })).to.deep.equal(['reportData:report_data_mismatch'])
    const other = bothWays({}, {}, nonce => gpu.transcript(nonce, { nvdecDisabled: true }))
    expect(refusals({ ...mine, gpuEvidence: other.gpuEvidence })).to.deep.equal(['gpu:report_data_mismatch'])
    expect(refusals({ ...mine, evidence: other.evidence })).to.deep.equal(['reportData:report_data_mismatch'])
  })

  it('is refused when the GPU by itself would be', () => {
    expect(refusals(bothWays({}, { gpuCollateral: null }))).to.deep.equal(['gpu:collateral_missing'])
    expect(refusals(bothWays({}, { gpuCollateral: gpu.ocsp() }))).to.deep.equal(['gpu:collateral_missing'])
    expect(refusals(bothWays({}, { gpuCollateral: gpu.collateral({ name: 'GH100 A01 GSP BROM', change: { status: 'revoked' } }) }))).to.deep.equal(['gpu:evidence_refused'])
    expect(refusals(bothWays({}, {}, nonce => gpu.transcript(nonce, { measurements: { 1: new Uint8Array(48).fill(1) } })))).to.deep.equal(['gpu:evidence_refused'])
    expect(refusals(bothWays({}, { policy: parsePolicy({ ...policy, nvidiaMinimum: { driver: '560.0' } }) }))).to.deep.equal(['gpu:evidence_refused'])
  })

  it('is refused under the vendors\' roots, whatever changes in it', () => {
    fc.assert(fc.property(fc.nat(), fc.nat(7), (place, bit) => {
      const input = bothWays()
      const gpuEvidence = (input.gpuEvidence ?? new Uint8Array()).slice()
      gpuEvidence[place % gpuEvidence.byteLength] ^= 1 << bit
      const verdict = verifyAttestation({ ...input, gpuEvidence })
      expect(verdict.ok).to.equal(false)
      expect(verdict.checks.find(check => check.name === 'gpu')?.result).to.equal('fail')
      expect(verifyEvidence({ evidence: gpu.transcript(new Uint8Array(32).fill(place)), chain: gpu.chain, collateral: gpuCollateral, atMs: nowMs, policy: productionPolicy }).verdict).to.equal('refused')
    }), { numRuns: 20 })
  }).timeout(20_000)
})
