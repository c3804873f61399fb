// Prints how long a client takes from nothing to its first offer, with a bootstrap that is no provider.
import { createDiscovery } from '../../src/discovery/discovery.ts'
import { createOfferBook } from '../../src/offers/offer-book.ts'
import { createOfferFinder } from '../../src/offers/offer-finder.ts'
import { createOfferPublisher } from '../../src/offers/offer-publisher.ts'
import { serveQuotes } from '../../src/offers/quote-service.ts'
import { noCounters } from '../../src/counters.ts'
import { hostFactory, testNetwork } from '../hosts.ts'
import { modelOf, offerContent } from '../offer-contents.ts'

const counters = { increment: (name: string, labels?: object) => { console.info(name, labels) } }
const network = testNetwork(99)
const transports = process.argv[2] === 'memory' ? 'memory' : 'tcp'
const listen = transports === 'tcp' ? { listen: ['/ip4/127.0.0.1/tcp/0'] } : {}
const hosts = hostFactory(network)
let t0 = performance.now()
const boot = await hosts.make({ transports, ...listen })
console.info('bootstrap', performance.now() - t0, boot.addresses())
for (let i = 0; i < 3; i++) {
  t0 = performance.now()
  const host = await hosts.make({ transports, ...listen, bootstrap: boot.addresses(), roles: { provider: true, client: false, light: false } })
  const publisher = createOfferPublisher({ host, describe: () => [offerContent(network, 'm', { seed: i + 1 })], counters })
  await publisher.start()
  await serveQuotes({ host, publisher, counters, now: Date.now })
  createDiscovery({ host, counters }).announce([modelOf('m')])
  console.info('provider', performance.now() - t0)
}
await new Promise(resolve => setTimeout(resolve, Number(process.argv[3] ?? 1000)))
for (let i = 0; i < 3; i++) {
  t0 = performance.now()
  const client = await hosts.make({ transports, listen: [], bootstrap: boot.addresses(), roles: { provider: false, client: true, light: true } })
  console.info('client host', performance.now() - t0)
  const finder = createOfferFinder({ host: client, discovery: createDiscovery({ host: client, counters }), book: createOfferBook({ now: Date.now }), counters })
  let offers = await finder.gather({ model: i === 1 ? modelOf('m') : i === 2 ? 'm' : null, minOffers: 1 })
  console.info('first offer', performance.now() - t0, offers.length)
  offers = await finder.gather({ model: null, minOffers: 3 })
  console.info('three offers', performance.now() - t0, offers.length)
  await finder.stop()
}
t0 = performance.now()
await hosts.stopAll()
console.info('stop', performance.now() - t0)
