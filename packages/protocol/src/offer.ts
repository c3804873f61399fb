import { decodeWith, encodeWith } from './cbor.ts'
import { bool, bytes, fixedBytes, list, nullable, oneOf, record, text, uint, union, version } from './codec.ts'
import { ENDPOINTS } from './infer.ts'
import { LIMITS } from './limits.ts'
import { TIERS } from './receipt.ts'
import { refusalCodec } from './refusal.ts'
import type { ValueOf } from './codec.ts'

/** Domain of the libp2p signed envelope around an offer. */
export const OFFER_DOMAIN = 'cocoon-offer'
/** Payload type of the envelope: "/cocoon/offer/1". */
export const OFFER_PAYLOAD_TYPE = new TextEncoder().encode('/cocoon/offer/1')

/** What one provider states about one model. It travels inside a libp2p signed envelope by the provider's identity. */
export const offerCodec = record({
  v: version(1),
  networkId: fixedBytes(32),
  /** libp2p peer id as multihash bytes; must be the envelope's signer. */
  peerId: bytes(64),
  addresses: list(bytes(LIMITS.maxMultiaddrBytes), LIMITS.maxAddressesPerOffer),
  model: record({ name: text(LIMITS.maxModelNameBytes), digest: fixedBytes(32), tokenizerDigest: fixedBytes(32), quantization: text(32) }),
  contextLength: uint(0xffffffff),
  endpoints: list(oneOf(...ENDPOINTS), 3, 1),
  /** The tier that the provider claims; the client believes what it verifies. */
  tier: oneOf(...TIERS),
  /** The engine gives no token ids: tier open, no continuation. */
  noIds: bool,
  /** The engine can continue from token ids. */
  resumable: bool,
  bindingHash: fixedBytes(32),
  receiptKey: fixedBytes(32),
  payee: fixedBytes(32),
  stake: fixedBytes(32),
  delegation: nullable(record({ cell: bytes(512), signature: fixedBytes(64) })),
  /** The standing quote as a bag of cells, and the receipt key's signature over its hash. */
  quote: bytes(512),
  quoteSignature: fixedBytes(64),
  /** Parallel jobs in all and free now. */
  room: record({ total: uint(0xffff), free: uint(0xffff) }),
  /** A draining provider takes no new jobs. */
  draining: bool,
  /** Unix milliseconds; the highest not too far ahead wins. */
  seq: uint(),
  validUntilMs: uint()
})

export type Offer = ValueOf<typeof offerCodec>

export function encodeOffer (offer: Offer): Uint8Array {
  return encodeWith(offerCodec, offer)
}

/** @throws {CocoonError} frame_too_large, frame_malformed, version_unsupported */
export function decodeOffer (data: Uint8Array): Offer {
  return decodeWith(offerCodec, data, LIMITS.offerBytes, 'offer')
}

/** quote/1: client to provider. `model` null asks for every model; an order (bids) is reserved. */
export const quoteAskCodec = union({
  ask: record({ networkId: fixedBytes(32), model: nullable(fixedBytes(32)), order: nullable(bytes(2_048)) })
})

/** quote/1: provider to client: offers in their signed envelopes. */
export const quoteAnswerCodec = union({
  offers: record({ offers: list(bytes(LIMITS.offerBytes), LIMITS.maxOffersPerAnswer) }),
  refusal: refusalCodec
})

export type QuoteAskFrame = ValueOf<typeof quoteAskCodec>
export type QuoteAnswerFrame = ValueOf<typeof quoteAnswerCodec>
