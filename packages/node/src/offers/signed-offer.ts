import { CocoonError, LIMITS, OFFER_DOMAIN, OFFER_PAYLOAD_TYPE, decodeOffer, encodeOffer, equalBytes, parseQuote, quoteHash, sha256, toHex } from '@cocoon-net/protocol'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { openEnvelope, sealEnvelope, verified } from './signed-envelope.ts'
import type { EnvelopeKind } from './signed-envelope.ts'
import type { NetworkPreset, Offer, Quote } from '@cocoon-net/protocol'
import type { PeerId, PrivateKey } from '@libp2p/interface'

const OFFER_ENVELOPE: EnvelopeKind = { domain: OFFER_DOMAIN, payloadType: OFFER_PAYLOAD_TYPE, maxBytes: LIMITS.offerBytes, what: 'the offer' }

/** An offer whose signatures were checked. */
export interface SignedOffer {
  readonly offer: Offer
  readonly quote: Quote
  readonly peerId: PeerId
  /** The signed envelope as it travels. */
  readonly envelope: Uint8Array
  /** SHA-256 of the signed bytes; decides between two offers with one seq. */
  readonly hash: Uint8Array
}

/**
 * Signs an offer with the provider's libp2p identity.
 *
 * @throws {CocoonError} frame_too_large
 */
export async function sealOffer (offer: Offer, privateKey: PrivateKey): Promise<Uint8Array> {
  return sealEnvelope(OFFER_ENVELOPE, encodeOffer(offer), privateKey)
}

/**
 * Opens an offer and checks all that does not depend on time or on other offers: size, both signatures, network, signer,
 * and that the quote speaks of the same model and stake. What is NOT checked: the delegation, the tier, the binding.
 *
 * @throws {CocoonError} frame_too_large, frame_malformed, version_unsupported, bad_signature, wrong_network, wrong_peer
 */
export async function openOffer (bytes: Uint8Array, network: Pick<NetworkPreset, 'networkId'>): Promise<SignedOffer> {
  const envelope = openEnvelope(OFFER_ENVELOPE, bytes)
  const offer = decodeOffer(envelope.payload)
  if (!equalBytes(offer.networkId, network.networkId)) {
    throw new CocoonError('wrong_network')
  }
  const { peerId } = envelope
  if (!equalBytes(peerId.toMultihash().bytes, offer.peerId)) {
    throw new CocoonError('wrong_peer')
  }
  const quote = parseQuote(offer.quote)
  if (!equalBytes(quote.networkId, network.networkId)) {
    throw new CocoonError('wrong_network', 'the quote belongs to another network')
  }
  // A standing quote answers no order.
  if (!equalBytes(quote.stake, offer.stake) || !equalBytes(quote.model, offer.model.digest) || quote.orderHash.some(byte => byte !== 0)) {
    throw new CocoonError('frame_malformed', 'offer and quote contradict each other')
  }
  // seq is when it was made: nobody may hold a place in other nodes' books for longer than an offer lives.
  if (offer.validUntilMs - offer.seq > LIMITS.offerLifeMs || offer.room.free > offer.room.total) {
    throw new CocoonError('frame_malformed', 'the offer contradicts itself')
  }
  for (const address of offer.addresses) {
    try {
      multiaddr(address)
    } catch (error) {
      throw new CocoonError('frame_malformed', 'an address is not a multiaddr', { cause: error })
    }
  }
  // Signatures last: they cost the most.
  await envelope.verify()
  await verified(async () => publicKeyFromRaw(offer.receiptKey).verify(quoteHash(quote), offer.quoteSignature))
  return { offer, quote, peerId, envelope: bytes, hash: sha256(envelope.payload) }
}

/**
 * What depends on the clock. protocol.md: "the highest not more than 60 s ahead wins".
 *
 * @throws {CocoonError} not_yet_valid, expired
 */
export function checkTime (offer: Pick<Offer, 'seq' | 'validUntilMs'>, nowMs: number): void {
  if (offer.seq > nowMs + LIMITS.offerFutureMs) {
    throw new CocoonError('not_yet_valid')
  }
  if (offer.validUntilMs <= nowMs) {
    throw new CocoonError('expired')
  }
}

/** Identifies what an offer replaces: one provider's statement about one model. */
export function offerSlot (offer: Pick<Offer, 'peerId' | 'model'>): string {
  return `${toHex(offer.peerId)}/${toHex(offer.model.digest)}`
}
