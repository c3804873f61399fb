import { devnetPolicy, productionPolicy, simulationRootHashes, simulationRootSeed, verifyAttestation } from '@cocoon-net/attestation'
import { MAINNET, LIMITS, KEMS, bindingHashOf, challengeAnswerBytes, devnetPreset, encodeBinding, reportDataOf } from '@cocoon-net/protocol'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect } from 'aegir/chai'
import { createSnpTestPlatform, createTdxTestPlatform, simulatedCollector, withTurnedBit } from '../src/index.ts'
import type { AttestationVerdict, EvidenceCollector, Policy } from '@cocoon-net/attestation'
import type { NetworkPreset } from '@cocoon-net/protocol'

const devnet = devnetPreset(new Uint8Array(32))
const rootSeed = simulationRootSeed(devnet)
const receiptSeed = new Uint8Array(32).fill(2)
const peer = new Uint8Array(36).fill(3)
const nowMs = Date.UTC(2026, 0, 1)

async function attest (network: NetworkPreset, policy: Policy, collector: EvidenceCollector): Promise<AttestationVerdict> {
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
  it('the roots of a devnet\'s policy are those of the platforms, the same in every process', () => {
    expect(devnetPolicy(devnet).simulationRoots).to.deep.equal(simulationRootHashes(rootSeed))
    const made = { seed: rootSeed, atMs: nowMs }
    expect([createTdxTestPlatform(made).rootSpkiHash, createSnpTestPlatform(made).rootSpkiHash]).to.deep.equal(simulationRootHashes(rootSeed))
    // Fixed by the seed alone: a provider and its clients, started at other times, agree.
    expect(simulationRootHashes(new Uint8Array(32))).to.deep.equal([
      'b538cf29230b6d20cb97278533a6829ed724074a749d565fca71137197e3b980',
      'a871d3fc1f2f8538d8c936f83bd4221ee56ccde2f4192ff1c2b29c6e8f2815d6'
    ])
    expect(createSnpTestPlatform(made).chain()).to.deep.equal(createSnpTestPlatform(made).chain())
  })

  for (const format of ['tdx', 'snp'] as const) {
    const collector = simulatedCollector({ rootSeed, format, now: () => nowMs })

    it(`${format}: makes evidence that a devnet with its root accepts as simulated`, async () => {
      const verdict = await attest(devnet, devnetPolicy(devnet), collector)
      expect(verdict.report).to.include({ kind: format, verdict: 'verified', tcbStatus: format === 'tdx' ? 'UpToDate' : null })
      expect(verdict.report?.checks.find(check => check.name === 'revocation')).to.include({ result: 'pass' })
      expect(verdict.ok).to.be.true()
      expect(verdict.tier).to.equal('simulated')
    })

    it(`${format}: makes nothing that another devnet, or production, accepts`, async () => {
      const other = devnetPreset(new Uint8Array(32).fill(1))
      expect((await attest(devnet, devnetPolicy(other), collector)).ok).to.be.false()
      expect((await attest(devnet, productionPolicy, collector)).ok).to.be.false()
      expect((await attest(MAINNET, productionPolicy, collector)).ok).to.be.false()
      expect((await attest(MAINNET, devnetPolicy(devnet), collector)).ok).to.be.false()
    })

    it(`${format}: with one bit turned, it is refused and says why`, async () => {
      const verdict = await attest(devnet, devnetPolicy(devnet), withTurnedBit(collector))
      expect(verdict.ok).to.be.false()
      expect(verdict.checks.find(check => check.result === 'fail')).to.include({ name: 'signature', code: 'bad_signature' })
    })
  }

  it('snp: a chip or its issuer that is revoked, and no list at all, are refused', async () => {
    const platform = createSnpTestPlatform({ seed: rootSeed, atMs: nowMs })
    for (const options of [{ revoke: 'vcek' }, { revoke: 'ask' }, { crl: false }] as const) {
      const verdict = await attest(devnet, devnetPolicy(devnet), { kind: 'simulated', collect: async (reportData) => ({ evidence: platform.report(reportData), collateral: platform.chain(options) }) })
      expect(verdict.ok, JSON.stringify(options)).to.be.false()
    }
  })
})
