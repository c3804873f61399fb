import { expect } from 'aegir/chai'
import { createRateLimit } from '../../src/offers/rate-limit.ts'

describe('rate limit', () => {
  it('allows a burst, then the rate, for each key by itself', () => {
    let nowMs = 0
    const limit = createRateLimit({ perSecond: 2, burst: 3, now: () => nowMs })
    expect([1, 2, 3].map(() => limit.take('a'))).to.deep.equal([0, 0, 0])
    expect(limit.take('a')).to.equal(500)
    expect(limit.take('b')).to.equal(0)
    nowMs = 500
    expect(limit.take('a')).to.equal(0)
    expect(limit.take('a')).to.equal(500)
    // A clock set back gives nothing and takes nothing.
    nowMs = 0
    expect(limit.take('a')).to.equal(500)
  })
})
