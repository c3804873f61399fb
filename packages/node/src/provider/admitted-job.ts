import type { AttestedBinding } from './identity.ts'
import type { SignedQuote } from './quote-book.ts'
import type { ReceiptLog } from './receipt-log.ts'
import type { FramedStream } from '../streams/framed-stream.ts'
import type { Engine } from '@cocoon-net/engine'
import type { InferRequestFrame, InferResponseFrame, NetworkPreset, RequestHeader, Tier } from '@cocoon-net/protocol'
import type { OpenedJob } from '@cocoon-net/sealing'
import type { JobMeter } from '@cocoon-net/settlement'

/** What the provider brings to each of its jobs. */
export interface JobComponents {
  readonly network: NetworkPreset
  readonly engine: Engine
  readonly receipts: ReceiptLog
  readonly tier: Tier
  randomBytes (length: number): Uint8Array
  /** How long tokens wait for company, and how long a voucher may be late. */
  readonly flushMs?: number
  readonly voucherWaitMs: number
}

/** A request that passed every check and may run. */
export interface AdmittedJob {
  readonly frames: FramedStream<InferRequestFrame, InferResponseFrame>
  readonly header: RequestHeader
  readonly quote: SignedQuote
  readonly binding: AttestedBinding
  readonly ciphertext: Uint8Array
  readonly opened: OpenedJob
  readonly meter: JobMeter
  /** Fires when the client cancels or goes away. */
  readonly signal: AbortSignal
}
