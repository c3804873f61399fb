import { CocoonError, LIMITS, decodeRequestHeader, inferRequestCodec, inferResponseCodec, protocolId } from '@cocoon-net/protocol'
import { laneKeyOf } from '@cocoon-net/settlement'
import { MAX_JOB_STREAMS, REQUEST_IDLE_MS, STREAM_IDLE_MS } from '../constants.ts'
import { runJob } from '../provider/job.ts'
import { validateHeader } from '../provider/validate-request.ts'
import { serve } from './serve.ts'
import type { Counters } from '../counters.ts'
import type { LanePayers } from './pay-service.ts'
import type { AdmittedJob, JobComponents } from '../provider/admitted-job.ts'
import type { ProviderIdentity } from '../provider/identity.ts'
import type { JobOutcome } from '../provider/job.ts'
import type { QuoteBook } from '../provider/quote-book.ts'
import type { InferRequestFrame, RequestHeader } from '@cocoon-net/protocol'
import type { ReplayGuard, openRequest } from '@cocoon-net/sealing'
import type { JobMeter, ProviderPayments } from '@cocoon-net/settlement'
import type { Libp2p } from '@libp2p/interface'

export interface InferServiceInit extends JobComponents {
  readonly libp2p: Libp2p
  readonly identity: ProviderIdentity
  readonly quotes: QuoteBook
  readonly payments: ProviderPayments
  readonly replays: ReplayGuard
  readonly openRequest: typeof openRequest
  readonly counters: Counters
  draining (): boolean
  /** Why nothing may be sold now, or null. */
  tradeRefusal? (): CocoonError | null
  readonly payers: LanePayers
  onOutcome? (outcome: JobOutcome): void
}

/**
 * Serves infer/1. Cheap checks come first: size (frame), quote, room, lane, replay and voucher; then the seal, the body;
 * then the engine.
 */
export async function serveInfer (init: InferServiceInit): Promise<() => Promise<void>> {
  return serve({
    libp2p: init.libp2p,
    protocol: protocolId(init.network, 'infer'),
    reads: inferRequestCodec,
    writes: inferResponseCodec,
    maxReadBytes: LIMITS.requestFrameBytes,
    idleMs: STREAM_IDLE_MS,
    maxStreams: MAX_JOB_STREAMS,
    counters: init.counters,
    what: 'infer',
    refusal: (refusal) => ({ t: 'refusal' as const, ...refusal }),
    handle: async (frames, connection, stopping) => {
      // A client may negotiate a stream ahead of its next request, and let it go unused.
      const frame = await frames.next({ idleMs: REQUEST_IDLE_MS })
      if (frame == null) {
        return
      }
      if (frame.t !== 'request') {
        throw new CocoonError('frame_malformed', 'the first frame must be a request')
      }
      const header = decodeRequestHeader(frame.header)
      const peer = connection.remotePeer.toString()
      const laneKey = laneKeyOf({ vault: header.vault, payee: init.identity.current().binding.payee, epoch: header.laneEpoch })
      try {
        await answer({ frame, header, laneKey, peer, frames, stopping }, init)
      } catch (error) {
        // The request's first voucher travels beside it: what it promised for a job that never began is the lane's again.
        if (init.payers.has(laneKey, peer)) {
          init.payments.refuseJob({ laneKey, clientNonce: header.clientNonce })
        }
        throw error
      }
    }
  })
}

interface Asked {
  readonly frame: Extract<InferRequestFrame, { t: 'request' }>
  readonly header: RequestHeader
  readonly laneKey: string
  readonly peer: string
  readonly frames: AdmittedJob['frames']
  readonly stopping: AbortSignal
}

async function answer ({ frame, header, laneKey, peer, frames, stopping }: Asked, init: InferServiceInit): Promise<void> {
  const quote = validateHeader(header, (hash) => init.quotes.find(hash))
  const refusal = init.tradeRefusal?.()
  if (refusal != null) {
    throw refusal
  }
  const { busy, total } = init.engine.slots()
  if (init.draining() || busy >= total) {
    throw new CocoonError('no_room', undefined, { retryAfterMs: 500 })
  }
  const binding = init.identity.find(frame.bindingHash)
  if (binding == null || frame.kem !== init.identity.hpkeKey.kem) {
    throw new CocoonError('binding_unknown')
  }
  if (!init.payers.has(laneKey, peer)) {
    throw new CocoonError('lane_unknown', 'this peer has not opened the lane')
  }
  // Before the job begins: a replay must find its own code, and leave no trace on the lane.
  init.replays.insert(frame.ciphertext, binding.binding.notAfterMs)
  const meter = await init.payments.beginJob({
    laneKey,
    clientNonce: header.clientNonce,
    maxChargeNano: header.maxCharge,
    windowNano: quote.quote.windowNano
  })
  let billed = false
  const once: JobMeter = {
    ...meter,
    finish: async (chargeNano, options) => {
      billed = true
      return meter.finish(chargeNano, options)
    }
  }
  const gone = new AbortController()
  try {
    const opened = await init.openRequest({ keyPair: init.identity.hpkeKey, bindingHash: binding.hash, header: frame.header, ciphertext: frame.ciphertext })
    // The client says `cancel`, or its stream ends: both stop the engine, and the bill.
    void frames.read({ patient: true }).then(() => { gone.abort(new CocoonError('job_cancelled')) }, (error: unknown) => { gone.abort(error) })
    const outcome = await runJob({ frames, header, quote, binding, ciphertext: frame.ciphertext, opened, meter: once, signal: AbortSignal.any([gone.signal, stopping]) }, init)
    init.onOutcome?.(outcome)
  } catch (error) {
    // A job that failed in the middle of its answer has its bill already; any other costs nothing.
    if (!billed) {
      await meter.abort()
    }
    throw error
  }
}
