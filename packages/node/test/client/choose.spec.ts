import { buildQuoteCell, cellToBytes, toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { choose } from '../../src/client/choose.ts'
import { NEW_PEER, recordFailure, recordSuccess } from '../../src/client/peer-record.ts'
import { testNetwork } from '../hosts.ts'
import { offerContent } from '../offer-contents.ts'
import type { ChooseInput } from '../../src/client/choose.ts'
import type { PeerRecord } from '../../src/client/peer-record.ts'
import type { Offer, Quote, Tier } from '@cocoon-net/protocol'

const NOW = 1_800_000_000_000
const network = testNetwork(1)

interface OfferChange extends Partial<Offer> { price?: bigint, quoteChange?: Partial<Quote> }

function offer (n: number, { price = 1_000_000n, quoteChange, ...change }: OfferChange = {}): Offer {
  const content = offerContent(network, 'model', { price, validUntilMs: NOW + 1 })
  const quote: Quote = {
    networkId: network.networkId,
    stake: content.stake,
    model: content.model.digest,
    prices: { prompt: price, cached: price, completion: price, reasoning: price },
    maxTokens: 4_096,
    windowNano: 1n,
    hedgeFeeNano: 0n,
    slaClass: 0,
    orderHash: new Uint8Array(32),
    validUntilMs: BigInt(NOW + 1),
    feeBps: 0,
    ...quoteChange
  }
  return { v: 1, networkId: network.networkId, peerId: new Uint8Array(34).fill(n), addresses: [], ...content, quote: cellToBytes(buildQuoteCell(quote)), seq: NOW, validUntilMs: NOW + 1, ...change }
}

const peer = (n: number): string => toHex(new Uint8Array(34).fill(n))

const base: ChooseInput = { endpoint: 'chat', limits: {}, promptTokens: 10, maxTokens: 10, nowMs: NOW, record: () => undefined }

function order (offers: Offer[], input: Partial<ChooseInput> = {}, records: Record<number, PeerRecord> = {}): number[] {
  return choose(offers, { ...base, record: (name) => records[Number.parseInt(name.slice(0, 2), 16)], ...input }).candidates.map(({ offer }) => offer.peerId[0])
}

function reason (change: OfferChange, input: Partial<ChooseInput> = {}): string {
  const { candidates, rejected } = choose([offer(1, change)], { ...base, ...input })
  expect(candidates.length + rejected.length).to.equal(1)
  return rejected[0]?.reason ?? 'fits'
}

describe('choosing: what is left out, and why', () => {
  it('is an offer or a quote that has ended', () => {
    expect(reason({})).to.equal('fits')
    expect(reason({ validUntilMs: NOW })).to.equal('expired')
    expect(reason({ quoteChange: { validUntilMs: BigInt(NOW) } })).to.equal('expired')
  })

  it('is what does not serve the endpoint, drains, or cannot be read', () => {
    expect(reason({ endpoints: ['embeddings'] })).to.equal('wrong_endpoint')
    expect(reason({ endpoints: ['embeddings', 'chat'] })).to.equal('fits')
    expect(reason({ draining: true })).to.equal('draining')
    expect(reason({ quote: Uint8Array.of(1, 2, 3) })).to.equal('offer_malformed')
  })

  it('is a tier below the one asked for', () => {
    const tiers: Tier[] = ['simulated', 'open', 'silver', 'gold']
    for (const [i, tier] of tiers.entries()) {
      expect(tiers.map(minTier => reason({ tier }, { limits: { minTier } }))).to.deep.equal(tiers.map((_, j) => j <= i ? 'fits' : 'tier_too_low'))
    }
  })

  it('is a completion price above the one allowed, by a nanoTON', () => {
    expect(reason({}, { limits: { maxPriceNano: 1_000_000n } })).to.equal('fits')
    expect(reason({}, { limits: { maxPriceNano: 999_999n } })).to.equal('price_too_high')
  })

  it('is what cannot answer with a single token for the cost allowed', () => {
    // One prompt token and one of the answer, one nanoTON each: only the provider knows how many there are.
    expect(reason({}, { limits: { maxCostNano: 2n } })).to.equal('fits')
    expect(reason({}, { limits: { maxCostNano: 1n } })).to.equal('cost_too_high')
  })
})

describe('choosing: the order', () => {
  it('puts the cheaper first, whatever the order of the offers', () => {
    const three = [offer(1, { price: 3_000_000n }), offer(2, { price: 1_000_000n }), offer(3, { price: 2_000_000n })]
    expect(order(three)).to.deep.equal([2, 3, 1])
    expect(order([...three].reverse())).to.deep.equal([2, 3, 1])
  })

  it('puts the faster first among equals, and weighs by what is preferred', () => {
    const fast = recordSuccess(NEW_PEER, { ttftMs: 50, tokensPerSecond: 10 })
    const slow = recordSuccess(NEW_PEER, { ttftMs: 200, tokensPerSecond: 10 })
    expect(order([offer(1), offer(2)], {}, { 1: slow, 2: fast })).to.deep.equal([2, 1])
    const dearAndFast = [offer(1, { price: 1_500_000n }), offer(2)]
    expect(order(dearAndFast, { limits: { prefer: 'latency' } }, { 1: fast, 2: slow })).to.deep.equal([1, 2])
    expect(order(dearAndFast, { limits: { prefer: 'price' } }, { 1: fast, 2: slow })).to.deep.equal([2, 1])
    expect(order(dearAndFast, { limits: { prefer: 'balanced' } }, { 1: fast, 2: slow })).to.deep.equal([1, 2])
  })

  it('weighs cost against the cheapest: ten times the price is not made up for by a tenth of the wait', () => {
    const fast = recordSuccess(NEW_PEER, { ttftMs: 50, tokensPerSecond: 10 })
    const slow = recordSuccess(NEW_PEER, { ttftMs: 500, tokensPerSecond: 10 })
    expect(order([offer(1, { price: 10_000_000n }), offer(2)], {}, { 1: fast, 2: slow })).to.deep.equal([2, 1])
  })

  it('gives a newcomer a place between the fast and the slow', () => {
    const fast = recordSuccess(NEW_PEER, { ttftMs: 149, tokensPerSecond: 10 })
    const slow = recordSuccess(NEW_PEER, { ttftMs: 151, tokensPerSecond: 10 })
    expect(order([offer(1), offer(2), offer(3)], {}, { 1: slow, 3: fast })).to.deep.equal([3, 2, 1])
  })

  it('ends at ten times the fastest: beyond that, price decides', () => {
    const fast = recordSuccess(NEW_PEER, { ttftMs: 1, tokensPerSecond: 10 })
    const late = recordSuccess(NEW_PEER, { ttftMs: 20, tokensPerSecond: 10 })
    const later = recordSuccess(NEW_PEER, { ttftMs: 40, tokensPerSecond: 10 })
    expect(order([offer(1), offer(2, { price: 1_100_000n }), offer(3)], {}, { 1: later, 2: late, 3: fast })).to.deep.equal([3, 1, 2])
  })

  it('puts those that failed behind, by how often', () => {
    const once = { ...recordFailure(NEW_PEER, 0), restUntilMs: 0 }
    const twice = { ...recordFailure(once, 0), restUntilMs: 0 }
    expect(order([offer(1), offer(2), offer(3)], {}, { 1: twice, 2: once })).to.deep.equal([3, 2, 1])
    // However often: a record never divides by nothing.
    expect(choose([offer(1)], { ...base, record: () => ({ ...NEW_PEER, success: 0 }) }).candidates[0].score).to.be.closeTo(1.25 / 0.05, 1e-9)
  })

  it('puts the busy last, and behind them those that rest, until their rest is over', () => {
    const busy = offer(1, { room: { total: 4, free: 0 } })
    const one = offer(2, { room: { total: 4, free: 1 } })
    const resting = { ...NEW_PEER, restUntilMs: NOW + 1 }
    expect(order([busy, one])).to.deep.equal([2, 1])
    expect(order([offer(3), busy, one], {}, { 3: resting })).to.deep.equal([2, 1, 3])
    expect(order([offer(3), busy], {}, { 3: { ...NEW_PEER, restUntilMs: NOW } })).to.deep.equal([3, 1])
  })

  it('is the same for everybody where all is equal: by peer', () => {
    expect(order([offer(3), offer(1), offer(2)])).to.deep.equal([1, 2, 3])
  })

  it('expects an ordinary answer where no limit is set, and no more than the quote gives', () => {
    const expected = (input: Partial<ChooseInput>, change: OfferChange = {}): bigint => choose([offer(1, change)], { ...base, ...input }).candidates[0].expectedNano
    expect(expected({ maxTokens: 20 })).to.equal(30n)
    expect(expected({ maxTokens: undefined })).to.equal(266n)
    expect(expected({ maxTokens: 20 }, { quoteChange: { maxTokens: 5 } })).to.equal(15n)
    expect(choose([offer(7)], base).candidates[0].peer).to.equal(peer(7))
  })

  it('takes offers without a price as equal', () => {
    expect(order([offer(2, { price: 0n }), offer(1, { price: 0n })])).to.deep.equal([1, 2])
  })

  it('finds nobody among no offers', () => {
    expect(choose([], base)).to.deep.equal({ candidates: [], rejected: [] })
  })
})
