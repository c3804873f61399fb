import { worstChargeNano } from '@cocoon-net/protocol'
import type { InferenceRequest } from './api.ts'
import type { Candidate } from './choose.ts'

/** How long a prompt can be, in tokens, before anybody has counted them. */
export interface PromptBounds { readonly typicalTokens: number, readonly maxTokens: number }

/** One byte of text can be one token, and a chat template adds some: the upper bound of a prompt. */
const TEMPLATE_TOKENS = 64
/** Bytes of text in a token, usually: for the expected cost. */
const TYPICAL_TOKEN_BYTES = 4

export function promptBounds (body: Record<string, unknown>): PromptBounds {
  const { byteLength } = new TextEncoder().encode(JSON.stringify(body))
  return { typicalTokens: Math.ceil(byteLength / TYPICAL_TOKEN_BYTES), maxTokens: byteLength + TEMPLATE_TOKENS }
}

/** The most tokens and the most charge, nanoTON, that a request names to a candidate; `mostNano` bounds one that names no cost. */
export function limitsFor ({ offer, quote }: Candidate, prompt: PromptBounds, request: InferenceRequest, mostNano: bigint): { maxTokens: number, maxChargeNano: bigint } {
  const room = Math.max(1, offer.contextLength)
  const maxTokens = Math.min(request.maxTokens ?? room, quote.maxTokens)
  // The bound of the prompt is cut to what the context can hold.
  const worst = worstChargeNano(Math.min(prompt.maxTokens, room), maxTokens, quote.prices)
  const cap = request.limits.maxCostNano ?? mostNano
  return { maxTokens, maxChargeNano: worst < cap ? worst : cap }
}
