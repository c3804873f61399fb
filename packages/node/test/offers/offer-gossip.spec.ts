import { offerTopic } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { createOfferBook } from '../../src/offers/offer-book.ts'
import { createOfferGossip } from '../../src/offers/offer-gossip.ts'
import { createOfferPublisher } from '../../src/offers/offer-publisher.ts'
import { hostFactory, testNetwork } from '../hosts.ts'
import { modelOf, offerContent } from '../offer-contents.ts'
import type { Gossip, GossipMessage, GossipVerdict } from '../../src/host/gossip.ts'
import type { OfferPublisher } from '../../src/offers/offer-publisher.ts'

/** Holds the validators, so that a test can play the network's part. */
function heldGossip (): { gossip: Gossip, validators: Map<string, (message: GossipMessage) => Promise<GossipVerdict>> } {
  const validators = new Map<string, (message: GossipMessage) => Promise<GossipVerdict>>()
  return {
    validators,
    gossip: {
      join: (topic, validate) => { validators.set(topic, validate) },
      leave: (topic) => { validators.delete(topic) },
      topics: () => [...validators.keys()],
      publish: async () => 0,
      readers: () => 0
    }
  }
}

describe('offer gossip', () => {
  const network = testNetwork(4)
  const hosts = hostFactory(network)
  let nowMs = 1_800_000_000_000
  let publisher: OfferPublisher

  before(async () => {
    const host = await hosts.make()
    publisher = createOfferPublisher({ host, describe: () => [offerContent(network, 'm')], now: () => nowMs })
  })

  after(async () => {
    await publisher.stop()
    await hosts.stopAll()
  })

  it('accepts the new, ignores the untimely, rejects the false, and counts by code', async () => {
    const counted: string[] = []
    const { gossip, validators } = heldGossip()
    const book = createOfferBook({ now: () => nowMs })
    const reader = createOfferGossip({ gossip, network, book, now: () => nowMs, counters: { increment: (_name, labels) => { counted.push(labels?.code ?? '') } } })
    reader.follow(modelOf('m'))
    reader.follow(modelOf('other'))
    const topic = offerTopic(network, modelOf('m'), 0)
    const judge = async (data: Uint8Array, on: string = topic): Promise<GossipVerdict | undefined> => validators.get(on)?.({ topic: on, data })

    await publisher.publish()
    const [old] = await publisher.current()
    nowMs += 1_000
    await publisher.publish()
    const [fresh] = await publisher.current()
    expect(await judge(fresh.envelope)).to.equal('accept')
    expect(await judge(fresh.envelope)).to.equal('ignore')
    expect(await judge(old.envelope)).to.equal('ignore')
    expect(await judge(fresh.envelope, offerTopic(network, modelOf('other'), 0))).to.equal('reject')
    expect(await judge(new Uint8Array(5_000))).to.equal('reject')
    expect(await judge(Uint8Array.of(1, 2, 3))).to.equal('reject')
    nowMs -= 120_000
    expect(await judge(fresh.envelope)).to.equal('ignore')
    nowMs += 1_000_000
    expect(await judge(fresh.envelope)).to.equal('ignore')
    expect(counted).to.deep.equal(['offer_stale', 'frame_malformed', 'frame_too_large', 'frame_malformed', 'not_yet_valid', 'expired'])
    reader.stop()
    expect(gossip.topics()).to.have.length(0)
  })

  it('leaves the longest unused model beyond its bound', () => {
    const { gossip } = heldGossip()
    const reader = createOfferGossip({ gossip, network, book: createOfferBook({ now: () => nowMs }), now: () => nowMs, counters: { increment: () => {} } })
    for (let i = 0; i < 33; i++) {
      reader.follow(modelOf(`m${i}`))
      reader.follow(modelOf('m0'))
    }
    expect(gossip.topics()).to.have.length(32)
    expect(gossip.topics()).to.include(offerTopic(network, modelOf('m0'), 0))
    expect(gossip.topics()).to.not.include(offerTopic(network, modelOf('m1'), 0))
  })

  it('publishes with a growing seq even when the clock is set back', async () => {
    await publisher.publish()
    const [first] = await publisher.current()
    nowMs -= 10_000
    await publisher.publish()
    expect((await publisher.current())[0].offer.seq).to.equal(first.offer.seq + 1)
  })
})
