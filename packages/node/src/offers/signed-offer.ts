import { CocoonError, LIMITS, OFFER_DOMAIN, OFFER_PAYLOAD_TYPE, asCocoonError, decodeOffer, encodeOffer, equalBytes, parseQuote, quoteHash, sha256, toHex } from '@cocoon-net/protocol'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import type { NetworkPreset, Offer, Quote } from '@cocoon-net/protocol'
import type { PeerId, PrivateKey } from '@libp2p/interface'

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
  const payload = encodeOffer(offer)
  const envelope = await RecordEnvelope.seal({
    domain: OFFER_DOMAIN,
    codec: OFFER_PAYLOAD_TYPE,
    marshal: () => payload,
    equals: (other) => other != null && equalBytes(other.marshal().slice(), payload)
  }, privateKey)
  const bytes = envelope.marshal()
  if (bytes.byteLength > LIMITS.offerBytes) {
    throw new CocoonError('frame_too_large', `the offer has ${bytes.byteLength} bytes, at most ${LIMITS.offerBytes} are allowed`)
  }
  return bytes
}

/**
 * Opens an offer and checks all that does not depend on time or on other offers: size, both signatures, network, signer,
 * and that the quote speaks of the same model and stake. What is NOT checked: the delegation, the tier, the binding.
 *
 * @throws {CocoonError} frame_too_large, frame_malformed, version_unsupported, bad_signature, wrong_network, wrong_peer
 */
export async function openOffer (bytes: Uint8Array, network: Pick<NetworkPreset, 'networkId'>): Promise<SignedOffer> {
  if (bytes.byteLength > LIMITS.offerBytes) {
    throw new CocoonError('frame_too_large')
  }
  let envelope: RecordEnvelope
  try {
    envelope = RecordEnvelope.createFromProtobuf(bytes)
  } catch (error) {
    throw new CocoonError('frame_malformed', 'not a signed envelope', { cause: error })
  }
  // Protobuf has many encodings of one envelope; only ours passes, or gossip would carry the same offer under many names.
  if (!equalBytes(new RecordEnvelope(envelope).marshal(), bytes)) {
    throw new CocoonError('frame_malformed', 'the envelope is not in its one encoding')
  }
  if (!equalBytes(envelope.payloadType, OFFER_PAYLOAD_TYPE)) {
    throw new CocoonError('frame_malformed', 'the envelope holds no offer')
  }
  const offer = decodeOffer(envelope.payload)
  if (!equalBytes(offer.networkId, network.networkId)) {
    throw new CocoonError('wrong_network')
  }
  const peerId = peerIdFromPublicKey(envelope.publicKey)
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
  if (!await verified(async () => envelope.validate(OFFER_DOMAIN)) ||
    !await verified(async () => publicKeyFromRaw(offer.receiptKey).verify(quoteHash(quote), offer.quoteSignature))) {
    throw new CocoonError('bad_signature')
  }
  return { offer, quote, peerId, envelope: bytes, hash: sha256(envelope.payload) }
}

async function verified (check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await check()
  } catch (error) {
    throw new CocoonError('bad_signature', asCocoonError(error).message, { cause: error })
  }
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
