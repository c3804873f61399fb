import { asCocoonError } from '@cocoon-net/protocol'
import type { Counters } from '../counters.ts'
import type { GossipVerdict } from '../host/gossip.ts'
import type { ErrorCode } from '@cocoon-net/protocol'

/** Untimely is not faulty: clocks differ and messages overtake each other, so these cost no peer its score. */
const UNTIMELY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['not_yet_valid', 'expired', 'offer_stale', 'rate_limited', 'no_room', 'internal'])

/** The one place that turns what went wrong with an offer into what gossip does, and counts it by code. */
export function offerVerdict (error: unknown, counters: Counters, source: 'gossip' | 'quote'): GossipVerdict {
  const { code } = asCocoonError(error)
  const verdict = UNTIMELY.has(code) ? 'ignore' : 'reject'
  counters.increment('cocoon_offers_refused_total', { code, source, verdict })
  return verdict
}
