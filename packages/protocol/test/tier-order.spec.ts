import { expect } from 'aegir/chai'
import { TIERS, higherTier, isPrivateTier, tierAtLeast } from '../src/index.ts'
import type { Tier } from '../src/index.ts'

const ORDER: readonly Tier[] = ['simulated', 'open', 'silver', 'gold']

describe('tiers', () => {
  it('are ordered from the least private to the most', () => {
    expect([...ORDER].sort()).to.deep.equal([...TIERS].sort())
    for (const [i, tier] of ORDER.entries()) {
      expect(ORDER.map(floor => tierAtLeast(tier, floor))).to.deep.equal(ORDER.map((_, j) => j <= i))
      expect(ORDER.map(other => higherTier(tier, other))).to.deep.equal(ORDER.map((other, j) => j > i ? other : tier))
    }
  })

  it('are private with attested hardware only', () => {
    expect(ORDER.filter(isPrivateTier)).to.deep.equal(['silver', 'gold'])
  })
})
