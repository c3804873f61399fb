import { HOUR_MS } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { hoursToAsk, hoursToPublish, nextPublishChange, shuffledBuckets } from '../../src/discovery/keys.ts'

const MINUTE_MS = 60_000

describe('dht keys', () => {
  it('are published for the next hour from minute 50', () => {
    expect(hoursToPublish(7 * HOUR_MS + 50 * MINUTE_MS - 1)).to.deep.equal([7])
    expect(hoursToPublish(7 * HOUR_MS + 50 * MINUTE_MS)).to.deep.equal([7, 8])
  })

  it('are asked for the previous hour until minute 5', () => {
    expect(hoursToAsk(7 * HOUR_MS + 5 * MINUTE_MS - 1)).to.deep.equal([7, 6])
    expect(hoursToAsk(7 * HOUR_MS + 5 * MINUTE_MS)).to.deep.equal([7])
  })

  it('leave no moment, and no clock five minutes off, at which what is asked is not published', () => {
    fc.assert(fc.property(fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }), fc.integer({ min: -5 * MINUTE_MS + 1, max: 5 * MINUTE_MS - 1 }), (nowMs, skewMs) => {
      expect(hoursToPublish(nowMs)).to.include.oneOf(hoursToAsk(nowMs))
      // The publisher's clock differs: what it published in the last hour counts as well, for records live two.
      const published = [...hoursToPublish(nowMs + skewMs), ...hoursToPublish(nowMs + skewMs - HOUR_MS)]
      expect(hoursToAsk(nowMs).some(hour => published.includes(hour))).to.equal(true)
      expect(nextPublishChange(nowMs)).to.be.greaterThan(nowMs)
    }))
  })

  it('cover every bucket once', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 32 }), fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (buckets, randoms) => {
      const order = shuffledBuckets(buckets, () => randoms.next().value as number)
      expect([...order].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: buckets }, (_, i) => i))
    }))
  })
})
