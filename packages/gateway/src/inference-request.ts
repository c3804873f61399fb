import { CocoonError, higherTier } from '@cocoon-net/protocol'
import { selectParameters } from './parameters.ts'
import { chatSchema, cocoonSchema, completionsSchema, parseWith } from './schemas.ts'
import type { InferenceLimits, InferenceRequest } from './backend.ts'
import type { ChatBody, CocoonOptions, CompletionsBody } from './schemas.ts'
import type { Tier } from '@cocoon-net/protocol'

/** A request as the gateway understood it. */
export interface ParsedRequest {
  readonly inference: InferenceRequest
  readonly stream: boolean
  readonly includeUsage: boolean
}

const COCOON_HEADERS = {
  max_cost_nano: 'x-cocoon-max-cost-nano',
  max_price_nano: 'x-cocoon-max-price-nano',
  min_tier: 'x-cocoon-min-tier',
  min_stake_nano: 'x-cocoon-min-stake-nano',
  prefer: 'x-cocoon-prefer'
} as const

function headerOptions (headers: Headers): CocoonOptions {
  const found: Record<string, string> = {}
  for (const [key, name] of Object.entries(COCOON_HEADERS)) {
    const value = headers.get(name)
    if (value !== null) {
      found[key] = value
    }
  }
  return parseWith(cocoonSchema, found, 'x-cocoon: ')
}

/** The operator's word for requests that say nothing, and the least tier of the request's key, which none goes below. */
export interface OperatorLimits extends InferenceLimits {
  readonly floor?: Tier
}

/** The body's word comes before the headers', and theirs before the operator's defaults; a key's floor holds in any case. */
function limitsOf (body: CocoonOptions | undefined, headers: CocoonOptions, defaults: OperatorLimits): InferenceLimits {
  const minTier = body?.min_tier ?? headers.min_tier ?? defaults.minTier
  return {
    maxCostNano: body?.max_cost_nano ?? headers.max_cost_nano ?? defaults.maxCostNano,
    maxPriceNano: body?.max_price_nano ?? headers.max_price_nano ?? defaults.maxPriceNano,
    minTier: minTier === undefined || defaults.floor === undefined ? defaults.floor ?? minTier : higherTier(minTier, defaults.floor),
    minStakeNano: body?.min_stake_nano ?? headers.min_stake_nano ?? defaults.minStakeNano,
    prefer: body?.prefer ?? headers.prefer ?? defaults.prefer
  }
}

function maxTokensOf (parsed: ChatBody | CompletionsBody): number | undefined {
  return ('max_completion_tokens' in parsed ? parsed.max_completion_tokens : undefined) ?? parsed.max_tokens
}

/**
 * Validates a body and parts it: what the engine reads stays in `inference.body`, the rest is the gateway's.
 *
 * @throws {CocoonError} bad_request, unsupported_parameter
 */
export function parseInferenceRequest (endpoint: 'chat' | 'completions', value: Record<string, unknown>, headers: Headers, defaults: OperatorLimits): ParsedRequest {
  const selected = selectParameters(endpoint, value)
  const parsed = endpoint === 'chat' ? parseWith(chatSchema, selected) : parseWith(completionsSchema, selected)
  if (parsed.stream_options !== undefined && parsed.stream !== true) {
    throw new CocoonError('bad_request', 'stream_options is for streams only', { details: { param: 'stream_options' } })
  }
  const maxTokens = maxTokensOf(parsed)
  const body: Record<string, unknown> = { ...parsed }
  for (const own of ['model', 'stream', 'stream_options', 'cocoon', 'max_tokens', 'max_completion_tokens']) {
    delete body[own]
  }
  if (maxTokens !== undefined) {
    body.max_tokens = maxTokens
  }
  return {
    inference: {
      endpoint,
      model: parsed.model,
      body,
      maxTokens,
      limits: limitsOf(parsed.cocoon, headerOptions(headers), defaults)
    },
    stream: parsed.stream ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false
  }
}
