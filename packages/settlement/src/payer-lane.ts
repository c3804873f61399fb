import { CocoonError } from '@cocoon-net/protocol'
import { greater } from './lane.ts'
import type { LaneId, LaneOnChain } from './types.ts'

/**
 * The payer's view of one lane. Invariant: finalised + Σ held by jobs ≤ cumulative ≤ cap; the difference is what was
 * promised and no job holds, so that it pays for the next one.
 */
export interface PayerLane {
  readonly id: LaneId
  readonly capNano: bigint
  /** `failed` lanes are opened anew */
  readonly status: 'opening' | 'open' | 'failed'
  /** the highest counter that was ever signed */
  readonly cumulativeNano: bigint
  readonly finalisedNano: bigint
  /** what each running job holds, by nonce in hex */
  readonly jobs: ReadonlyMap<string, bigint>
}

export function newPayerLane (id: LaneId, capNano: bigint): PayerLane {
  return { id, capNano, status: 'opening', cumulativeNano: 0n, finalisedNano: 0n, jobs: new Map() }
}

/**
 * The lane that a vault shows to a payer who lost its records: all that the chain has paid was signed. What was signed
 * beyond, the payee shows when the pay stream opens.
 */
export function payerLaneFromChain (id: LaneId, seen: LaneOnChain): PayerLane {
  return { id, capNano: seen.capNano, status: 'open', cumulativeNano: seen.paidNano, finalisedNano: seen.paidNano, jobs: new Map() }
}

/** After a restart: jobs that ran when the process ended count as spent, since the payee may hold that much. */
export function recoverPayerLane (lane: PayerLane): PayerLane {
  return { ...lane, finalisedNano: lane.cumulativeNano, jobs: new Map() }
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

/** Takes a higher counter that this payer signed and does not remember; all of it counts as spent. */
export function adoptCumulative (lane: PayerLane, cumulativeNano: bigint): { lane: PayerLane, moreNano: bigint } {
  const moreNano = greater(cumulativeNano - lane.cumulativeNano, 0n)
  return { lane: { ...lane, cumulativeNano: lane.cumulativeNano + moreNano, finalisedNano: lane.finalisedNano + moreNano }, moreNano }
}

/** Half used: time to raise the cap, before jobs run into its end. */
export function isLow (lane: PayerLane): boolean {
  return lane.status === 'open' && lane.cumulativeNano * 2n >= lane.capNano
}
