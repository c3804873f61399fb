import { vouchTarget } from './vouching.ts'
import type { PayChannel } from './pay-channel.ts'
import type { RequestHeader } from '@cocoon-net/protocol'
import type { ClientLane } from '@cocoon-net/settlement'

/** The client's payments for one job: how much is promised when, and the exact end. Amounts in nanoTON. */
export interface JobPayments {
  readonly paidNano: bigint
  /** Resolves when the job is on disk; its request leaves after that. */
  recorded(): Promise<void>
  /**
   * Promises what is due for `vestedNano`; `due` when the five seconds are over.
   *
   * @throws {CocoonError} spending_limit, lane_exhausted, and what the pay stream throws
   */
  vouch(vestedNano: bigint, due: boolean): Promise<void>
  /** Pays the exact charge; resolves when the provider has acknowledged it. */
  finish(chargeNano: bigint, signal: AbortSignal): Promise<void>
  /** Closes the books of a job that failed: what was promised stays promised, nothing above `vestedNano` is added. Never throws. */
  abandon(vestedNano: bigint): Promise<void>
}

export function createJobPayments (init: { header: RequestHeader, lane: ClientLane, pay: PayChannel, windowNano: bigint }): JobPayments {
  const { header, lane, pay, windowNano } = init
  const job = lane.beginJob({ clientNonce: header.clientNonce, maxChargeNano: header.maxCharge })
  const { allowanceNano } = lane
  return {
    get paidNano () { return job.paidNano },
    recorded: async () => job.recorded(),
    vouch: async (vestedNano, due) => {
      const target = vouchTarget({ vestedNano, paidNano: job.paidNano, allowanceNano, windowNano, maxChargeNano: header.maxCharge, due })
      const frame = target == null ? null : await job.voucherUpTo(target)
      if (frame != null) {
        await pay.send(frame)
      }
    },
    finish: async (chargeNano, signal) => {
      const frame = await job.finish(chargeNano)
      if (frame != null) {
        await pay.send(frame)
        await pay.settled(signal)
      }
    },
    abandon: async (vestedNano) => {
      const owedNano = vestedNano < job.paidNano ? vestedNano : job.paidNano
      await job.finish(owedNano).catch(() => { /* the job's first error is the one to tell */ })
    }
  }
}
