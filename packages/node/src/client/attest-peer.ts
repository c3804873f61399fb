import { CocoonError, LIMITS, bindingHashOf, challengeCodec, decodeBinding, equalBytes, evidenceCodec, fromRefusal, protocolId } from '@cocoon-net/protocol'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { judgePeer } from '../evidence/judge-peer.ts'
import { framedStream } from '../streams/framed-stream.ts'
import type { CollateralSources } from '../evidence/collateral-sources.ts'
import type { AttestationTrust, AttestationVerdict, Policy } from '@cocoon-net/attestation'
import type { Binding, EvidenceFrame, NetworkPreset, Offer } from '@cocoon-net/protocol'
import type { Connection, PeerId } from '@libp2p/interface'

/** A provider that this client has verified on this connection. */
export interface VerifiedProvider {
  readonly binding: Binding
  readonly bindingHash: Uint8Array
  readonly verdict: AttestationVerdict
}

export interface AttestPeerInit {
  readonly network: NetworkPreset
  readonly policy: Policy
  readonly trust: AttestationTrust
  readonly localPeer: PeerId
  /** Where collateral is found that a provider does not staple, and the highest versions seen; null for neither. */
  readonly collateral?: CollateralSources | null
  randomBytes (length: number): Uint8Array
  now (): number
}

function peerKeyOf (peer: PeerId): Uint8Array {
  if (peer.publicKey == null) {
    throw new CocoonError('wrong_peer', 'the connection does not know its peer\'s key')
  }
  return publicKeyToProtobuf(peer.publicKey)
}

/** The first reason's code and the text of all. A signature inside the evidence that does not hold is evidence refused: no request was badly signed. */
function refusalOf ({ checks }: AttestationVerdict): CocoonError {
  const failed = checks.filter(check => check.result === 'fail')
  const code = failed[0]?.code ?? 'evidence_refused'
  const reasons = failed.map(({ name, message }) => `${name}: ${message}`).join('; ')
  return new CocoonError(code === 'bad_signature' ? 'evidence_refused' : code, reasons, { details: { checks } })
}

/** Fetches evidence with a fresh challenge and verifies it. Nothing is sealed to a provider before this has passed. */
export async function attestPeer (connection: Connection, offer: Offer, init: AttestPeerInit, signal: AbortSignal): Promise<VerifiedProvider> {
  const stream = await connection.newStream(protocolId(init.network, 'attest'), { signal })
  const frames = framedStream(stream, {
    reads: evidenceCodec,
    writes: challengeCodec,
    maxReadBytes: LIMITS.evidenceFrameBytes,
    idleMs: ANSWER_TIMEOUT_MS,
    signal,
    what: 'attest'
  })
  const nonce = init.randomBytes(32)
  const exchange = async (): Promise<EvidenceFrame> => {
    await frames.write({ t: 'challenge', networkId: init.network.networkId, nonce })
    return frames.read()
  }
  const answer = await exchange().finally(() => { void frames.close() })
  if (answer.t === 'refusal') {
    throw fromRefusal(answer)
  }
  const verdict = await judgePeer({
    binding: answer.binding,
    evidence: answer.evidence,
    gpuEvidence: answer.gpu,
    collateral: answer.collateral,
    challenge: { nonce, answer: answer.answer },
    localPeer: init.localPeer.toMultihash().bytes,
    remotePeer: connection.remotePeer.toMultihash().bytes,
    remotePeerKey: peerKeyOf(connection.remotePeer),
    network: init.network,
    policy: init.policy,
    trust: init.trust,
    nowMs: init.now()
  }, { sources: init.collateral ?? null, connection, signal })
  if (!verdict.ok) {
    throw refusalOf(verdict)
  }
  const binding = decodeBinding(answer.binding)
  const bindingHash = bindingHashOf(answer.binding)
  // An offer speaks for the keys that the evidence binds, or it is not this provider's offer.
  if (!equalBytes(binding.receiptKey, offer.receiptKey) || !equalBytes(binding.payee, offer.payee) || !equalBytes(binding.stake, offer.stake) ||
    !binding.models.some(m => equalBytes(m, offer.model.digest))) {
    throw new CocoonError('binding_mismatch')
  }
  return { binding, bindingHash, verdict }
}
