import { chargeNano, vestedNano } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createBill } from '../../src/provider/bill.ts'

const PRICES = { prompt: 3_000_000n, cached: 1_000_000n, completion: 5_000_000n, reasoning: 7_000_000n }

describe('bill', () => {
  it('counts each class by itself', () => {
    const bill = createBill(PRICES, 100)
    bill.setPrompt(10, 4)
    bill.add('completion')
    bill.add('reasoning')
    bill.add('reasoning')
    expect(bill.tokens).to.deep.equal({ prompt: 10, cached: 4, completion: 1, reasoning: 2 })
    expect(bill.chargeNano()).to.equal(30n + 4n + 5n + 14n)
  })

  it('has room for one more token up to the charge allowed, to the nanoTON', () => {
    const bill = createBill(PRICES, 100)
    bill.setPrompt(1, 0)
    expect([bill.fits('completion', 8n), bill.fits('completion', 7n)]).to.deep.equal([true, false])
    expect([bill.fits('reasoning', 10n), bill.fits('reasoning', 9n)]).to.deep.equal([true, false])
    expect(bill.tokens.completion).to.equal(0)
  })

  it('says what will have vested with one more token, and leaves the token off', () => {
    const tokenClass = fc.constantFrom('completion' as const, 'reasoning' as const)
    fc.assert(fc.property(fc.nat(500), fc.nat(500), fc.array(tokenClass, { maxLength: 100 }), tokenClass, (prompt, cached, classes, next) => {
      const bill = createBill(PRICES, 1_000)
      bill.setPrompt(prompt, cached)
      classes.forEach(bill.add)
      const before = bill.tokens
      const ahead = bill.vestedNano(next)
      expect(bill.tokens).to.deep.equal(before)
      expect(bill.vestedNano()).to.equal(vestedNano(before, PRICES, 1_000))
      bill.add(next)
      expect(bill.vestedNano()).to.equal(ahead)
      expect(bill.chargeNano()).to.equal(chargeNano(bill.tokens, PRICES))
      expect(bill.vestedNano() <= bill.chargeNano()).to.equal(true)
    }))
  })
})
