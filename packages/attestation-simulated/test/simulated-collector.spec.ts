import { devnetPolicy, productionPolicy, simulationRootHash, simulationRootSeed, verifyAttestation } from '@cocoon-net/attestation'
import { MAINNET, LIMITS, KEMS, bindingHashOf, challengeAnswerBytes, devnetPreset, encodeBinding, reportDataOf } from '@cocoon-net/protocol'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect } from 'aegir/chai'
import { createTdxTestPlatform, simulatedCollector, withTurnedBit } from '../src/index.ts'
import type { AttestationVerdict, Policy } from '@cocoon-net/attestation'
import type { NetworkPreset } from '@cocoon-net/protocol'

const devnet = devnetPreset(new Uint8Array(32))
const rootSeed = simulationRootSeed(devnet)
const receiptSeed = new Uint8Array(32).fill(2)
const peer = new Uint8Array(36).fill(3)
const nowMs = Date.UTC(2026, 0, 1)

async function attest (network: NetworkPreset, policy: Policy, collector = simulatedCollector({ rootSeed, now: () => nowMs })): Promise<AttestationVerdict> {
  const binding = encodeBinding({
    v: 1,
    networkId: network.networkId,
    role: 'provider',
    peerKey: peer,
    hpkeKeys: [{ kem: KEMS.x25519, key: new Uint8Array(32) }],
    receiptKey: ed25519.getPublicKey(receiptSeed),
    stake: new Uint8Array(32),
    payee: new Uint8Array(32),
    models: [new Uint8Array(32)],
    runtimeConfigDigest: new Uint8Array(32),
    beacon: { seqno: 1, rootHash: new Uint8Array(32), atMs: nowMs },
    notAfterMs: nowMs + LIMITS.bindingLifeMs,
    evidenceKind: 'simulated',
    gpuDigest: null
  })
  const nonce = new Uint8Array(32)
  const bytes = challengeAnswerBytes({ networkId: network.networkId, nonce, bindingHash: bindingHashOf(binding), client: peer, provider: peer })
  return verifyAttestation({
    binding,
    ...await collector.collect(reportDataOf(binding), {}),
    gpuEvidence: null,
    challenge: { nonce, answer: ed25519.sign(bytes, receiptSeed) },
    localPeer: peer,
    remotePeer: peer,
    remotePeerKey: peer,
    network,
    policy,
    trust: { beaconKnown: () => true },
    nowMs
  })
}

describe('simulated collector', () => {
  it('makes evidence that a devnet with its root accepts as simulated', async () => {
    const verdict = await attest(devnet, devnetPolicy(devnet))
    expect(devnetPolicy(devnet).simulationRoots).to.deep.equal([simulationRootHash(rootSeed)])
    expect(createTdxTestPlatform({ seed: rootSeed, atMs: nowMs }).rootSpkiHash).to.equal(simulationRootHash(rootSeed))
    expect(verdict.report).to.include({ kind: 'tdx', verdict: 'verified', tcbStatus: 'UpToDate' })
    expect(verdict.ok).to.be.true()
    expect(verdict.tier).to.equal('simulated')
  })

  it('makes nothing that another devnet, or production, accepts', async () => {
    const other = devnetPreset(new Uint8Array(32).fill(1))
    expect((await attest(devnet, devnetPolicy(other))).ok).to.be.false()
    expect((await attest(devnet, productionPolicy)).ok).to.be.false()
    expect((await attest(MAINNET, productionPolicy)).ok).to.be.false()
    expect((await attest(MAINNET, devnetPolicy(devnet))).ok).to.be.false()
  })
  it('with one bit turned, it is refused and says why', async () => {
    const verdict = await attest(devnet, devnetPolicy(devnet), withTurnedBit(simulatedCollector({ rootSeed, now: () => nowMs })))
    expect(verdict.ok).to.be.false()
    expect(verdict.checks.find(check => check.result === 'fail')).to.include({ name: 'signature', code: 'bad_signature' })
  })
})
