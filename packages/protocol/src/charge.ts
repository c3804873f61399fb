/** Disjoint token counts: `prompt` excludes cached, `completion` excludes reasoning. */
export interface TokenCounts {
  readonly prompt: number
  readonly cached: number
  readonly completion: number
  readonly reasoning: number
}

/** nanoTON per million tokens, in the same four classes. */
export interface Prices {
  readonly prompt: bigint
  readonly cached: bigint
  readonly completion: bigint
  readonly reasoning: bigint
}

const MILLION = 1_000_000n

function ceilDiv (value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}

function promptCost (tokens: Pick<TokenCounts, 'prompt' | 'cached'>, prices: Prices): bigint {
  return BigInt(tokens.prompt) * prices.prompt + BigInt(tokens.cached) * prices.cached
}

function answerCost (tokens: Pick<TokenCounts, 'completion' | 'reasoning'>, prices: Prices): bigint {
  return BigInt(tokens.completion) * prices.completion + BigInt(tokens.reasoning) * prices.reasoning
}

/** Charge of a job in nanoTON: ceil(Σ tokens × price / 10⁶), rounded once. */
export function chargeNano (tokens: TokenCounts, prices: Prices): bigint {
  return ceilDiv(promptCost(tokens, prices) + answerCost(tokens, prices), MILLION)
}

/** Number of delivered tokens over which the prompt's charge vests: min(max(64, ⌈promptTokens / 32⌉), maxTokens), at least 1. */
export function vestingTokens (promptTokens: number, maxTokens: number): number {
  return Math.max(1, Math.min(Math.max(64, Math.ceil(promptTokens / 32)), maxTokens))
}

/**
 * What is earned after the tokens counted were delivered and before the job's normal end, in nanoTON: the answer's part
 * in full, the prompt's part in proportion to the tokens delivered. Never more than {@link chargeNano}.
 */
export function vestedNano (tokens: TokenCounts, prices: Prices, maxTokens: number): bigint {
  const over = BigInt(vestingTokens(tokens.prompt + tokens.cached, maxTokens))
  const delivered = BigInt(tokens.completion + tokens.reasoning)
  const part = delivered >= over ? over : delivered
  return ceilDiv(promptCost(tokens, prices) * part + answerCost(tokens, prices) * over, MILLION * over)
}

/** Most that a job can cost: the whole prompt uncached and `maxTokens` of the dearer answer class, nanoTON. */
export function worstChargeNano (promptTokens: number, maxTokens: number, prices: Prices): bigint {
  const prompt = prices.prompt > prices.cached ? prices.prompt : prices.cached
  const answer = prices.completion > prices.reasoning ? prices.completion : prices.reasoning
  return ceilDiv(BigInt(promptTokens) * prompt + BigInt(maxTokens) * answer, MILLION)
}
