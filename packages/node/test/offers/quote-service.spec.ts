import { LIMITS, protocolId } from '@cocoon-net/protocol'
import { lpStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { noCounters } from '../../src/counters.ts'
import { askOffers } from '../../src/offers/ask-offers.ts'
import { ASKS_BURST } from '../../src/offers/constants.ts'
import { answerWith } from '../../src/offers/quote-service.ts'
import { eventually } from '../eventually.ts'
import { hostFactory, testNetwork } from '../hosts.ts'
import { sell } from '../market.ts'
import { modelOf } from '../offer-contents.ts'
import type { SignedOffer } from '../../src/offers/signed-offer.ts'

describe('quote service', () => {
  const network = testNetwork(5)
  const hosts = hostFactory(network)
  const ends: Array<() => Promise<void>> = []

  afterEach(async () => {
    await Promise.all(ends.splice(0).map(async end => end()))
    await hosts.stopAll()
  })

  it('answers with the offers of the model asked for', async () => {
    const provider = await hosts.make()
    ends.push((await sell(provider, ['a', 'b'])).stop)
    const host = await hosts.make({ listen: [] })
    await host.libp2p.dial(provider.libp2p.getMultiaddrs())
    const ask = async (model: Uint8Array | null): Promise<string[]> =>
      (await askOffers(provider.peerId, { host, counters: noCounters }, { model })).map(({ offer }) => offer.model.name)
    expect(await ask(modelOf('a'))).to.deep.equal(['a'])
    expect(await ask(null)).to.deep.equal(['a', 'b'])
    expect(await ask(modelOf('c'))).to.deep.equal([])
  })

  it('refuses another network, a flood and malformed frames, each with a code and a count', async () => {
    const counted: string[] = []
    const nowMs = Date.now()
    const provider = await hosts.make()
    ends.push((await sell(provider, ['a'], { now: () => nowMs, counters: { increment: (name, labels) => { if (name === 'cocoon_refusals_total') { counted.push(labels?.code ?? '') } } } })).stop)
    const host = await hosts.make({ listen: [] })
    await host.libp2p.dial(provider.libp2p.getMultiaddrs())

    const stream = await host.libp2p.dialProtocol(provider.peerId, protocolId(network, 'quote'))
    await lpStream(stream).write(Uint8Array.of(0xff, 0x00))
    await eventually(() => counted.includes('frame_malformed'))
    const large = await host.libp2p.dialProtocol(provider.peerId, protocolId(network, 'quote'))
    await lpStream(large).write(new Uint8Array(LIMITS.quoteAskFrameBytes + 1))
    await eventually(() => counted.includes('frame_too_large'))

    // Two of the burst are spent.
    for (let i = 0; i < ASKS_BURST - 2; i++) {
      await askOffers(provider.peerId, { host, counters: noCounters }, { model: null })
    }
    await expect(askOffers(provider.peerId, { host, counters: noCounters }, { model: null })).to.eventually.be.rejected
      .with.property('code', 'rate_limited')
  })

  it('fits every answer into one frame', () => {
    const offer = { envelope: new Uint8Array(LIMITS.offerBytes) } as unknown as SignedOffer
    const answer = answerWith(Array.from({ length: 100 }, () => offer), [offer])
    expect(answer.reduce((sum, { byteLength }) => sum + byteLength + 3, 0)).to.be.below(LIMITS.quoteAnswerFrameBytes)
    expect(answerWith([offer], Array.from({ length: 100 }, () => offer))).to.have.length(17)
  })
})
