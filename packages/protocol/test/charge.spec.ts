import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { chargeNano, vestedNano, vestingTokens, worstChargeNano } from '../src/index.ts'

const prices = { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 210_000_000n }
const shapes = [0, 1, 63, 2_048, 3_000].flatMap(prompt => [0, 7].flatMap(cached => [1, 2, 64, 100].map(maxTokens => ({ prompt, cached, maxTokens }))))
const count = fc.integer({ min: 0, max: 200_000 })
const price = fc.bigInt({ min: 0n, max: 10n ** 15n })
const priceSets = fc.record({ prompt: price, cached: price, completion: price, reasoning: price })

describe('charge', () => {
  it('rounds up once per job', () => {
    expect(chargeNano({ prompt: 20, cached: 0, completion: 100, reasoning: 0 }, prices)).to.equal(21_000n)
    expect(chargeNano({ prompt: 1, cached: 0, completion: 0, reasoning: 0 }, { ...prices, prompt: 1n })).to.equal(1n)
    expect(chargeNano({ prompt: 1, cached: 1, completion: 1, reasoning: 1 }, { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n })).to.equal(1n)
    expect(chargeNano({ prompt: 1_000_000, cached: 0, completion: 1, reasoning: 0 }, { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n })).to.equal(2n)
    expect(chargeNano({ prompt: 0, cached: 0, completion: 0, reasoning: 0 }, prices)).to.equal(0n)
  })

  it('prices each class by itself', () => {
    const none = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }

    for (const name of ['prompt', 'cached', 'completion', 'reasoning'] as const) {
      expect(chargeNano({ ...none, [name]: 1_000_000 }, prices)).to.equal(prices[name])
    }
  })

  it('is never above the worst charge', () => {
    fc.assert(fc.property(count, count, count, count, priceSets, (prompt, cached, completion, reasoning, set) => {
      expect(chargeNano({ prompt, cached, completion, reasoning }, set) <= worstChargeNano(prompt + cached, completion + reasoning, set)).to.equal(true)
    }))
  })
})

describe('worst charge', () => {
  it('takes the dearer class of each side (exhaustive)', () => {
    for (const [prompt, cached] of [[1n, 2n], [2n, 1n], [2n, 2n]]) {
      for (const [completion, reasoning] of [[3n, 5n], [5n, 3n], [5n, 5n]]) {
        expect(worstChargeNano(1_000_000, 2_000_000, { prompt, cached, completion, reasoning })).to.equal(12n)
      }
    }
  })
})

describe('vesting', () => {
  it('spreads the prompt over min(max(64, promptTokens / 32), maxTokens)', () => {
    expect(vestingTokens(0, 4_096)).to.equal(64)
    expect(vestingTokens(2_048, 4_096)).to.equal(64)
    expect(vestingTokens(2_049, 4_096)).to.equal(65)
    expect(vestingTokens(131_072, 8_192)).to.equal(4_096)
    expect(vestingTokens(131_072, 100)).to.equal(100)
    expect(vestingTokens(10, 1)).to.equal(1)
    expect(vestingTokens(10, 0)).to.equal(1)
  })

  it('grows with every token, never passes the charge, and is whole once the prompt has vested (exhaustive)', () => {
    for (const { prompt, cached, maxTokens } of shapes) {
      const over = vestingTokens(prompt + cached, maxTokens)
      let before = -1n

      for (let completion = 0; completion <= maxTokens; completion++) {
        const tokens = { prompt, cached, completion, reasoning: 0 }
        const vested = vestedNano(tokens, prices, maxTokens)
        const charge = chargeNano(tokens, prices)
        expect(vested >= before && vested <= charge).to.equal(true)

        // before that, rounding alone may already make it whole
        if (completion >= over) {
          expect(vested).to.equal(charge)
        }

        before = vested
      }
    }
  })

  it('has earned nothing of the prompt before the first token', () => {
    expect(vestedNano({ prompt: 128_000, cached: 0, completion: 0, reasoning: 0 }, prices, 4_096)).to.equal(0n)
  })

  it('holds for any prices', () => {
    fc.assert(fc.property(count, count, count, priceSets, fc.integer({ min: 1, max: 10_000 }), (prompt, completion, reasoning, set, maxTokens) => {
      const tokens = { prompt, cached: 0, completion, reasoning }
      const vested = vestedNano(tokens, set, maxTokens)
      expect(vested <= chargeNano(tokens, set)).to.equal(true)
      expect(vestedNano({ ...tokens, completion: completion + 1 }, set, maxTokens) >= vested).to.equal(true)
    }))
  })
})
