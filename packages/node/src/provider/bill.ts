import { chargeNano, vestedNano } from '@cocoon-net/protocol'
import type { Prices, TokenCounts } from '@cocoon-net/protocol'

/** The running account of one job. Pure state; amounts in nanoTON. */
export interface Bill {
  readonly tokens: TokenCounts
  setPrompt(promptTokens: number, cachedTokens: number): void
  /** Whether one more token of this class keeps the whole job within `maxChargeNano`. */
  fits(tokenClass: 'completion' | 'reasoning', maxChargeNano: bigint): boolean
  add(tokenClass: 'completion' | 'reasoning'): void
  /** What has vested, or will have with one more token of class `next`. */
  vestedNano(next?: 'completion' | 'reasoning'): bigint
  chargeNano(): bigint
}

export function createBill (prices: Prices, maxTokens: number): Bill {
  let tokens: TokenCounts = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
  const plus = (tokenClass: 'completion' | 'reasoning'): TokenCounts => ({ ...tokens, [tokenClass]: tokens[tokenClass] + 1 })
  return {
    get tokens () { return tokens },
    setPrompt: (prompt, cached) => { tokens = { ...tokens, prompt, cached } },
    fits: (tokenClass, max) => chargeNano(plus(tokenClass), prices) <= max,
    add: (tokenClass) => { tokens = plus(tokenClass) },
    vestedNano: (next) => vestedNano(next == null ? tokens : plus(next), prices, maxTokens),
    chargeNano: () => chargeNano(tokens, prices)
  }
}
