import { expect } from 'aegir/chai'
import { DEFAULT_SPENDING_LIMITS, EMPTY_DAY, bookSpending, checkRequest } from '../src/spending.ts'
import type { DayBook } from '../src/spending.ts'

const limits = { perRequestNano: 10n, perProviderDayNano: 30n, perDayNano: 50n }
const DAY_MS = 86_400_000
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error: any) {
    return error.code
  }
  return 'none'
}
const book = (entries: Array<[string, bigint]>, nowMs = 5 * DAY_MS): DayBook =>
  entries.reduce<DayBook>((day, [payee, amountNano]) => bookSpending(day, limits, { nowMs, payee, amountNano }), EMPTY_DAY)

describe('spending limits', () => {
  it('hold a request to its limit, to the nanoTON', () => {
    expect([10n, 11n].map(value => codeOf(() => { checkRequest(limits, value) }))).to.deep.equal(['none', 'spending_limit'])
    expect(DEFAULT_SPENDING_LIMITS.perRequestNano <= DEFAULT_SPENDING_LIMITS.perProviderDayNano).to.equal(true)
  })

  it('hold a provider and a day to theirs, and a refusal books nothing', () => {
    const full = book([['a', 30n]])
    expect(codeOf(() => bookSpending(full, limits, { nowMs: 5 * DAY_MS, payee: 'a', amountNano: 1n }))).to.equal('spending_limit')
    expect(full.byPayee.get('a')).to.equal(30n)
    const day = bookSpending(full, limits, { nowMs: 5 * DAY_MS, payee: 'b', amountNano: 20n })
    expect(day.allNano).to.equal(50n)
    expect(codeOf(() => bookSpending(day, limits, { nowMs: 5 * DAY_MS, payee: 'c', amountNano: 1n }))).to.equal('spending_limit')
    expect(codeOf(() => bookSpending(day, limits, { nowMs: 5 * DAY_MS, payee: 'c', amountNano: 0n }))).to.equal('none')
  })

  it('start again with the next day, and not when the clock is set back', () => {
    const full = book([['a', 30n], ['b', 20n]])
    expect(codeOf(() => bookSpending(full, limits, { nowMs: 6 * DAY_MS - 1, payee: 'c', amountNano: 1n }))).to.equal('spending_limit')
    expect(bookSpending(full, limits, { nowMs: 6 * DAY_MS, payee: 'a', amountNano: 30n })).to.deep.equal({ day: 6, allNano: 30n, byPayee: new Map([['a', 30n]]) })
    expect(codeOf(() => bookSpending(full, limits, { nowMs: 4 * DAY_MS, payee: 'c', amountNano: 1n }))).to.equal('spending_limit')
  })
})
