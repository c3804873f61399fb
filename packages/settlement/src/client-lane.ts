import type { ClientJob } from './client-job.ts'
import type { LaneFrame, PayFrame, PayOpen } from '@cocoon-net/protocol'

/** A lane as those who pay through it see it. Amounts are nanoTON. */
export interface ClientLane {
  readonly laneKey: string
  readonly epoch: bigint
  /** The frame that opens the pay stream between two peers (multihash bytes), signed by the lane's signer. */
  open (peers: { client: Uint8Array, provider: Uint8Array }): PayOpen
  status (): 'opening' | 'open' | 'failed' | 'ending'
  /** Resolves when the lane is on chain; rejects when the open failed. */
  ready (): Promise<void>
  /** What the provider said that it lets out ahead of vouchers, nanoTON. */
  readonly allowanceNano: bigint
  beginJob (init: { clientNonce: Uint8Array, maxChargeNano: bigint }): ClientJob
  /**
   * Takes the provider's highest voucher when we signed it, and its word for what its jobs have used. Throws CocoonError
   * voucher_bad_signature, voucher_wrong_lane, spending_limit.
   */
  adopt (frame: LaneFrame): Promise<void>
  /**
   * Pays the debts that the frame shows of jobs of ours whose connection was lost, each at most `limitNano` and once; on
   * disk before it resolves. Null when there are none. To be called after `adopt`.
   *
   * @throws {CocoonError} debt_refused, lane_exhausted, spending_limit
   */
  payDebts (frame: LaneFrame, limitNano: bigint): Promise<PayFrame | null>
}
