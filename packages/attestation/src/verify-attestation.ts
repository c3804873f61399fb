import { LIMITS, bindingHashOf, challengeAnswerBytes, decodeBinding, equalBytes, reportDataOf, toHex, CocoonError } from '@cocoon-net/protocol'
import { verifyEd25519 } from './ed25519.ts'
import { kindAllowed } from './policy.ts'
import { absent, fail, pass } from './report.ts'
import { checkSimulatedEvidence } from './simulated-evidence.ts'
import type { Policy } from './policy.ts'
import type { Check } from './report.ts'
import type { Binding, NetworkPreset, Tier } from '@cocoon-net/protocol'

/** What trust hangs on besides the policy. */
export interface AttestationTrust {
  /** Looks a beacon up on the client's own view of the chain; undefined when it cannot. */
  readonly beaconKnown?: (beacon: Binding['beacon']) => boolean | undefined
}

export interface AttestationInput {
  readonly binding: Uint8Array
  readonly evidence: Uint8Array
  readonly gpuEvidence: Uint8Array | null
  readonly collateral: Uint8Array | null
  readonly challenge: { readonly nonce: Uint8Array, readonly answer: Uint8Array }
  /** Peer ids as multihash bytes. */
  readonly localPeer: Uint8Array
  readonly remotePeer: Uint8Array
  /** The libp2p public key (protobuf) of the connection's remote side. */
  readonly remotePeerKey: Uint8Array
  readonly network: NetworkPreset
  readonly policy: Policy
  readonly trust: AttestationTrust
  readonly nowMs: number
}

export interface AttestationVerdict {
  readonly ok: boolean
  readonly tier: Tier
  readonly bindingHash: string
  readonly checks: readonly Check[]
}

/** A provider's clock may run this much ahead of the client's. */
const CLOCK_SKEW_MS = 60_000

/**
 * Judges one provider for one connection: pure, fail closed, cheap checks first. Every independent check is reported;
 * none runs on input that an earlier one has not authenticated.
 */
export function verifyAttestation (input: AttestationInput): AttestationVerdict {
  const { network, policy, nowMs } = input
  const bindingHash = bindingHashOf(input.binding)
  const checks: Check[] = []
  const verdict = (tier: Tier): AttestationVerdict => ({
    ok: checks.length > 0 && checks.every(check => check.result !== 'fail'),
    tier,
    bindingHash: toHex(bindingHash),
    checks
  })

  let binding: Binding
  try {
    binding = decodeBinding(input.binding)
  } catch (error) {
    checks.push(fail('binding', error instanceof CocoonError ? error.code : 'frame_malformed', 'the binding cannot be parsed'))
    return verdict('open')
  }
  checks.push(pass('binding', 'deterministic encoding, all keys known'))

  // "networkId … is in every signed object"
  checks.push(equalBytes(binding.networkId, network.networkId) ? pass('network', 'this network') : fail('network', 'wrong_network', 'the binding is for another network'))

  // "the connection's peer id must equal the binding's"
  checks.push(equalBytes(binding.peerKey, input.remotePeerKey) ? pass('peer', 'the connected peer') : fail('peer', 'wrong_peer', 'the binding names another peer'))

  // "notAfter ≤ beacon time + 6 h"
  if (binding.notAfterMs <= nowMs) {
    checks.push(fail('expiry', 'expired', 'the binding has ended'))
  } else if (binding.notAfterMs > binding.beacon.atMs + LIMITS.bindingLifeMs) {
    checks.push(fail('expiry', 'evidence_refused', 'the binding outlives its beacon by more than six hours'))
  } else if (binding.beacon.atMs > nowMs + CLOCK_SKEW_MS) {
    checks.push(fail('expiry', 'not_yet_valid', 'the beacon is from the future'))
  } else {
    checks.push(pass('expiry', 'in its time'))
  }

  // "A beacon that the client cannot check is reported as unchecked, and the production policy refuses it."
  const beaconKnown = input.trust.beaconKnown?.(binding.beacon)
  if (beaconKnown === false) {
    checks.push(fail('beacon', 'evidence_refused', 'the beacon is not on this chain'))
  } else if (beaconKnown == null) {
    checks.push(policy.requireBeacon ? fail('beacon', 'evidence_refused', 'the beacon could not be checked') : absent('beacon', 'not checked'))
  } else {
    checks.push(pass('beacon', 'on this chain'))
  }

  // The challenge: the receipt key of this binding is alive at the other end of this connection.
  const answered = verifyEd25519(binding.receiptKey, challengeAnswerBytes({
    networkId: network.networkId,
    nonce: input.challenge.nonce,
    bindingHash,
    client: input.localPeer,
    provider: input.remotePeer
  }), input.challenge.answer)
  checks.push(answered ? pass('challenge', 'answered by the receipt key') : fail('challenge', 'challenge_failed', 'the challenge answer does not verify'))

  if (!kindAllowed(binding.evidenceKind, policy, network)) {
    checks.push(fail('kind', 'evidence_kind_refused', `${binding.evidenceKind} evidence is not accepted under the ${policy.name} policy on ${network.name}`))
    return verdict('open')
  }
  checks.push(pass('kind', `${binding.evidenceKind} evidence is accepted under the ${policy.name} policy`))

  if (binding.evidenceKind === 'none') {
    checks.push(absent('signature', 'no evidence: not private'))
    return verdict('open')
  }
  if (input.evidence.byteLength === 0) {
    checks.push(fail('signature', 'evidence_missing', 'the binding names evidence and none came'))
    return verdict('open')
  }
  if (binding.evidenceKind !== 'simulated') {
    // Hardware evidence is judged by its own verifier; until it is wired to bindings nothing of that kind passes.
    checks.push(fail('signature', 'evidence_refused', `${binding.evidenceKind} evidence cannot be verified by this version`))
    return verdict('open')
  }
  const simulated = checkSimulatedEvidence(input.evidence, policy.simulationRoots)
  checks.push(...simulated.checks)
  if (simulated.reportData != null) {
    checks.push(equalBytes(simulated.reportData, reportDataOf(input.binding))
      ? pass('reportData', 'commits to this binding')
      : fail('reportData', 'report_data_mismatch', 'the evidence commits to another binding'))
  }
  checks.push(policy.measurements == null
    ? absent('measurement', 'no measurement allow-list')
    : simulated.measurement != null && policy.measurements.includes(toHex(simulated.measurement))
      ? pass('measurement', 'on the allow-list')
      : fail('measurement', 'evidence_refused', 'the measurement is not on the allow-list'))
  return verdict('simulated')
}
