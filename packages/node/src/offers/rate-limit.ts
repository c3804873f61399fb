import { LRUCache } from 'lru-cache'
import { MAX_RATED_PEERS } from './constants.ts'

export interface RateLimit {
  /** Takes one unit for a key. Resolves to 0 when allowed, otherwise to the milliseconds to wait. */
  take(key: string): number
}

interface Bucket { tokens: number, atMs: number }

/** A token bucket per key: `burst` at once, then `perSecond`. Bounded; the longest unseen key is forgotten. */
export function createRateLimit (init: { perSecond: number, burst: number, now(): number }): RateLimit {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_RATED_PEERS })
  return {
    take: (key) => {
      const nowMs = init.now()
      const bucket = buckets.get(key) ?? { tokens: init.burst, atMs: nowMs }
      bucket.tokens = Math.min(init.burst, bucket.tokens + Math.max(0, nowMs - bucket.atMs) * init.perSecond / 1_000)
      bucket.atMs = nowMs
      buckets.set(key, bucket)
      if (bucket.tokens < 1) {
        return Math.ceil((1 - bucket.tokens) * 1_000 / init.perSecond)
      }
      bucket.tokens--
      return 0
    }
  }
}
