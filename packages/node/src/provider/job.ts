import { setImmediate } from 'node:timers/promises'
import { CocoonError, answerCommitment, asCocoonError, jobIdOf, requestCommitment, runningHashStart, toHex } from '@cocoon-net/protocol'
import { FLUSH_MS, FLUSH_TOKENS } from '../constants.ts'
import { createBill } from './bill.ts'
import { createChunkWriter } from './chunk-writer.ts'
import { recordReceipt } from './receipt-log.ts'
import { validatePayload } from './validate-request.ts'
import type { AttestedBinding } from './identity.ts'
import type { SignedQuote } from './quote-book.ts'
import type { ReceiptStore } from './receipt-log.ts'
import type { FramedStream } from '../streams/framed-stream.ts'
import type { Engine, EngineRequest } from '@cocoon-net/engine'
import type { FinishReason, InferRequestFrame, InferResponseFrame, NetworkPreset, RequestHeader, Tier } from '@cocoon-net/protocol'
import type { OpenedJob } from '@cocoon-net/sealing'
import type { JobMeter, Signer } from '@cocoon-net/settlement'

export interface JobComponents {
  readonly network: NetworkPreset
  readonly engine: Engine
  readonly receiptSigner: Signer
  readonly receipts: ReceiptStore
  readonly tier: Tier
  randomBytes (length: number): Uint8Array
  /** How long tokens wait for company, and how long a voucher may be late. */
  readonly flushMs?: number
  readonly voucherWaitMs: number
}

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

/** What became of a job, for logs and metrics: no content. */
export interface JobOutcome { readonly finish: FinishReason, readonly chargeNano: bigint, readonly paidNano: bigint, readonly tokens: number }

/** Whether the client went away without a word: no normal end, so that only what has vested is owed. */
function isLost (signal: AbortSignal): boolean {
  return signal.reason instanceof CocoonError && signal.reason.code !== 'job_cancelled'
}

/**
 * Runs an admitted job: opens its content, streams sealed tokens no further than the exposure rule allows, signs
 * checkpoints, and ends with the receipt and the last voucher.
 */
export async function runJob (job: AdmittedJob, components: JobComponents): Promise<JobOutcome> {
  const { frames, header, quote, meter } = job
  const { prices, windowNano } = quote.quote
  const { payload, body } = validatePayload(job.opened.payload, quote)
  const providerNonce = components.randomBytes(32)
  const jobId = jobIdOf({ bindingHash: job.binding.hash, ciphertext: job.ciphertext, providerNonce })
  const sealer = await job.opened.sealer(providerNonce)
  const reqCommit = requestCommitment(job.opened.reqSalt(), job.opened.payload)
  const ansSalt = job.opened.ansSalt()
  const bill = createBill(prices, header.maxTokens)
  const writer = createChunkWriter({ sealer, startHash: runningHashStart(jobId), counts: () => [bill.tokens.prompt, bill.tokens.cached] })
  const stopEngine = new AbortController()
  const signal = AbortSignal.any([job.signal, stopEngine.signal])
  let accepted = false
  let delivered = 0
  let seq = 0
  let nextCheckpointNano = windowNano
  let sending: Promise<void> = Promise.resolve()
  let sendError: unknown
  let timer: ReturnType<typeof setTimeout> | undefined

  const checkpoint = async (chargeNano: bigint): Promise<void> => {
    const signed = await recordReceipt({
      networkId: components.network.networkId,
      stake: quote.quote.stake,
      vault: header.vault,
      payee: job.binding.binding.payee,
      laneEpoch: header.laneEpoch,
      jobId,
      seq: seq++,
      bindingHash: job.binding.hash,
      tier: components.tier,
      tokens: bill.tokens,
      chargeNano,
      quoteHash: header.quoteHash,
      mcSeqno: job.binding.binding.beacon.seqno,
      reqCommit,
      ansCommit: answerCommitment(ansSalt, writer.hash),
      auditRoot: new Uint8Array(32)
    }, components.receiptSigner, components.receipts)
    await frames.write({ t: 'checkpoint', cell: signed.cell, signature: signed.signature })
  }

  const flush = (options: { flush: boolean, finish?: FinishReason }): void => {
    clearTimeout(timer)
    timer = undefined
    const sealed = writer.seal(options)
    if (sealed == null) {
      return
    }
    sending = sending.then(async () => {
      if (sendError == null) {
        await frames.write({ t: 'chunk', sealed })
      }
    }).catch((error: unknown) => {
      sendError ??= error
      stopEngine.abort(error)
    })
  }

  let finish: FinishReason = 'stop'
  try {
    const request: EngineRequest = {
      endpoint: payload.endpoint === 'completions' ? 'completions' : 'chat',
      model: toHex(payload.model),
      body,
      prefix: payload.prefix,
      maxTokens: header.maxTokens
    }
    for await (const event of components.engine.generate(request, { signal })) {
      if (event.type === 'prompt') {
        bill.setPrompt(event.promptTokens, event.cachedTokens)
        if (!bill.fits('completion', header.maxCharge)) {
          throw new CocoonError('max_charge_too_low')
        }
        await frames.write({ t: 'accept', providerNonce })
        accepted = true
      } else if (event.type === 'token') {
        if (!bill.fits(event.class, header.maxCharge)) {
          finish = 'length'
          break
        }
        // A token is on the bill once it may leave: one that waits in vain is neither delivered nor charged.
        const vested = bill.vestedNano(event.class)
        if (!meter.mayLeave(vested)) {
          flush({ flush: true })
          await sending
          await meter.waitFor(vested, { signal: job.signal, timeoutMs: components.voucherWaitMs })
        }
        bill.add(event.class)
        writer.add({ id: event.id, bytes: event.bytes, class: event.class })
        delivered++
        if (delivered === 1 || writer.pending >= FLUSH_TOKENS) {
          flush({ flush: false })
          // An engine that always has the next token would keep what is written, and all other jobs, from the network.
          await setImmediate()
        } else {
          timer ??= setTimeout(() => { flush({ flush: true }) }, components.flushMs ?? FLUSH_MS)
        }
        if (vested >= nextCheckpointNano) {
          nextCheckpointNano = vested + windowNano
          flush({ flush: false })
          await sending
          await checkpoint(vested)
        }
        if (sendError != null) {
          break
        }
      } else {
        finish = event.reason
      }
    }
    if (!accepted) {
      throw new CocoonError('engine_failed', 'the engine ended without an answer')
    }
    if (sendError != null) {
      throw asCocoonError(sendError, 'stream_closed')
    }
    if (isLost(job.signal)) {
      throw job.signal.reason
    }
    if (job.signal.aborted) {
      finish = 'cancelled'
    }
  } catch (error) {
    clearTimeout(timer)
    if (isLost(job.signal)) {
      sendError ??= job.signal.reason
    }
    if (job.signal.aborted && accepted && sendError == null) {
      finish = 'cancelled'
    } else if (delivered === 0) {
      // Nothing has left: it costs nothing, and the client may ask the next provider.
      throw error
    } else {
      // Not a normal end: what has vested is owed, the rest of the prompt is not.
      await sending
      await meter.finish(bill.vestedNano(), { timeoutMs: 0 })
      if (sendError == null) {
        flush({ flush: false, finish: 'error' })
        await sending
        await checkpoint(bill.vestedNano())
      }
      throw error
    }
  }
  const charge = bill.chargeNano()
  flush({ flush: false, finish })
  await sending
  await checkpoint(charge).catch((error: unknown) => { sendError ??= error })
  const { paidNano } = await meter.finish(charge, { timeoutMs: components.voucherWaitMs })
  return { finish, chargeNano: charge, paidNano, tokens: delivered }
}
