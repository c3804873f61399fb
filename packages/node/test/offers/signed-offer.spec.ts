import { LIMITS, bucketOf } from '@cocoon-net/protocol'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { noCounters } from '../../src/counters.ts'
import { checkTime, openOffer, sealOffer } from '../../src/offers/signed-offer.ts'
import { offerVerdict } from '../../src/offers/verdict.ts'
import { testNetwork } from '../hosts.ts'
import { offerContent } from '../offer-contents.ts'
import type { Offer } from '@cocoon-net/protocol'
import type { PrivateKey } from '@libp2p/interface'

const NOW = 1_800_000_000_000

describe('signed offer', () => {
  const network = testNetwork(1)
  let key: PrivateKey
  let offer: Offer

  before(async () => {
    key = await generateKeyPair('Ed25519')
    offer = {
      v: 1,
      networkId: network.networkId,
      peerId: peerIdFromPrivateKey(key).toMultihash().bytes,
      addresses: [],
      ...offerContent(network, 'model'),
      seq: NOW,
      validUntilMs: NOW + 60_000
    }
  })

  it('opens what was sealed', async () => {
    const signed = await openOffer(await sealOffer(offer, key), network)
    expect(signed.offer).to.deep.equal(offer)
    expect(signed.quote.prices.completion).to.equal(1_000_000n)
    expect(signed.peerId.equals(peerIdFromPrivateKey(key))).to.equal(true)
    expect(bucketOf(offer.peerId, network.buckets)).to.equal(0)
  })

  it('refuses an oversized offer before it parses it', async () => {
    await expect(openOffer(new Uint8Array(LIMITS.offerBytes + 1), network)).to.eventually.be.rejected.with.property('code', 'frame_too_large')
  })

  it('refuses every single flipped byte', async () => {
    const sealed = await sealOffer(offer, key)
    for (let i = 0; i < sealed.byteLength; i += 7) {
      const forged = Uint8Array.from(sealed)
      forged[i] ^= 1
      await expect(openOffer(forged, network), `byte ${i}`).to.eventually.be.rejected.with.property('name', 'CocoonError')
    }
  })

  it('refuses an offer that speaks for another peer', async () => {
    await expect(openOffer(await sealOffer(offer, await generateKeyPair('Ed25519')), network)).to.eventually.be.rejected.with.property('code', 'wrong_peer')
  })

  it('refuses an offer of another network, and one whose quote is', async () => {
    await expect(openOffer(await sealOffer(offer, key), testNetwork(2))).to.eventually.be.rejected.with.property('code', 'wrong_network')
    const foreign = { ...offer, ...offerContent(testNetwork(2), 'model') }
    await expect(openOffer(await sealOffer(foreign, key), network)).to.eventually.be.rejected.with.property('code', 'wrong_network')
  })

  it('refuses a quote that another receipt key signed', async () => {
    const other = offerContent(network, 'model', { seed: 9 })
    await expect(openOffer(await sealOffer({ ...offer, quoteSignature: other.quoteSignature }, key), network)).to.eventually.be.rejected.with.property('code', 'bad_signature')
  })

  it('refuses a quote for another model', async () => {
    const other = offerContent(network, 'other')
    await expect(openOffer(await sealOffer({ ...offer, quote: other.quote, quoteSignature: other.quoteSignature }, key), network)).to.eventually.be.rejected.with.property('code', 'frame_malformed')
  })

  it('refuses an offer that would outlive the limit', async () => {
    await expect(openOffer(await sealOffer({ ...offer, validUntilMs: NOW + LIMITS.offerLifeMs + 1 }, key), network)).to.eventually.be.rejected.with.property('code', 'frame_malformed')
  })

  it('tells untimely from faulty: the first is ignored, the second rejected', () => {
    const verdictOf = (work: () => void): string => {
      try {
        work()
        return 'accept'
      } catch (error) {
        return offerVerdict(error, noCounters, 'gossip')
      }
    }
    expect(verdictOf(() => { checkTime(offer, NOW) })).to.equal('accept')
    expect(verdictOf(() => { checkTime(offer, NOW - LIMITS.offerFutureMs) })).to.equal('accept')
    expect(verdictOf(() => { checkTime(offer, NOW - LIMITS.offerFutureMs - 1) })).to.equal('ignore')
    expect(verdictOf(() => { checkTime(offer, NOW + 60_000) })).to.equal('ignore')
    expect(verdictOf(() => { throw new TypeError('a fault of ours') })).to.equal('ignore')
  })
})
