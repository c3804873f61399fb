import { LIMITS, challengeAnswerBytes, equalBytes, toHex } from '@cocoon-net/protocol'
import { verifyEd25519 } from './ed25519.ts'
import { absent, fail, pass } from './report.ts'
import type { AttestationInput } from './attestation-input.ts'
import type { Check } from './report.ts'
import type { Binding } from '@cocoon-net/protocol'

/** A provider's clock may run this much ahead of the client's. */
const CLOCK_SKEW_MS = 60_000

/** "networkId … is in every signed object" */
export function checkNetwork (binding: Binding, input: AttestationInput): Check {
  return equalBytes(binding.networkId, input.network.networkId)
    ? pass('network', 'this network')
    : fail('network', 'wrong_network', 'the binding is for another network')
}

/** "the connection's peer id must equal the binding's" */
export function checkPeer (binding: Binding, input: AttestationInput): Check {
  return equalBytes(binding.peerKey, input.remotePeerKey)
    ? pass('peer', 'the connected peer')
    : fail('peer', 'wrong_peer', 'the binding names another peer')
}

/** "notAfter ≤ beacon time + 6 h", and what a policy sets below that. */
export function checkExpiry (binding: Binding, { nowMs, policy }: Pick<AttestationInput, 'nowMs' | 'policy'>): Check {
  if (binding.notAfterMs <= nowMs) {
    return fail('expiry', 'expired', 'the binding has ended')
  }
  if (binding.notAfterMs > binding.beacon.atMs + LIMITS.bindingLifeMs) {
    return fail('expiry', 'evidence_refused', 'the binding outlives its beacon by more than six hours')
  }
  if (binding.beacon.atMs > nowMs + CLOCK_SKEW_MS) {
    return fail('expiry', 'not_yet_valid', 'the beacon is from the future')
  }
  const { mostEvidenceAgeMs, name } = policy
  if (mostEvidenceAgeMs != null && binding.beacon.atMs + mostEvidenceAgeMs < nowMs) {
    return fail('expiry', 'expired', `the beacon is older than the ${mostEvidenceAgeMs / 1_000} s that the ${name} policy allows`)
  }
  return pass('expiry', 'in its time')
}

/** "A beacon that the client cannot check is reported as unchecked, and the production policy refuses it." */
export function checkBeacon (binding: Binding, input: AttestationInput): Check {
  const known = input.trust.beaconKnown?.(binding.beacon)
  if (known === false) {
    return fail('beacon', 'evidence_refused', 'the beacon is not on this chain')
  }
  if (known === true) {
    return pass('beacon', 'on this chain')
  }
  return input.policy.requireBeacon
    ? fail('beacon', 'evidence_refused', 'the beacon could not be checked')
    : absent('beacon', 'not checked')
}

/** The receipt key of this binding is alive at the other end of this connection. */
export function checkChallenge (binding: Binding, bindingHash: Uint8Array, input: AttestationInput): Check {
  // A peer id that the codec does not take is a refusal like any other.
  const answered = input.localPeer.byteLength <= 64 && input.remotePeer.byteLength <= 64 && input.challenge.nonce.byteLength === 32 &&
    verifyEd25519(binding.receiptKey, challengeAnswerBytes({
      networkId: input.network.networkId,
      nonce: input.challenge.nonce,
      bindingHash,
      client: input.localPeer,
      provider: input.remotePeer
    }), input.challenge.answer)
  return answered
    ? pass('challenge', 'answered by the receipt key')
    : fail('challenge', 'challenge_failed', 'the challenge answer does not verify')
}

/** "the run-time configuration digest is part of what is allowed" */
export function checkRuntime (binding: Binding, input: AttestationInput): Check {
  const { runtimeConfigs } = input.policy
  if (runtimeConfigs == null) {
    return absent('runtime', 'no allow-list of run-time configurations')
  }
  return runtimeConfigs.includes(toHex(binding.runtimeConfigDigest))
    ? pass('runtime', 'on the allow-list')
    : fail('runtime', 'evidence_refused', 'the run-time configuration is not on the allow-list')
}
