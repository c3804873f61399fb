import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { KEMS, LIMITS, bindingHashOf, challengeAnswerBytes, devnetPreset, encodeBinding, reportDataOf } from '@cocoon-net/protocol'
import { ed25519 } from '@noble/curves/ed25519.js'
import { devnetPolicy, simulationRootSeed } from '../../src/index.ts'
import type { AttestationInput } from '../../src/index.ts'
import type { Binding } from '@cocoon-net/protocol'

export const NOW_MS = Date.UTC(2026, 5, 1)
export const network = devnetPreset(new Uint8Array(32).fill(1))
export const rootSeed = simulationRootSeed(network)
export const receiptSeed = new Uint8Array(32).fill(3)
export const platform = createTdxTestPlatform({ seed: rootSeed, atMs: NOW_MS })
export const collateral = platform.collateral()

export function bindingOf (change: Partial<Binding> = {}): Binding {
  const atMs = NOW_MS - 3_600_000
  return {
    v: 1,
    networkId: network.networkId,
    role: 'provider',
    peerKey: new Uint8Array(36).fill(5),
    hpkeKeys: [{ kem: KEMS.xWing, key: new Uint8Array(1_216).fill(6) }],
    receiptKey: ed25519.getPublicKey(receiptSeed),
    stake: new Uint8Array(32),
    payee: new Uint8Array(32).fill(7),
    models: [new Uint8Array(32).fill(8)],
    runtimeConfigDigest: new Uint8Array(32).fill(9),
    beacon: { seqno: 10, rootHash: new Uint8Array(32).fill(11), atMs },
    notAfterMs: atMs + LIMITS.bindingLifeMs,
    evidenceKind: 'simulated',
    gpuDigest: null,
    ...change
  }
}

export function inputOf (change: Partial<Binding> = {}, rest: Partial<AttestationInput> = {}): AttestationInput {
  const binding = encodeBinding(bindingOf(change))
  const nonce = new Uint8Array(32).fill(12)
  const localPeer = new Uint8Array(38).fill(13)
  const remotePeer = new Uint8Array(38).fill(14)
  const answer = ed25519.sign(challengeAnswerBytes({
    networkId: network.networkId,
    nonce,
    bindingHash: bindingHashOf(binding),
    client: localPeer,
    provider: remotePeer
  }), receiptSeed)
  return {
    binding,
    evidence: platform.quote(reportDataOf(binding)),
    gpuEvidence: null,
    collateral,
    challenge: { nonce, answer },
    localPeer,
    remotePeer,
    remotePeerKey: new Uint8Array(36).fill(5),
    network,
    policy: devnetPolicy(network),
    trust: {},
    nowMs: NOW_MS,
    ...rest
  }
}
