/**
 * @packageDocumentation
 *
 * All that two Cocoon nodes must agree on byte for byte: network presets, protocol ids, limits, wire codecs, signing
 * payloads, charges and coded errors. No I/O.
 *
 * @example
 *
 * ```typescript
 * import { chargeNano } from '@cocoon-net/protocol'
 *
 * const prices = { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 200_000_000n }
 * console.info(chargeNano({ prompt: 20, cached: 0, completion: 100, reasoning: 0 }, prices)) // 21000n nanoTON
 * ```
 */
export * from './account.ts'
export * from './attest.ts'
export * from './binding.ts'
export * from './bytes.ts'
export { decodeWith, encodeCbor, encodeWith } from './cbor.ts'
export { CELL_TAGS, MAX_CELL_BYTES, cellToBytes } from './cells.ts'
export * from './charge.ts'
export * from './close.ts'
export type { Codec, ValueOf } from './codec.ts'
export * from './delegation.ts'
export * from './errors.ts'
export * from './infer.ts'
export * from './job.ts'
export * from './limits.ts'
export * from './model.ts'
export * from './network.ts'
export * from './offer.ts'
export * from './padding.ts'
export * from './pay.ts'
export * from './protocols.ts'
export * from './quote.ts'
export * from './receipt.ts'
export * from './tier-order.ts'
export * from './refusal.ts'
export * from './voucher.ts'
