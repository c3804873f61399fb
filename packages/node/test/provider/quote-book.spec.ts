import { LIMITS, parseQuote, quoteHash } from '@cocoon-net/protocol'
import { ed25519Signer, verifyEd25519 } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createQuoteBook } from '../../src/provider/quote-book.ts'
import { testNetwork } from '../hosts.ts'
import type { QuoteBook } from '../../src/provider/quote-book.ts'

const LIFE_MS = 10_000
const START_MS = 1_800_000_000_000
const model = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const signer = ed25519Signer(new Uint8Array(32).fill(1))
const network = testNetwork(3)
const prices = { prompt: 1n, cached: 2n, completion: 3n, reasoning: 4n }

function bookAt (clock: { nowMs: number }): QuoteBook {
  return createQuoteBook({
    network,
    stake: model(9),
    signer,
    terms: [1, 2].map(n => ({ model: model(n), prices, maxTokens: n * 100, windowNano: BigInt(n) })),
    lifeMs: LIFE_MS,
    now: () => clock.nowMs
  })
}

describe('quote book', () => {
  it('signs the terms of each model, answering no order', () => {
    const { quote, hash, cell, signature } = bookAt({ nowMs: START_MS }).standing(model(2))
    expect(quote).to.deep.equal({
      networkId: network.networkId,
      stake: model(9),
      model: model(2),
      prices,
      maxTokens: 200,
      windowNano: 2n,
      hedgeFeeNano: 0n,
      slaClass: 0,
      orderHash: new Uint8Array(32),
      validUntilMs: BigInt(START_MS + LIFE_MS),
      feeBps: network.vault.feeBps
    })
    expect(parseQuote(cell)).to.deep.equal(quote)
    expect(hash).to.deep.equal(quoteHash(quote))
    expect(verifyEd25519(signer.publicKey, hash, signature)).to.equal(true)
  })

  it('has nothing for a model that it does not know', () => {
    expect(() => bookAt({ nowMs: START_MS }).standing(model(3))).to.throw('no terms')
  })

  it('renews at half of its life, not before', () => {
    const clock = { nowMs: START_MS }
    const book = bookAt(clock)
    const first = book.standing(model(1))
    clock.nowMs += LIFE_MS / 2 - 1
    expect(book.standing(model(1))).to.equal(first)
    clock.nowMs++
    const second = book.standing(model(1))
    expect(second).to.not.equal(first)
    expect(second.quote.validUntilMs).to.equal(BigInt(clock.nowMs + LIFE_MS))
    expect(book.find(first.hash)).to.equal(first)
  })

  it('honours a quote for 30 s past its end, and not a millisecond longer', () => {
    const clock = { nowMs: START_MS }
    const book = bookAt(clock)
    const { hash } = book.standing(model(1))
    clock.nowMs = START_MS + LIFE_MS + LIMITS.quoteHonourMs - 1
    expect(book.find(hash)).to.not.equal(undefined)
    clock.nowMs++
    expect(book.find(hash)).to.equal(undefined)
    expect(book.find(model(7))).to.equal(undefined)
  })

  it('forgets what it no longer honours, and only that', () => {
    const clock = { nowMs: START_MS }
    const book = bookAt(clock)
    const hashes = Array.from({ length: 12 }, () => {
      const { hash } = book.standing(model(1))
      clock.nowMs += LIFE_MS / 2
      return hash
    })
    expect(book.size).to.equal(8)
    expect(hashes.map(hash => book.find(hash) != null)).to.deep.equal(hashes.map((_, i) => START_MS + i * LIFE_MS / 2 + LIFE_MS + LIMITS.quoteHonourMs > clock.nowMs))
  })
})
