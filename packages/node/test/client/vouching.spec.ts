import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { vouchTarget } from '../../src/client/vouching.ts'
import type { VouchInput } from '../../src/client/vouching.ts'

const base: VouchInput = { vestedNano: 0n, paidNano: 0n, allowanceNano: 0n, windowNano: 100n, maxChargeNano: 10_000n, due: false }
const target = (change: Partial<VouchInput>): bigint | null => vouchTarget({ ...base, ...change })

describe('vouching', () => {
  it('starts one window ahead where nothing is allowed, and pays nothing ahead where a window is', () => {
    expect(target({})).to.equal(100n)
    expect(target({ allowanceNano: 40n })).to.equal(60n)
    expect(target({ allowanceNano: 60n })).to.equal(null)
    expect(target({ allowanceNano: 100n })).to.equal(null)
    expect(target({ allowanceNano: 1_000n })).to.equal(null)
  })

  it('follows in steps of half a window', () => {
    expect(target({ paidNano: 100n, vestedNano: 49n })).to.equal(null)
    expect(target({ paidNano: 100n, vestedNano: 50n })).to.equal(150n)
    expect(target({ allowanceNano: 100n, vestedNano: 49n })).to.equal(null)
    expect(target({ allowanceNano: 100n, vestedNano: 50n })).to.equal(50n)
  })

  it('waits for no half window that a small request never reaches', () => {
    expect(target({ maxChargeNano: 40n })).to.equal(40n)
    expect(target({ maxChargeNano: 1n })).to.equal(1n)
    expect(target({ maxChargeNano: 101n, paidNano: 100n })).to.equal(null)
    expect(target({ maxChargeNano: 101n, paidNano: 100n, vestedNano: 1n })).to.equal(101n)
    expect(target({ maxChargeNano: 40n, allowanceNano: 100n, vestedNano: 39n })).to.equal(null)
  })

  it('pays what little there is when the time is over', () => {
    expect(target({ allowanceNano: 100n, vestedNano: 1n })).to.equal(null)
    expect(target({ allowanceNano: 100n, vestedNano: 1n, due: true })).to.equal(1n)
    expect(target({ allowanceNano: 100n, due: true })).to.equal(null)
  })

  it('never promises above what the request may cost, nor less than before', () => {
    expect(target({ maxChargeNano: 60n })).to.equal(60n)
    expect(target({ maxChargeNano: 99n })).to.equal(99n)
    expect(target({ maxChargeNano: 100n, paidNano: 100n, vestedNano: 100n })).to.equal(null)
    const amount = fc.bigInt(0n, 1_000n)
    fc.assert(fc.property(amount, amount, amount, fc.bigInt(1n, 500n), amount, fc.boolean(), (vestedNano, paidNano, allowanceNano, windowNano, maxChargeNano, due) => {
      const promised = vouchTarget({ vestedNano, paidNano, allowanceNano, windowNano, maxChargeNano, due })
      if (promised != null) {
        expect(promised <= maxChargeNano && promised > paidNano && promised <= vestedNano + windowNano).to.equal(true)
      } else if (paidNano < maxChargeNano) {
        // Nothing was due: the provider may let out more than another half window.
        const slack = allowanceNano < windowNano ? allowanceNano : windowNano
        expect((paidNano + slack - vestedNano) * 2n > windowNano).to.equal(true)
      }
    }))
  })
})
