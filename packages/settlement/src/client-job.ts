import { CocoonError, voucherHash } from '@cocoon-net/protocol'
import { lesser } from './lane.ts'
import { beginPayerJob, finishPayerJob, raisePayerJob } from './payer-lane.ts'
import { hex, laneKeyOf } from './types.ts'
import type { LedgerRow } from './ledger.ts'
import type { PayerLane } from './payer-lane.ts'
import type { Signer } from './signer.ts'
import type { StoreWrite } from './store.ts'
import type { PayFrame } from '@cocoon-net/protocol'

export interface ClientJob {
  readonly paidNano: bigint
  /**
   * Resolves when the job is on disk: to be awaited before its request leaves, or a process that ends could not tell a debt
   * of its own job from one that a provider made up.
   */
  recorded (): Promise<void>
  /** Signs for `nano` in all; on disk before it resolves. Null when the job holds that much. Throws CocoonError spending_limit, lane_exhausted, max_charge_too_low. */
  voucherUpTo (nano: bigint): Promise<PayFrame | null>
  /** Sets the job to its exact charge; null when it already holds exactly that. */
  finish (chargeNano: bigint): Promise<PayFrame | null>
}

/** A lane's state and its one writer, as a job uses them. */
export interface LaneWriter {
  readonly state: PayerLane
  /** one at a time per lane */
  exclusive<T> (work: () => Promise<T>): Promise<T>
  /** Books what the state promises more than before on the day's limits, or refuses it. Throws CocoonError spending_limit. */
  book (moreNano: bigint): void
  /** The state with other writes in one batch, on disk when it resolves. */
  write (state: PayerLane, also?: readonly StoreWrite[]): Promise<void>
  /** What no voucher waits for: which job holds how much of what was signed. */
  hold (state: PayerLane): void
  /** Puts the state as it is on disk. */
  note (): Promise<void>
  nextLedgerKey (): string
  nowMs (): number
}

export function signedFrame (state: PayerLane, signer: Signer, networkId: Uint8Array, jobs: PayFrame['jobs']): PayFrame {
  const voucher = { networkId, ...state.id, cumulative: state.cumulativeNano }
  return { t: 'pay', voucher, signature: signer.sign(voucherHash(voucher)), jobs }
}

/** @throws {CocoonError} allocation_invalid when the nonce is in use */
export function clientJob (lane: LaneWriter, job: { clientNonce: Uint8Array, maxChargeNano: bigint }, signer: Signer, networkId: Uint8Array): ClientJob {
  const nonce = hex(job.clientNonce)
  lane.hold(beginPayerJob(lane.state, nonce))
  const recorded = lane.note()
  // a failure is told to whoever waits for it, and nothing leaves
  recorded.catch(() => {})
  let finalNano: bigint | null = null

  const frame = (nano: bigint): PayFrame => signedFrame(lane.state, signer, networkId, [[job.clientNonce, nano]])

  /** True when the job holds more than before. Disk before signature. */
  const raise = async (nano: bigint): Promise<boolean> => {
    const { lane: next, moreNano } = raisePayerJob(lane.state, nonce, nano)
    if (next === lane.state) {
      return false
    }
    lane.book(moreNano)
    if (moreNano > 0n) {
      await lane.write(next)
    } else {
      lane.hold(next)
      await recorded
    }
    return true
  }

  return {
    get paidNano () { return finalNano ?? lane.state.jobs.get(nonce) ?? 0n },
    recorded: async () => recorded,
    voucherUpTo: async (nano) => lane.exclusive(async () => {
      const wantedNano = lesser(nano, job.maxChargeNano)
      return finalNano == null && await raise(wantedNano) ? frame(wantedNano) : null
    }),
    finish: async (chargeNano) => lane.exclusive(async () => {
      if (chargeNano > job.maxChargeNano) {
        throw new CocoonError('max_charge_too_low', 'the charge is above what was allowed')
      }
      if (finalNano != null) {
        return null
      }
      const heldNano = lane.state.jobs.get(nonce) ?? 0n
      await raise(chargeNano)
      const row: LedgerRow = { atMs: lane.nowMs(), kind: 'paid', laneKey: laneKeyOf(lane.state.id), clientNonce: nonce, paidNano: chargeNano }
      await lane.write(finishPayerJob(lane.state, nonce, chargeNano), [{ key: lane.nextLedgerKey(), value: row }])
      finalNano = chargeNano
      return heldNano === chargeNano ? null : frame(chargeNano)
    })
  }
}
