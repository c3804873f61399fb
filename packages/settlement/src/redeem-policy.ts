import { CLOSE_COST_NANO } from './constants.ts'
import { closeDueNano } from './lane-close.ts'
import { lesser, redeemableNano } from './lane.ts'
import type { LaneState } from './lane.ts'

/** What the policy needs to know besides the lane. Amounts are nanoTON. */
export interface RedeemPolicy {
  /** a redeem waits until it brings this much, unless the lane is unlocking */
  readonly thresholdNano: bigint
  /** all that one redeem costs its sender: gas, forwarding, the wallet's own message */
  readonly costNano: bigint
  /** coordination fee, basis points, taken from the payee's side */
  readonly feeBps: number
}

/**
 * What the payee gains by redeeming now, nanoTON; below 0 it would lose. "The first redeem with delta above 0 while
 * unlocking returns to its sender … min(gasLeft, …, delta)": at least that part of the cost comes back.
 */
export function redeemGainNano (lane: LaneState, policy: RedeemPolicy): bigint {
  const deltaNano = redeemableNano(lane)
  const refundNano = lane.unlockAt === 0 ? 0n : lesser(lesser(lane.gasLeftNano, deltaNano), policy.costNano)
  return deltaNano - feeNano(lane, deltaNano, policy) - (policy.costNano - refundNano)
}

/** "fee = ⌊paid′·bps/10⁴⌋ − ⌊paid·bps/10⁴⌋" */
function feeNano ({ paidOnChainNano }: LaneState, deltaNano: bigint, { feeBps }: Pick<RedeemPolicy, 'feeBps'>): bigint {
  const bps = BigInt(feeBps)
  return (paidOnChainNano + deltaNano) * bps / 10_000n - paidOnChainNano * bps / 10_000n
}

/** What the payee gains by sending a close that both sides have signed, nanoTON; below 0 its payer had better send it. */
export function closeGainNano (lane: LaneState, sumNano: bigint, policy: Pick<RedeemPolicy, 'feeBps'>): bigint {
  const dueNano = closeDueNano(lane, sumNano)
  return dueNano - feeNano(lane, dueNano, policy) - CLOSE_COST_NANO
}

/** Whether to redeem: never at a loss; early enough to be worth its cost, or while there is still time. */
export function isRedeemDue (lane: LaneState, policy: RedeemPolicy): boolean {
  const isTime = lane.unlockAt !== 0 || redeemableNano(lane) >= policy.thresholdNano
  return isTime && redeemGainNano(lane, policy) > 0n
}

/**
 * How long to wait after the `failures`th redeem in a row that did not come through: a wallet's message costs its
 * owner even when the vault refuses it. Doubles, and never passes `maxMs`.
 */
export function redeemPauseMs (failures: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30))
}
