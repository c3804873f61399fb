import { expect } from 'aegir/chai'
import { createExplorer } from '../../src/client/explorer.ts'
import { NO_STAKE } from '../../src/stakes/standing.ts'
import { testNetwork } from '../hosts.ts'
import { offerContent } from '../offer-contents.ts'
import type { Candidate } from '../../src/client/choose.ts'
import type { Offer } from '@cocoon-net/protocol'

const network = testNetwork(1)
const STAKED = { bondedNano: 1n, fault: null }

function candidate (peer: string, stake: number | null, change: Partial<Offer> = {}): Candidate {
  const offer = { ...offerContent(network, 'model'), stake: new Uint8Array(32).fill(stake ?? 0), ...change } as unknown as Offer
  return { peer, offer, stake: stake == null ? NO_STAKE : STAKED } as Candidate
}

/** Random bytes that count up. */
function counting (): (length: number) => Uint8Array {
  let n = 0
  return () => Uint8Array.of(0, 0, 0, n++)
}

describe('explorer', () => {
  const known = new Set(['best', 'used'])
  const isKnown = (peer: string): boolean => known.has(peer)

  it('puts a newcomer in front of one job in fifty, and never of more', () => {
    const candidates = [candidate('best', 1), candidate('used', 2), candidate('new', 3)]
    const explorer = createExplorer({ isKnown, randomBytes: counting() })
    const firsts = Array.from({ length: 200 }, () => explorer.order(candidates)[0].peer)
    expect(firsts.flatMap((peer, i) => peer === 'best' ? [] : [`${i + 1} ${peer}`])).to.deep.equal(['50 new', '100 new', '150 new', '200 new'])
  })

  it('keeps all others, in their order', () => {
    const candidates = [candidate('best', 1), candidate('used', 2), candidate('new', 3), candidate('old', 4)]
    const explorer = createExplorer({ isKnown, randomBytes: () => Uint8Array.of(0, 0, 0, 0) })
    for (let i = 0; i < 49; i++) {
      expect(explorer.order(candidates)).to.equal(candidates)
    }
    expect(explorer.order(candidates).map(({ peer }) => peer)).to.deep.equal(['new', 'best', 'used', 'old'])
  })

  it('saves a chance for the job that has a newcomer in its tier with room, and has none in store', () => {
    const usual = [candidate('best', 1), candidate('used', 2), candidate('full', 3, { room: { total: 1, free: 0 } }), candidate('lower', 4, { tier: 'open' })]
    const explorer = createExplorer({ isKnown, randomBytes: counting() })
    for (let i = 0; i < 120; i++) {
      expect(explorer.order(usual)).to.equal(usual)
      expect(explorer.order([])).to.deep.equal([])
    }
    const fresh = [...usual, candidate('new', 5)]
    expect([explorer.order(fresh)[0].peer, explorer.order(fresh)[0].peer]).to.deep.equal(['new', 'best'])
  })

  it('gives each stake one chance, and one to all that have none: identities do not add up', () => {
    const crowd = Array.from({ length: 8 }, (_, i) => candidate(`free-${i}`, null))
    const shared = Array.from({ length: 8 }, (_, i) => candidate(`shared-${i}`, 6))
    const candidates = [candidate('best', 1), ...crowd, ...shared, candidate('alone', 7)]
    const explorer = createExplorer({ isKnown, randomBytes: counting() })
    const chosen = Array.from({ length: 6 * 50 }, () => explorer.order(candidates)[0].peer).filter(peer => peer !== 'best')
    expect(chosen.map(peer => peer.split('-')[0]).sort()).to.deep.equal(['alone', 'alone', 'free', 'free', 'shared', 'shared'])
  })
})
