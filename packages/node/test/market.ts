import { noCounters } from '../src/counters.ts'
import { createDiscovery } from '../src/discovery/discovery.ts'
import { createOfferBook } from '../src/offers/offer-book.ts'
import { createOfferFinder } from '../src/offers/offer-finder.ts'
import { createOfferGossip } from '../src/offers/offer-gossip.ts'
import { createOfferPublisher } from '../src/offers/offer-publisher.ts'
import { serveQuotes } from '../src/offers/quote-service.ts'
import { modelOf, offerContent } from './offer-contents.ts'
import type { Counters } from '../src/counters.ts'
import type { Discovery } from '../src/discovery/discovery.ts'
import type { Host } from '../src/host/create-host.ts'
import type { OfferBook } from '../src/offers/offer-book.ts'
import type { OfferFinder } from '../src/offers/offer-finder.ts'
import type { OfferPublisher } from '../src/offers/offer-publisher.ts'

/** Makes a host sell these models; the returned function ends it, and the publisher is given for changes. */
export async function sell (host: Host, models: readonly string[], init: { seed?: number, counters?: Counters, now?(): number } = {}): Promise<{ publisher: OfferPublisher, discovery: Discovery, stop(): Promise<void> }> {
  const counters = init.counters ?? noCounters
  const now = init.now ?? Date.now
  const publisher = createOfferPublisher({ host, describe: () => models.map(name => offerContent(host.network, name, { seed: init.seed })), counters, now })
  await publisher.start()
  const stopQuotes = await serveQuotes({ host, publisher, counters, now })
  const discovery = createDiscovery({ host, counters, now })
  discovery.announce(models.map(modelOf))
  return {
    publisher,
    discovery,
    stop: async () => {
      await discovery.stop()
      await stopQuotes()
      await publisher.stop()
    }
  }
}

/** Makes a host look for offers. */
export function shop (host: Host, counters: Counters = noCounters): { finder: OfferFinder, book: OfferBook, discovery: Discovery, stop(): Promise<void> } {
  const book = createOfferBook({ now: Date.now, counters })
  const discovery = createDiscovery({ host, counters })
  const gossip = host.gossip == null ? undefined : createOfferGossip({ gossip: host.gossip, network: host.network, book, counters, now: Date.now })
  const finder = createOfferFinder({ host, discovery, book, counters, ...(gossip == null ? {} : { gossip }) })
  return {
    finder,
    book,
    discovery,
    stop: async () => {
      await finder.stop()
      gossip?.stop()
      await discovery.stop()
    }
  }
}
