import { expect } from 'aegir/chai'
import { createExplanations } from '../../src/client/explanations.ts'
import { listModels } from '../../src/client/models.ts'
import { TIER_NOTES, verifiedTierNote } from '../../src/client/tiers.ts'
import { NO_STAKE } from '../../src/stakes/standing.ts'
import { testNetwork } from '../hosts.ts'
import { offerContent } from '../offer-contents.ts'
import type { Offer, Tier } from '@cocoon-net/protocol'

const PEER = new Uint8Array([0, 36, 8, 1, 18, 32, ...new Uint8Array(32).fill(1)])
const NOW = 1_800_000_000_000
const unstaked = { of: () => NO_STAKE }

function offerOf (tier: Tier): Offer {
  const network = testNetwork(1)
  return { v: 1, networkId: network.networkId, peerId: PEER, addresses: [], ...offerContent(network, 'model', { price: 1n, validUntilMs: NOW }), seq: NOW, validUntilMs: NOW, tier }
}

describe('tiers in words', () => {
  it('say of what is not attested that it is not private, and of nothing else', () => {
    for (const tier of ['open', 'simulated'] as const) {
      expect(TIER_NOTES[tier]).to.match(/not private/i)
      // what a test root has signed is worth nothing, whatever it says of itself
      expect(verifiedTierNote(tier, { kind: 'tdx', tcbStatus: 'UpToDate' })).to.match(/not private/i).and.not.include('Verified')
    }
    for (const tier of ['silver', 'gold'] as const) {
      expect(TIER_NOTES[tier]).to.not.match(/not private/i)
    }
  })

  it('say what was verified', () => {
    expect(verifiedTierNote('silver', { kind: 'tdx', tcbStatus: 'UpToDate' })).to.equal('Attested hardware. Verified: tdx, TCB UpToDate.')
    expect(verifiedTierNote('gold', { kind: 'snp', tcbStatus: null })).to.equal('Attested hardware at a known place. Verified: snp.')
    expect(verifiedTierNote('silver', null)).to.equal('Attested hardware.')
    expect(verifiedTierNote('simulated', { kind: 'snp', tcbStatus: null })).to.equal('Not private: the evidence is simulated, for development only. Simulated: snp.')
    expect(verifiedTierNote('open', { kind: 'tdx', tcbStatus: 'UpToDate' })).to.equal(TIER_NOTES.open)
  })

  it('list models at a tier or above, and say what there is when that leaves none', () => {
    const offers = [offerOf('open'), offerOf('silver')]
    expect(listModels(offers, 'silver', unstaked)[0].providers.map(({ tier }) => tier)).to.deep.equal(['silver'])
    expect(listModels([], 'gold', unstaked)).to.deep.equal([])
    expect(() => listModels([offerOf('open'), offerOf('simulated')], 'silver', unstaked)).to.throw(/of tier silver or above; there is open \(Not private.*simulated \(Not private/).with.property('code', 'tier_too_low')
  })
})

describe('explanations', () => {
  it('say for every candidate what became of it, in words', () => {
    const explanations = createExplanations()
    const open = explanations.open({ atMs: 1, model: 'm@1', minTier: 'silver', rejected: [{ peer: Buffer.from(PEER).toString('hex'), reason: 'tier_too_low', tier: 'open', bondedNano: 0n }] })
    open.add({ peer: 'p', outcome: 'timeout', tier: 'silver', why: 'x'.repeat(10_000) })
    expect(explanations.list).to.deep.equal([])
    open.close(null)
    const [{ considered, taken }] = explanations.list
    expect(taken).to.equal(null)
    expect(considered[0]).to.deep.include({ outcome: 'tier_too_low', tier: 'open' })
    expect(considered[0].why).to.equal('Its tier is open, and silver is asked for. Not private: nothing is attested, the provider can read the prompt.')
    expect(considered[1].why.length).to.be.lessThan(1_000)
  })

  it('are kept of the last requests only', () => {
    const explanations = createExplanations()
    for (let i = 0; i < 100; i++) {
      explanations.open({ atMs: i, model: 'm', minTier: 'open', rejected: [] }).close('p')
    }
    expect(explanations.list.map(({ atMs }) => atMs)).to.deep.equal(Array.from({ length: 64 }, (_, i) => i + 36))
  })
})
