import { CocoonError } from '@cocoon-net/protocol'
import { TON_NANO } from './constants.ts'

/** Checked before anything is signed. nanoTON. */
export interface SpendingLimits {
  readonly perRequestNano: bigint
  readonly perProviderDayNano: bigint
  readonly perDayNano: bigint
}

export const DEFAULT_SPENDING_LIMITS: SpendingLimits = Object.freeze({
  perRequestNano: TON_NANO / 10n,
  perProviderDayNano: TON_NANO,
  perDayNano: 2n * TON_NANO
})

/** What was signed on one day (UTC), in all and by payee. */
export interface DayBook {
  /** days since 1970 */
  readonly day: number
  readonly allNano: bigint
  readonly byPayee: ReadonlyMap<string, bigint>
}

export const EMPTY_DAY: DayBook = Object.freeze({ day: 0, allNano: 0n, byPayee: new Map() })

const DAY_MS = 86_400_000

/** @throws {CocoonError} spending_limit */
export function checkRequest (limits: SpendingLimits, maxChargeNano: bigint): void {
  if (maxChargeNano > limits.perRequestNano) {
    throw new CocoonError('spending_limit', 'the request may cost more than the limit per request', { details: { maxChargeNano, limitNano: limits.perRequestNano } })
  }
}

/**
 * The book with `amountNano` more for `payee`. Pure. A clock that was set back stays on the later day, so that no day's
 * limit is granted twice.
 *
 * @throws {CocoonError} spending_limit
 */
export function bookSpending (book: DayBook, limits: SpendingLimits, spend: { nowMs: number, payee: string, amountNano: bigint }): DayBook {
  const today = Math.max(book.day, Math.floor(spend.nowMs / DAY_MS))
  const current = today === book.day ? book : { ...EMPTY_DAY, day: today }
  const payeeNano = (current.byPayee.get(spend.payee) ?? 0n) + spend.amountNano
  const allNano = current.allNano + spend.amountNano
  if (payeeNano > limits.perProviderDayNano) {
    throw new CocoonError('spending_limit', 'the limit per provider and day would be passed', { details: { limitNano: limits.perProviderDayNano } })
  }
  if (allNano > limits.perDayNano) {
    throw new CocoonError('spending_limit', 'the limit per day would be passed', { details: { limitNano: limits.perDayNano } })
  }
  return { day: today, allNano, byPayee: new Map(current.byPayee).set(spend.payee, payeeNano) }
}
