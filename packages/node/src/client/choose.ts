import { parseQuote, quoteHash as hashOfQuote, tierAtLeast, toHex, worstChargeNano } from '@cocoon-net/protocol'
import { NO_STAKE, stakeFactor } from '../stakes/standing.ts'
import { NEW_PEER } from './peer-record.ts'
import type { PeerRecord } from './peer-record.ts'
import type { StakeFault, StakeStanding } from '../stakes/standing.ts'
import type { Endpoint, Offer, Quote, Tier } from '@cocoon-net/protocol'

export type Preference = 'price' | 'latency' | 'balanced'

/** What the caller allows; amounts in nanoTON. */
export interface RequestLimits {
  /** Bounds the whole request. */
  readonly maxCostNano?: bigint
  /** Bounds the price per million completion tokens. */
  readonly maxPriceNano?: bigint
  readonly minTier?: Tier
  /** Least stake that the provider must have bonded. */
  readonly minStakeNano?: bigint
  readonly prefer?: Preference
}

export interface ChooseInput {
  readonly endpoint: Endpoint
  readonly limits: RequestLimits
  /** Estimate of the prompt in tokens, for the ranking. */
  readonly promptTokens: number
  /** The answer's limit. */
  readonly maxTokens?: number
  readonly nowMs: number
  record (peer: string): PeerRecord | undefined
  /** What an offer's stake counts for; without it none does. */
  stake? (offer: Offer): StakeStanding
  /** Whether the provider was caught at contradicting itself. */
  isBarred? (offer: Offer): boolean
}

export interface Candidate {
  readonly peer: string
  readonly offer: Offer
  readonly quote: Quote
  /** What a request names and a receipt repeats. */
  readonly quoteHash: Uint8Array
  /** Lower is better. */
  readonly score: number
  /** Expected charge, nanoTON. */
  readonly expectedNano: bigint
  readonly stake: StakeStanding
}

export type RejectReason = 'wrong_endpoint' | 'draining' | 'no_room' | 'context_too_long' | 'tier_too_low' | 'price_too_high' | 'cost_too_high' | 'expired' | 'resting' | 'offer_malformed' | 'barred' | StakeFault

export interface Rejection {
  readonly peer: string
  readonly reason: RejectReason
  /** What the offer claims. */
  readonly tier: Tier
  /** What its stake counts for, nanoTON. */
  readonly bondedNano: bigint
}

export interface Choice {
  /** Best first. */
  readonly candidates: readonly Candidate[]
  readonly rejected: readonly Rejection[]
}

/** Tokens that a typical answer takes when the caller sets no limit: for the estimate only. */
const TYPICAL_ANSWER_TOKENS = 256
/** Latency of a peer never tried: between good and bad, so that newcomers get their chance. */
const UNKNOWN_TTFT_MS = 150

/** Of cost and of latency in the score. */
const WEIGHTS: Readonly<Record<Preference, readonly [number, number]>> = Object.freeze({ price: [4, 0.25], latency: [0.25, 4], balanced: [1, 0.25] })

/** Offers are kept between requests, and a bag of cells takes longer to read than all the rest of a choice. */
const quotes = new WeakMap<Offer, ReadQuote>()

interface ReadQuote { readonly quote: Quote, readonly quoteHash: Uint8Array }

/**
 * The standing quote of an offer, read once.
 *
 * @throws {CocoonError} frame_malformed
 */
function quoteOf (offer: Offer): ReadQuote {
  const known = quotes.get(offer)
  if (known != null) {
    return known
  }
  const quote = parseQuote(offer.quote)
  const read = { quote, quoteHash: hashOfQuote(quote) }
  quotes.set(offer, read)
  return read
}

function reject (offer: Offer, quote: Quote, stake: StakeStanding, input: ChooseInput): RejectReason | undefined {
  const { limits } = input
  if (offer.validUntilMs <= input.nowMs || Number(quote.validUntilMs) <= input.nowMs) {
    return 'expired'
  }
  if (!offer.endpoints.includes(input.endpoint)) {
    return 'wrong_endpoint'
  }
  if (offer.draining) {
    return 'draining'
  }
  if (limits.minTier != null && !tierAtLeast(offer.tier, limits.minTier)) {
    return 'tier_too_low'
  }
  if (limits.maxPriceNano != null && quote.prices.completion > limits.maxPriceNano) {
    return 'price_too_high'
  }
  // What no prompt can fit. Only the provider counts the tokens of this one: it refuses what the limit does not cover.
  if (limits.maxCostNano != null && worstChargeNano(1, 1, quote.prices) > limits.maxCostNano) {
    return 'cost_too_high'
  }
  if (input.isBarred?.(offer) === true) {
    return 'barred'
  }
  if (limits.minStakeNano != null && stake.bondedNano < limits.minStakeNano) {
    return stake.fault ?? 'stake_too_small'
  }
  return undefined
}

/**
 * Filters and ranks offers by expected cost, expected latency, record and stake.
 * score = (wₚ · cost / cheapest + wₗ · min(10, latency / fastest)) / max(0.05, success) · (1 − 0.2 · stake / (stake + 10 TON)), and behind
 * that who is full (+10) or rests (+100); wₚ and wₗ are 1 and 0.25, for `prefer` price 4 and 0.25, for latency 0.25 and 4. Pure; the
 * reasons are kept for `explain`.
 */
export function choose (offers: readonly Offer[], input: ChooseInput): Choice {
  const rejected: Rejection[] = []
  const fit: Array<Omit<Candidate, 'score'> & { record: PeerRecord }> = []
  for (const offer of offers) {
    const peer = toHex(offer.peerId)
    const stake = input.stake?.(offer) ?? NO_STAKE
    const { bondedNano } = stake
    let read: ReadQuote
    try {
      read = quoteOf(offer)
    } catch {
      rejected.push({ peer, reason: 'offer_malformed', tier: offer.tier, bondedNano })
      continue
    }
    const { quote } = read
    const reason = reject(offer, quote, stake, input)
    if (reason != null) {
      rejected.push({ peer, reason, tier: offer.tier, bondedNano })
      continue
    }
    const expectedNano = worstChargeNano(Math.min(input.promptTokens, offer.contextLength), Math.min(input.maxTokens ?? TYPICAL_ANSWER_TOKENS, quote.maxTokens), quote.prices)
    fit.push({ peer, offer, ...read, stake, record: input.record(peer) ?? NEW_PEER, expectedNano })
  }
  const cheapest = fit.reduce((min, f) => f.expectedNano < min ? f.expectedNano : min, fit[0]?.expectedNano ?? 0n)
  const fastest = Math.max(1, Math.min(...fit.map(f => f.record.ttftMs ?? UNKNOWN_TTFT_MS)))
  const [priceWeight, latencyWeight] = WEIGHTS[input.limits.prefer ?? 'balanced']
  const candidates = fit.map(({ record, ...candidate }): Candidate => {
    const { offer, expectedNano, stake } = candidate
    const costRatio = cheapest > 0n ? Number(expectedNano * 1_000n / cheapest) / 1_000 : 1
    const latencyRatio = (record.ttftMs ?? UNKNOWN_TTFT_MS) / fastest
    // A busy or resting provider is not excluded, only last: its word about room may be old.
    const penalty = (offer.room.free === 0 ? 10 : 0) + (record.restUntilMs > input.nowMs ? 100 : 0)
    const merit = (priceWeight * costRatio + latencyWeight * Math.min(10, latencyRatio)) / Math.max(0.05, record.success)
    return { ...candidate, score: merit * stakeFactor(stake.bondedNano) + penalty }
  })
  candidates.sort((a, b) => a.score - b.score || (a.peer < b.peer ? -1 : 1))
  return { candidates, rejected }
}
