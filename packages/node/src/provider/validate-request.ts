import { CocoonError, decodeRequestPayload, equalBytes, worstChargeNano } from '@cocoon-net/protocol'
import type { SignedQuote } from './quote-book.ts'
import type { RequestHeader, RequestPayload } from '@cocoon-net/protocol'

/**
 * The header's own rules, before anything costly is done; gives the quote that the client names. Pure.
 *
 * @throws {CocoonError} quote_unknown, header_invalid, max_charge_too_low
 */
export function validateHeader (header: RequestHeader, findQuote: (hash: Uint8Array) => SignedQuote | undefined): SignedQuote {
  // "the price quoted": the provider charges by the quote that the client names, which must be its own and alive
  const quote = findQuote(header.quoteHash)
  if (quote == null) {
    throw new CocoonError('quote_unknown')
  }
  if (header.maxTokens < 1 || header.maxTokens > quote.quote.maxTokens) {
    throw new CocoonError('header_invalid', 'maxTokens is outside the quote')
  }
  // Not even an empty prompt with one token fits.
  if (header.maxCharge < worstChargeNano(0, 1, quote.quote.prices)) {
    throw new CocoonError('max_charge_too_low')
  }
  return quote
}

/** JSON objects only, so that an engine adapter never meets another shape. */
function parseBody (text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new CocoonError('bad_request', 'the body is not JSON', { cause: error })
  }
  if (typeof body !== 'object' || body == null || Array.isArray(body)) {
    throw new CocoonError('bad_request', 'the body is not a JSON object')
  }
  return body as Record<string, unknown>
}

export interface OpenedRequest {
  readonly payload: RequestPayload
  readonly body: Record<string, unknown>
}

/**
 * What came out of the seal, against the quote that pays for it. Pure.
 *
 * @throws {CocoonError} frame_malformed, header_invalid, bad_request
 */
export function validatePayload (plaintext: Uint8Array, quote: SignedQuote): OpenedRequest {
  const payload = decodeRequestPayload(plaintext)
  if (!equalBytes(payload.model, quote.quote.model)) {
    throw new CocoonError('header_invalid', 'the quote is for another model')
  }
  return { payload, body: parseBody(payload.body) }
}
