import { createPrivateKey, sign } from 'node:crypto'
import { buildQuoteCell, cellToBytes, quoteHash, sha256, utf8 } from '@cocoon-net/protocol'
import type { OfferContent } from '../src/offers/offer-publisher.ts'
import type { NetworkPreset, Quote } from '@cocoon-net/protocol'

/** RFC 8410: an Ed25519 private key in PKCS #8 is this head and the seed. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

export function modelOf (name: string): Uint8Array {
  return sha256(utf8(name))
}

/** A well-formed offer of one model, with its quote signed by a receipt key made from `seed`. */
export function offerContent (network: NetworkPreset, name: string, init: { seed?: number, price?: bigint, validUntilMs?: number } = {}): OfferContent {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, Buffer.alloc(32, init.seed ?? 1)]), format: 'der', type: 'pkcs8' })
  const receiptKey = Uint8Array.from(Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'))
  const price = init.price ?? 1_000_000n
  const quote: Quote = {
    networkId: network.networkId,
    stake: new Uint8Array(32).fill(2),
    model: modelOf(name),
    prices: { prompt: price, cached: price, completion: price, reasoning: price },
    maxTokens: 4_096,
    windowNano: 1_000_000n,
    hedgeFeeNano: 0n,
    slaClass: 0,
    orderHash: new Uint8Array(32),
    validUntilMs: BigInt(init.validUntilMs ?? 0),
    feeBps: 100
  }
  return {
    model: { name, digest: modelOf(name), tokenizerDigest: new Uint8Array(32), quantization: 'q4' },
    contextLength: 4_096,
    endpoints: ['chat'],
    tier: 'simulated',
    noIds: false,
    resumable: true,
    bindingHash: new Uint8Array(32).fill(3),
    receiptKey,
    payee: new Uint8Array(32).fill(4),
    stake: quote.stake,
    delegation: null,
    quote: cellToBytes(buildQuoteCell(quote)),
    quoteSignature: Uint8Array.from(sign(null, quoteHash(quote), key)),
    room: { total: 4, free: 4 },
    draining: false
  }
}
