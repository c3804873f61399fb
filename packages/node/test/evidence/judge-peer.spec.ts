import { collateralNeeds, encodeGpuEvidence, gpuDigestOf, parsePolicy, productionPolicy } from '@cocoon-net/attestation'
import { verifyAttestationUnder, verifyEvidenceUnder } from '@cocoon-net/attestation/testing'
import { createGpuTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { KEMS, LIMITS, MAINNET, bindingHashOf, challengeAnswerBytes, encodeBinding, gpuNonceOf, reportDataOf } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { noCounters } from '../../src/counters.ts'
import { attestBinding } from '../../src/evidence/attest-binding.ts'
import { createCollateralSources } from '../../src/evidence/collateral-sources.ts'
import { openCollateralStore } from '../../src/evidence/collateral-store.ts'
import { judgePeer } from '../../src/evidence/judge-peer.ts'
import type { CollateralSources } from '../../src/evidence/collateral-sources.ts'
import type { PeerEvidence } from '../../src/evidence/judge-peer.ts'
import type { AttestationInput, AttestationVerdict, EvidenceInput, EvidenceReport } from '@cocoon-net/attestation'
import type { Binding } from '@cocoon-net/protocol'
import type { Connection } from '@libp2p/interface'

const nowMs = Date.UTC(2026, 5, 1)
const seed = new Uint8Array(32).fill(6)
const tdx = createTdxTestPlatform({ seed, atMs: nowMs })
const gpu = createGpuTestPlatform({ seed, atMs: nowMs })
const roots = { intel: [tdx.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [gpu.rootSpkiHash], nvidiaManifests: [gpu.manifestRootSpkiHash] }
const collateral = tdx.collateral()
const gpuCollateral = gpu.collateral()
const verifyEvidence = (input: EvidenceInput): EvidenceReport => verifyEvidenceUnder(roots, input)
const verify = (input: AttestationInput): AttestationVerdict => verifyAttestationUnder(roots, input)
const measurement = verifyEvidence({ evidence: tdx.quote(new Uint8Array(64)), collateral, atMs: nowMs, policy: productionPolicy }).claims?.measurementDigest ?? ''
const policy = parsePolicy({ ...productionPolicy, measurements: [measurement] })
const receiptSigner = ed25519Signer(new Uint8Array(32).fill(2))
const peer = new Uint8Array(36).fill(3)
const signal = new AbortController().signal
const unreachable = { newStream: async () => Promise.reject(new Error('closed')) } as unknown as Connection

const draft: Binding = {
  v: 1,
  networkId: MAINNET.networkId,
  role: 'provider',
  peerKey: peer,
  hpkeKeys: [{ kem: KEMS.xWing, key: new Uint8Array(1_216) }],
  receiptKey: receiptSigner.publicKey,
  stake: new Uint8Array(32),
  payee: new Uint8Array(32),
  models: [new Uint8Array(32)],
  runtimeConfigDigest: new Uint8Array(32),
  beacon: { seqno: 1, rootHash: new Uint8Array(32), atMs: nowMs - 1_000 },
  notAfterMs: nowMs + LIMITS.bindingLifeMs - 1_000,
  evidenceKind: 'tdx',
  gpuDigest: null
}
const gpuEvidenceOf = (nonce: Uint8Array): Uint8Array => encodeGpuEvidence({ v: 1, transcript: gpu.transcript(nonce), chain: [...gpu.chain] })
const gpuEvidence = gpuEvidenceOf(gpuNonceOf(draft))
const gpuSubject = collateralNeeds(gpuEvidence)?.subject ?? ''

function shown (stapled: Uint8Array | null): PeerEvidence {
  const binding = encodeBinding({ ...draft, gpuDigest: gpuDigestOf(gpuEvidence) })
  const nonce = new Uint8Array(32)
  const answer = receiptSigner.sign(challengeAnswerBytes({ networkId: MAINNET.networkId, nonce, bindingHash: bindingHashOf(binding), client: peer, provider: peer }))
  return {
    binding,
    evidence: tdx.quote(reportDataOf(binding)),
    gpuEvidence,
    collateral: stapled,
    challenge: { nonce, answer },
    localPeer: peer,
    remotePeer: peer,
    remotePeerKey: peer,
    network: MAINNET,
    policy,
    trust: { beaconKnown: () => true },
    nowMs
  }
}

async function sourcesWith (stored: Readonly<Record<string, Uint8Array>>): Promise<CollateralSources> {
  const store = await openCollateralStore(new MemoryLevel<string, string>())
  for (const [subject, data] of Object.entries(stored)) {
    await store.keep(subject, data, nowMs)
  }
  return createCollateralSources({ network: MAINNET, store, vendors: null, connections: () => [], counters: noCounters, now: () => nowMs })
}

describe('a peer with a GPU', () => {
  const judge = async (stapled: Uint8Array | null, sources: CollateralSources): Promise<string[]> => {
    const { ok, checks } = await judgePeer(shown(stapled), { sources, connection: unreachable, signal, verify })
    const failed = checks.filter(check => check.result === 'fail').map(({ name, code }) => `${name}:${code ?? ''}`)
    expect(ok).to.equal(failed.length === 0)
    return failed
  }

  it('is judged with the collateral of both, from wherever it is', async () => {
    const sources = await sourcesWith({ [gpuSubject]: gpuCollateral })
    expect(await judge(collateral, sources)).to.deep.equal([])
    const cpuSubject = collateralNeeds(tdx.quote(new Uint8Array(64)))?.subject ?? ''
    expect(sources.store.bySubject(cpuSubject)?.data).to.deep.equal(collateral)
    expect(await judge(null, await sourcesWith({ [gpuSubject]: gpuCollateral, [cpuSubject]: collateral }))).to.deep.equal([])
  })

  it('is refused, with the reason, when either is nowhere or says no', async () => {
    expect(await judge(collateral, await sourcesWith({}))).to.deep.equal(['gpu:collateral_missing'])
    expect(await judge(null, await sourcesWith({ [gpuSubject]: gpuCollateral }))).to.deep.equal(['revocation:collateral_missing', 'tcb:collateral_missing'])
    const revoked = gpu.collateral({ name: 'GH100 A01 GSP BROM', change: { status: 'revoked' } })
    expect(await judge(collateral, await sourcesWith({ [gpuSubject]: revoked }))).to.deep.equal(['gpu:collateral_missing'])
  })

  it('keeps what a client will need to verify its GPU, where that can be had and is usable', async () => {
    const collector = { kind: 'tdx' as const, collect: async (reportData: Uint8Array) => ({ evidence: tdx.quote(reportData), collateral }), collectGpu: async (nonce: Uint8Array) => gpuEvidenceOf(nonce) }
    const attest = async (published: Uint8Array): Promise<Uint8Array | undefined> => {
      const sources = await sourcesWith({})
      const asking: CollateralSources = { ...sources, find: async (_, { usable }) => usable(published) ? published : null }
      const { gpuEvidence: own } = await attestBinding(draft, { collector, sources: asking, signal, now: () => nowMs, verify: verifyEvidence })
      expect(own).to.deep.equal(gpuEvidence)
      return sources.store.bySubject(gpuSubject)?.data
    }
    expect(await attest(gpuCollateral)).to.deep.equal(gpuCollateral)
    for (const useless of [gpu.collateral({ name: 'GH100 A01 GSP BROM', change: null }), new Uint8Array(3)]) {
      expect(await attest(useless)).to.equal(undefined)
    }
  })
})
