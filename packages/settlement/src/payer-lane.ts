import { CocoonError } from '@cocoon-net/protocol'
import { greater, lesser } from './lane.ts'
import type { LaneId, LaneOnChain } from './types.ts'

/**
 * The payer's view of one lane. Invariant: finalised + Σ held by jobs ≤ cumulative ≤ cap; the difference is what was
 * promised and no job holds, so that it pays for the next one.
 */
export interface PayerLane {
  readonly id: LaneId
  readonly capNano: bigint
  /** `failed` lanes are opened anew; `ending` ones begin no job, and are opened anew when the vault has ended them */
  readonly status: 'opening' | 'open' | 'failed' | 'ending'
  /** the highest counter that was ever signed */
  readonly cumulativeNano: bigint
  readonly finalisedNano: bigint
  /** the part of it that is in no row of the books yet: counted as spent to be safe */
  readonly unbookedNano: bigint
  /** what each running job holds, by nonce in hex */
  readonly jobs: ReadonlyMap<string, bigint>
}

export function newPayerLane (id: LaneId, capNano: bigint): PayerLane {
  return { id, capNano, status: 'opening', cumulativeNano: 0n, finalisedNano: 0n, unbookedNano: 0n, jobs: new Map() }
}

/**
 * The lane that a vault shows to a payer who lost its records: all that the chain has paid was signed. What was signed
 * beyond, the payee shows when the pay stream opens.
 */
export function payerLaneFromChain (id: LaneId, seen: LaneOnChain): PayerLane {
  return { id, capNano: seen.capNano, status: 'open', cumulativeNano: seen.paidNano, finalisedNano: seen.paidNano, unbookedNano: seen.paidNano, jobs: new Map() }
}

/**
 * After a restart all that was promised counts as spent until the payee says otherwise: what jobs held, to be booked, and
 * what was free, which may have moved to a job that never reached the disk.
 */
export function recoverPayerLane (lane: PayerLane): PayerLane {
  return { ...lane, finalisedNano: lane.cumulativeNano, unbookedNano: lane.unbookedNano + freeNano(lane), jobs: new Map() }
}

/** What was promised and no job holds, nanoTON. */
export function freeNano (lane: PayerLane): bigint {
  let held = lane.finalisedNano
  for (const amountNano of lane.jobs.values()) {
    held += amountNano
  }
  return lane.cumulativeNano - held
}

/** @throws {CocoonError} allocation_invalid when the nonce runs already */
export function beginPayerJob (lane: PayerLane, nonce: string): PayerLane {
  if (lane.jobs.has(nonce)) {
    throw new CocoonError('allocation_invalid', 'the job nonce is in use')
  }
  return { ...lane, jobs: new Map(lane.jobs).set(nonce, 0n) }
}

/**
 * Gives a running job `nano` in all, out of what is free and then out of the cap. Pure: what it needs beyond the free
 * balance is `moreNano`, to be booked on the day's limits and written to disk before the voucher is signed. Unchanged
 * when the job holds that much.
 *
 * @throws {CocoonError} lane_exhausted
 */
export function raisePayerJob (lane: PayerLane, nonce: string, nano: bigint): { lane: PayerLane, moreNano: bigint } {
  const stepNano = nano - (lane.jobs.get(nonce) ?? 0n)
  if (stepNano <= 0n) {
    return { lane, moreNano: 0n }
  }
  const moreNano = greater(stepNano - freeNano(lane), 0n)
  const cumulativeNano = lane.cumulativeNano + moreNano
  if (lane.status === 'failed' || cumulativeNano > lane.capNano) {
    throw new CocoonError('lane_exhausted', undefined, { details: { capNano: lane.capNano } })
  }
  return { lane: { ...lane, cumulativeNano, jobs: new Map(lane.jobs).set(nonce, nano) }, moreNano }
}

/** Ends a job at its exact charge, which it holds; the rest of what it holds is free again. */
export function finishPayerJob (lane: PayerLane, nonce: string, chargeNano: bigint): PayerLane {
  const jobs = new Map(lane.jobs)
  jobs.delete(nonce)
  return { ...lane, finalisedNano: lane.finalisedNano + chargeNano, jobs }
}

/** Begins no further job: the lane's end is signed at `sumNano`, which counts as used from here on, and all that was promised as spent. */
export function closeSigned (lane: PayerLane, sumNano: bigint): PayerLane {
  const cumulativeNano = greater(lane.cumulativeNano, sumNano)
  const usedNano = greater(lane.finalisedNano - lane.unbookedNano, sumNano)
  return { ...lane, status: 'ending', cumulativeNano, finalisedNano: cumulativeNano, unbookedNano: cumulativeNano - usedNano }
}

/** Takes a higher counter that this payer signed and does not remember; all of it counts as spent. */
export function adoptCumulative (lane: PayerLane, cumulativeNano: bigint): { lane: PayerLane, moreNano: bigint } {
  const moreNano = greater(cumulativeNano - lane.cumulativeNano, 0n)
  return { lane: { ...lane, cumulativeNano: lane.cumulativeNano + moreNano, finalisedNano: lane.finalisedNano + moreNano, unbookedNano: lane.unbookedNano + moreNano }, moreNano }
}

/**
 * Takes the payee's word for what its jobs used of the vouchers: what neither they nor our running jobs hold is free
 * again, after a connection or a process was lost in the middle of a job. A false word costs the payer nothing that is
 * not signed already. Unchanged when both sides agree.
 */
export function agreeOnUse (lane: PayerLane, usedNano: bigint): PayerLane {
  const heldNano = [...lane.jobs.values()].reduce((sum, nano) => sum + nano, 0n)
  const restNano = greater(lane.cumulativeNano - usedNano, 0n)
  // what running jobs hold may not have reached the payee: it can be counted twice, never be promised twice
  const agreedNano = lane.jobs.size === 0 ? restNano : lesser(freeNano(lane), greater(restNano - heldNano, 0n))
  return agreedNano === freeNano(lane) && lane.unbookedNano === 0n
    ? lane
    : { ...lane, finalisedNano: lane.cumulativeNano - heldNano - agreedNano, unbookedNano: 0n }
}

/**
 * Pays what jobs left unpaid when their connection was lost, out of what is free and then out of the cap. Pure:
 * `moreNano` is to be booked and written as in {@link raisePayerJob}.
 *
 * @param lane - with the payee's word on its use taken, see {@link agreeOnUse}
 * @param debtsNano - what each job owes
 * @param limitNano - most that one job can owe: a window of its quote
 * @throws {CocoonError} debt_refused, lane_exhausted
 */
export function payDebts (lane: PayerLane, debtsNano: readonly bigint[], limitNano: bigint): { lane: PayerLane, moreNano: bigint } {
  let owedNano = 0n
  for (const debtNano of debtsNano) {
    if (debtNano > limitNano) {
      throw new CocoonError('debt_refused', 'a debt is larger than one window', { details: { debtNano, limitNano } })
    }
    owedNano += debtNano
  }
  const moreNano = greater(owedNano - freeNano(lane), 0n)
  const cumulativeNano = lane.cumulativeNano + moreNano
  if (cumulativeNano > lane.capNano) {
    throw new CocoonError('lane_exhausted', undefined, { details: { capNano: lane.capNano } })
  }
  return { lane: { ...lane, cumulativeNano, finalisedNano: lane.finalisedNano + owedNano }, moreNano }
}

/** Half used: time to raise the cap, before jobs run into its end. */
export function isLow (lane: PayerLane): boolean {
  return lane.status === 'open' && lane.cumulativeNano * 2n >= lane.capNano
}
