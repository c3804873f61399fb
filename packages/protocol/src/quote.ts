import { CELL_TAGS, beginCell, bigOf, cellHash, loadBytes32, parseCell, readTag } from './cells.ts'
import type { Prices } from './charge.ts'
import type { Cell } from '@ton/core'

/** A provider's signed price, by its receipt key. `orderHash` is zero in the standing quote of an offer. */
export interface Quote {
  readonly networkId: Uint8Array
  readonly stake: Uint8Array
  /** Model digest, 32 bytes. */
  readonly model: Uint8Array
  /** nanoTON per million tokens, in four classes. */
  readonly prices: Prices
  /** Most completion and reasoning tokens of one job. */
  readonly maxTokens: number
  /** The credit window, nanoTON. */
  readonly windowNano: bigint
  /** Fee of a hedged request that lost, nanoTON. */
  readonly hedgeFeeNano: bigint
  readonly slaClass: number
  readonly orderHash: Uint8Array
  /** Unix milliseconds. */
  readonly validUntilMs: bigint
  /** Coordination fee contained in the prices, basis points. */
  readonly feeBps: number
}

/**
 * quote#43435131 networkId:bits256 stake:bits256 model:bits256 ^[ prices:(4 × uint64) maxTokens:uint32 windowNano:uint64
 * hedgeFee:uint64 slaClass:uint8 orderHash:bits256 validUntil:uint64 feeBps:uint16 ]
 */
export function buildQuoteCell (quote: Quote): Cell {
  return beginCell()
    .storeUint(CELL_TAGS.quote, 32)
    .storeUint(bigOf(quote.networkId), 256)
    .storeUint(bigOf(quote.stake), 256)
    .storeUint(bigOf(quote.model), 256)
    .storeRef(beginCell()
      .storeUint(quote.prices.prompt, 64)
      .storeUint(quote.prices.cached, 64)
      .storeUint(quote.prices.completion, 64)
      .storeUint(quote.prices.reasoning, 64)
      .storeUint(quote.maxTokens, 32)
      .storeUint(quote.windowNano, 64)
      .storeUint(quote.hedgeFeeNano, 64)
      .storeUint(quote.slaClass, 8)
      .storeUint(bigOf(quote.orderHash), 256)
      .storeUint(quote.validUntilMs, 64)
      .storeUint(quote.feeBps, 16)
      .endCell())
    .endCell()
}

export function quoteHash (quote: Quote): Uint8Array {
  return cellHash(buildQuoteCell(quote))
}

/** @throws {CocoonError} frame_too_large, frame_malformed */
export function parseQuote (bytes: Uint8Array): Quote {
  return parseCell(bytes, 'quote', (slice) => {
    readTag(slice, CELL_TAGS.quote)
    const networkId = loadBytes32(slice)
    const stake = loadBytes32(slice)
    const model = loadBytes32(slice)
    const terms = slice.loadRef().beginParse()
    return {
      networkId,
      stake,
      model,
      prices: {
        prompt: terms.loadUintBig(64),
        cached: terms.loadUintBig(64),
        completion: terms.loadUintBig(64),
        reasoning: terms.loadUintBig(64)
      },
      maxTokens: terms.loadUint(32),
      windowNano: terms.loadUintBig(64),
      hedgeFeeNano: terms.loadUintBig(64),
      slaClass: terms.loadUint(8),
      orderHash: loadBytes32(terms),
      validUntilMs: terms.loadUintBig(64),
      feeBps: terms.loadUint(16)
    }
  }, buildQuoteCell)
}
