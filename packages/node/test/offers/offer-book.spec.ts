import { compareBytes, parseQuote, sha256, utf8 } from '@cocoon-net/protocol'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import * as Digest from 'multiformats/hashes/digest'
import { createOfferBook, supersedes } from '../../src/offers/offer-book.ts'
import { testNetwork } from '../hosts.ts'
import { modelOf, offerContent } from '../offer-contents.ts'
import type { SignedOffer } from '../../src/offers/signed-offer.ts'

const NOW = 1_800_000_000_000
const network = testNetwork(1)
const contents = new Map<string, ReturnType<typeof offerContent>>()

function signed (peer: number, name: string, seq: number, salt: string = '', validUntilMs: number = NOW + 300_000): SignedOffer {
  const content = contents.get(name) ?? offerContent(network, name)
  contents.set(name, content)
  const peerId = peerIdFromMultihash(Digest.create(0x12, sha256(utf8(`peer ${peer}`))) as any)
  return {
    offer: { v: 1, networkId: network.networkId, peerId: peerId.toMultihash().bytes, addresses: [], ...content, seq, validUntilMs },
    quote: parseQuote(content.quote),
    peerId,
    envelope: new Uint8Array(0),
    hash: sha256(utf8(`${peer}/${name}/${seq}/${salt}`))
  }
}

describe('offer book', () => {
  it('ends with the highest seq, and the lower hash on a tie, in whatever order offers arrive', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 12 }), (arrivals) => {
      const book = createOfferBook({ now: () => NOW })
      const offers = arrivals.map(([seq, salt]) => signed(1, 'm', NOW + seq, String(salt)))
      for (const offer of offers) {
        try {
          book.add(offer)
        } catch (error) {
          expect(error).to.have.property('code', 'offer_stale')
        }
      }
      const best = offers.reduce((a, b) => supersedes(b, a) ? b : a)
      expect(book.list()).to.have.length(1)
      expect(compareBytes(book.list()[0].hash, best.hash)).to.equal(0)
    }))
  })

  it('never holds an offer from too far ahead or past its end', () => {
    fc.assert(fc.property(fc.integer({ min: -200_000, max: 200_000 }), fc.integer({ min: -200_000, max: 200_000 }), (ahead, left) => {
      const book = createOfferBook({ now: () => NOW })
      const add = (): boolean => book.add(signed(1, 'm', NOW + ahead, '', NOW + left))
      if (ahead > 60_000 || left <= 0) {
        expect(add).to.throw().with.property('code', ahead > 60_000 ? 'not_yet_valid' : 'expired')
      } else {
        expect(add()).to.equal(true)
      }
      expect(book.list()).to.have.length(ahead <= 60_000 && left > 0 ? 1 : 0)
    }))
  })

  it('is not locked by a huge seq', () => {
    const book = createOfferBook({ now: () => NOW })
    expect(() => book.add(signed(1, 'm', Number.MAX_SAFE_INTEGER, '', Number.MAX_SAFE_INTEGER))).to.throw().with.property('code', 'not_yet_valid')
    expect(book.add(signed(1, 'm', NOW))).to.equal(true)
  })

  it('keeps what it has when full, says what it drops, and makes room when offers expire', () => {
    let nowMs = NOW
    const dropped: unknown[] = []
    const book = createOfferBook({ now: () => nowMs, maxPerModel: 2, maxTotal: 3, maxPerPeer: 2, counters: { increment: (name, labels) => { dropped.push([name, labels]) } } })
    book.add(signed(1, 'a', NOW, '', NOW + 10))
    book.add(signed(2, 'a', NOW))
    expect(() => book.add(signed(3, 'a', NOW))).to.throw().with.property('code', 'no_room')
    book.add(signed(1, 'b', NOW))
    expect(() => book.add(signed(4, 'c', NOW))).to.throw().with.property('code', 'no_room')
    expect(dropped).to.deep.equal([1, 2].map(() => ['cocoon_offers_dropped_total', { reason: 'book_full' }]))
    // What is known can always be replaced.
    expect(book.add(signed(2, 'a', NOW + 1))).to.equal(true)
    nowMs += 10
    expect(book.add(signed(3, 'a', NOW))).to.equal(true)
    expect(book.size()).to.equal(3)
    expect(book.list(modelOf('a'))).to.have.length(2)
  })

  it('tells of changes, once each', () => {
    const book = createOfferBook({ now: () => NOW })
    const seen: string[] = []
    const end = book.onChange(({ kind }) => { seen.push(kind) })
    book.add(signed(1, 'a', NOW))
    book.add(signed(1, 'a', NOW))
    book.add(signed(1, 'a', NOW + 1))
    end()
    book.add(signed(1, 'a', NOW + 2))
    expect(seen).to.deep.equal(['added', 'replaced'])
  })
})
