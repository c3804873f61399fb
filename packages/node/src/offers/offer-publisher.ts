import { LIMITS, bucketOf, offerTopic } from '@cocoon-net/protocol'
import { noCounters } from '../counters.ts'
import { OFFER_LIFE_MS, PUBLISH_EVERY_MS, PUBLISH_GATHER_MS } from './constants.ts'
import { openOffer, sealOffer } from './signed-offer.ts'
import type { SignedOffer } from './signed-offer.ts'
import type { Counters } from '../counters.ts'
import type { Host } from '../host/create-host.ts'
import type { Offer } from '@cocoon-net/protocol'

/** What the provider states; identity, addresses, order and expiry are added here. */
export type OfferContent = Omit<Offer, 'v' | 'networkId' | 'peerId' | 'addresses' | 'seq' | 'validUntilMs'>

export interface OfferPublisherInit {
  readonly host: Pick<Host, 'libp2p' | 'peerId' | 'privateKey' | 'network' | 'gossip'>
  /** The current content, one item per model; an offer lives until `validUntilMs`. */
  describe(window: { nowMs: number, validUntilMs: number }): readonly OfferContent[] | Promise<readonly OfferContent[]>
  readonly counters?: Counters
  now?(): number
  readonly everyMs?: number
  readonly lifeMs?: number
}

/** Signs a provider's offers afresh and sends them out. */
export interface OfferPublisher {
  /** Builds the first offers; fails as `describe` fails. */
  start(): Promise<void>
  /** Says that the content changed (room, price, draining): fresh offers follow within half a second. */
  changed(): void
  /** Builds and sends now. */
  publish(): Promise<void>
  /** The offers that stand; built afresh when half of their life is over. */
  current(): Promise<readonly SignedOffer[]>
  stop(): Promise<void>
}

export function createOfferPublisher (init: OfferPublisherInit): OfferPublisher {
  const { host } = init
  const counters = init.counters ?? noCounters
  const now = init.now ?? Date.now
  const lifeMs = init.lifeMs ?? OFFER_LIFE_MS
  const everyMs = init.everyMs ?? PUBLISH_EVERY_MS
  const peerBytes = host.peerId.toMultihash().bytes
  const bucket = bucketOf(peerBytes, host.network.buckets)
  let offers: readonly SignedOffer[] = []
  let seq = 0
  let builtAtMs = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined
  let soon = false
  let queue: Promise<void> = Promise.resolve()
  let stopped = false

  const addresses = (): Uint8Array[] => host.libp2p.getMultiaddrs()
    .map(address => address.bytes)
    .filter(bytes => bytes.byteLength <= LIMITS.maxMultiaddrBytes)
    .slice(0, LIMITS.maxAddressesPerOffer)

  const build = async (): Promise<void> => {
    const nowMs = now()
    // Two offers within one millisecond still have an order, and a clock set back does not silence this provider.
    seq = Math.max(nowMs, seq + 1)
    const validUntilMs = seq + lifeMs
    const contents = await init.describe({ nowMs, validUntilMs })
    const listen = addresses()
    offers = await Promise.all(contents.map(async content => {
      const envelope = await sealOffer({ v: 1, networkId: host.network.networkId, peerId: peerBytes, addresses: listen, ...content, seq, validUntilMs }, host.privateKey)
      return openOffer(envelope, host.network)
    }))
    builtAtMs = nowMs
  }

  const send = async (): Promise<void> => {
    for (const { offer, envelope } of offers) {
      try {
        await host.gossip?.publish(offerTopic(host.network, offer.model.digest, bucket), envelope)
      } catch {
        counters.increment('cocoon_offer_publish_failed_total')
      }
    }
  }

  /** One at a time, in order: seq must grow in the order of sending. */
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    const turn = queue.then(work)
    queue = turn.catch(() => { counters.increment('cocoon_offer_build_failed_total') })
    return turn
  }

  const publish = async (): Promise<void> => inTurn(async () => {
    if (!stopped) {
      await build()
      await send()
    }
  })

  const plan = (inMs: number): void => {
    clearTimeout(timer)
    if (stopped) {
      return
    }
    timer = setTimeout(() => {
      soon = false
      // A failure is counted in the queue; the next turn tries again.
      publish().catch(() => {}).finally(() => {
        if (!soon) {
          plan(everyMs)
        }
      })
    }, inMs)
    timer.unref()
  }

  return {
    start: async () => {
      await publish()
      plan(everyMs)
    },
    changed: () => {
      if (!soon && !stopped) {
        soon = true
        plan(Math.max(0, Math.min(PUBLISH_GATHER_MS, builtAtMs + PUBLISH_GATHER_MS - now())))
      }
    },
    publish,
    current: async () => {
      if (now() - builtAtMs > lifeMs / 2) {
        await publish()
      }
      return offers
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await queue
    }
  }
}
