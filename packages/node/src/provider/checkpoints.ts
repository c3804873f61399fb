import { answerCommitment, requestCommitment } from '@cocoon-net/protocol'
import type { AdmittedJob, JobComponents } from './admitted-job.ts'
import type { Bill } from './bill.ts'
import type { ChunkWriter } from './chunk-writer.ts'

/** The signed statements of one job: a checkpoint per window, and the receipt, which is the last of them. */
export interface Checkpoints {
  /** Whether a window has vested since the last one. */
  due(vestedNano: bigint): boolean
  /**
   * Signs what has been sent so far at this charge, writes it to disk, and sends it.
   *
   * @throws {CocoonError} stream_closed, timeout
   */
  sign(chargeNano: bigint): Promise<void>
}

export interface CheckpointsInit {
  readonly job: AdmittedJob
  readonly components: JobComponents
  readonly jobId: Uint8Array
  readonly bill: Bill
  readonly writer: ChunkWriter
}

export function createCheckpoints ({ job, components, jobId, bill, writer }: CheckpointsInit): Checkpoints {
  const { header, quote, opened } = job
  const { binding, hash: bindingHash } = job.binding
  const reqCommit = requestCommitment(opened.reqSalt(), opened.payload)
  const ansSalt = opened.ansSalt()
  const { windowNano } = quote.quote
  let nextNano = windowNano
  let seq = 0
  return {
    due: (vestedNano) => vestedNano >= nextNano,
    sign: async (chargeNano) => {
      nextNano = chargeNano + windowNano
      const { cell, signature } = await components.receipts.record({
        networkId: components.network.networkId,
        stake: quote.quote.stake,
        vault: header.vault,
        payee: binding.payee,
        laneEpoch: header.laneEpoch,
        jobId,
        seq: seq++,
        bindingHash,
        tier: components.tier,
        tokens: bill.tokens,
        chargeNano,
        quoteHash: header.quoteHash,
        mcSeqno: binding.beacon.seqno,
        reqCommit,
        ansCommit: answerCommitment(ansSalt, writer.hash),
        auditRoot: new Uint8Array(32)
      })
      await job.frames.write({ t: 'checkpoint', cell, signature })
    }
  }
}
