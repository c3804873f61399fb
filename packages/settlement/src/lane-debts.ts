import type { LaneState } from './lane.ts'

/**
 * Moves the debts of a lane that has ended to another lane of the same vault, where a voucher can still pay them. Pure:
 * both states are to be written together.
 */
export function inheritDebts (to: LaneState, from: LaneState): { to: LaneState, from: LaneState } {
  const settled = new Map(to.settled)
  const left = new Map(from.settled)
  for (const [nonce, { chargeNano, paidNano }] of from.settled) {
    if (paidNano < chargeNano) {
      settled.set(nonce, { chargeNano: chargeNano - paidNano, paidNano: 0n })
      left.set(nonce, { chargeNano: paidNano, paidNano })
    }
  }
  return { to: { ...to, settled }, from: { ...from, settled: left } }
}
