import { CocoonError, bucketOf, equalBytes, offerTopic, toHex } from '@cocoon-net/protocol'
import { GOSSIP_BURST, GOSSIP_PER_SECOND, MAX_FOLLOWED_MODELS } from './constants.ts'
import { createRateLimit } from './rate-limit.ts'
import { checkTime, openOffer } from './signed-offer.ts'
import { offerVerdict } from './verdict.ts'
import type { OfferBook } from './offer-book.ts'
import type { Counters } from '../counters.ts'
import type { Gossip, GossipVerdict } from '../host/gossip.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

export interface OfferGossipInit {
  readonly gossip: Gossip
  readonly network: NetworkPreset
  readonly book: OfferBook
  readonly counters: Counters
  now(): number
}

/** Reads offer topics into the book. */
export interface OfferGossip {
  /** Joins all buckets of a model; beyond 32 models the longest unused is left. */
  follow(model: Uint8Array): void
  stop(): void
}

export function createOfferGossip (init: OfferGossipInit): OfferGossip {
  const { gossip, network, book, counters, now } = init
  const rate = createRateLimit({ perSecond: GOSSIP_PER_SECOND, burst: GOSSIP_BURST, now })
  /** Hex digest to its topics, the longest unused first. */
  const followed = new Map<string, string[]>()

  const validate = async (data: Uint8Array, model: Uint8Array, bucket: number): Promise<GossipVerdict> => {
    try {
      const signed = await openOffer(data, network)
      if (!equalBytes(signed.offer.model.digest, model) || bucketOf(signed.offer.peerId, network.buckets) !== bucket) {
        throw new CocoonError('frame_malformed', 'the offer does not belong in this topic')
      }
      checkTime(signed.offer, now())
      const retryAfterMs = rate.take(toHex(signed.offer.peerId))
      if (retryAfterMs > 0) {
        throw new CocoonError('rate_limited', undefined, { retryAfterMs })
      }
      return book.add(signed) ? 'accept' : 'ignore'
    } catch (error) {
      return offerVerdict(error, counters, 'gossip')
    }
  }

  const leave = (key: string): void => {
    for (const topic of followed.get(key) ?? []) {
      gossip.leave(topic)
    }
    followed.delete(key)
  }

  return {
    follow: (model) => {
      const key = toHex(model)
      const known = followed.get(key)
      if (known != null) {
        followed.delete(key)
        followed.set(key, known)
        return
      }
      const topics = Array.from({ length: network.buckets }, (_, bucket) => {
        const topic = offerTopic(network, model, bucket)
        gossip.join(topic, async ({ data }) => validate(data, model, bucket))
        return topic
      })
      followed.set(key, topics)
      if (followed.size > MAX_FOLLOWED_MODELS) {
        leave([...followed.keys()][0])
      }
    },
    stop: () => {
      for (const key of [...followed.keys()]) {
        leave(key)
      }
    }
  }
}
