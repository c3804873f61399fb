import { CocoonError, asCocoonError, jobIdOf, runningHashStart, toHex } from '@cocoon-net/protocol'
import { createAnswerSender } from './answer-sender.ts'
import { createBill } from './bill.ts'
import { createCheckpoints } from './checkpoints.ts'
import { createChunkWriter } from './chunk-writer.ts'
import { validatePayload } from './validate-request.ts'
import type { AdmittedJob, JobComponents } from './admitted-job.ts'
import type { AnswerSender } from './answer-sender.ts'
import type { Bill } from './bill.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { EngineEvent, EngineRequest } from '@cocoon-net/engine'
import type { FinishReason } from '@cocoon-net/protocol'

/** What became of a job, for logs and metrics: no content. */
export interface JobOutcome { readonly finish: FinishReason, readonly chargeNano: bigint, readonly paidNano: bigint, readonly tokens: number }

/** Whether the client went away without a word: no normal end, so that only what has vested is owed. */
function isLost (signal: AbortSignal): boolean {
  return signal.reason instanceof CocoonError && signal.reason.code !== 'job_cancelled'
}

/**
 * Runs an admitted job: opens its content, streams sealed tokens no further than the exposure rule allows, signs
 * checkpoints, and ends with the receipt and the last voucher.
 *
 * @throws {CocoonError} what the body or the engine is refused with, voucher_late, stream_closed
 */
export async function runJob (job: AdmittedJob, components: JobComponents): Promise<JobOutcome> {
  const { frames, header, quote, meter } = job
  const { payload, body } = validatePayload(job.opened.payload, quote)
  const providerNonce = components.randomBytes(32)
  const jobId = jobIdOf({ bindingHash: job.binding.hash, ciphertext: job.ciphertext, providerNonce })
  const bill = createBill(quote.quote.prices, header.maxTokens)
  const writer = createChunkWriter({
    sealer: await job.opened.sealer(providerNonce), startHash: runningHashStart(jobId), counts: () => [bill.tokens.prompt, bill.tokens.cached]
  })
  const stopEngine = new AbortController()
  const sender = createAnswerSender({ frames, writer, flushMs: components.flushMs, onError: (error) => { stopEngine.abort(error) } })
  const checkpoints = createCheckpoints({ job, components, jobId, bill, writer })
  const request: EngineRequest = {
    endpoint: payload.endpoint === 'completions' ? 'completions' : 'chat',
    model: toHex(payload.model),
    body,
    prefix: payload.prefix,
    maxTokens: header.maxTokens
  }
  const answer: RunningAnswer = { job, components, bill, sender, checkpoints, providerNonce, accepted: false }
  let finish: FinishReason
  try {
    finish = await streamAnswer(components.engine.generate(request, { signal: AbortSignal.any([job.signal, stopEngine.signal]) }), answer)
  } catch (error) {
    sender.stop()
    if (isLost(job.signal)) {
      sender.lose(job.signal.reason)
    }
    if (!(job.signal.aborted && answer.accepted && sender.error == null)) {
      if (sender.count > 0) {
        await endFailed(answer)
      }
      // Where nothing has left, it costs nothing, and the client may ask the next provider.
      throw error
    }
    finish = 'cancelled'
  }
  const charge = bill.chargeNano()
  await sender.flush({ flush: false, finish })
  await checkpoints.sign(charge).catch((error: unknown) => { sender.lose(error) })
  const { paidNano } = await meter.finish(charge, { timeoutMs: components.voucherWaitMs })
  return { finish, chargeNano: charge, paidNano, tokens: sender.count }
}

interface RunningAnswer {
  readonly job: AdmittedJob
  readonly components: JobComponents
  readonly bill: Bill
  readonly sender: AnswerSender
  readonly checkpoints: Checkpoints
  readonly providerNonce: Uint8Array
  accepted: boolean
}

/** Takes the engine's events until it ends, the charge reaches its limit, or the client stops. */
async function streamAnswer (events: AsyncIterable<EngineEvent>, answer: RunningAnswer): Promise<FinishReason> {
  const { bill, sender } = answer
  const { frames, header, signal } = answer.job
  let finish: FinishReason = 'stop'
  for await (const event of events) {
    if (event.type === 'prompt') {
      bill.setPrompt(event.promptTokens, event.cachedTokens)
      if (!bill.fits('completion', header.maxCharge)) {
        throw new CocoonError('max_charge_too_low')
      }
      await frames.write({ t: 'accept', providerNonce: answer.providerNonce })
      answer.accepted = true
    } else if (event.type === 'end') {
      finish = event.reason
    } else if (!bill.fits(event.class, header.maxCharge)) {
      finish = 'length'
      break
    } else {
      await sendToken(event, answer)
      if (sender.error != null) {
        break
      }
    }
  }
  if (!answer.accepted) {
    throw new CocoonError('engine_failed', 'the engine ended without an answer')
  }
  if (sender.error != null) {
    throw asCocoonError(sender.error, 'stream_closed')
  }
  if (isLost(signal)) {
    throw signal.reason
  }
  return signal.aborted ? 'cancelled' : finish
}

/** Puts one token on the bill and on its way; a checkpoint follows where a window is full. */
async function sendToken (token: Extract<EngineEvent, { type: 'token' }>, { job, components, bill, sender, checkpoints }: RunningAnswer): Promise<void> {
  const { meter, signal } = job
  // A token is on the bill once it may leave: one that waits in vain is neither delivered nor charged.
  const vested = bill.vestedNano(token.class)
  if (!meter.mayLeave(vested)) {
    await sender.flush({ flush: true })
    await meter.waitFor(vested, { signal, timeoutMs: components.voucherWaitMs })
  }
  bill.add(token.class)
  await sender.push({ id: token.id, bytes: token.bytes, class: token.class })
  if (checkpoints.due(vested)) {
    await sender.flush({ flush: false })
    await checkpoints.sign(vested)
  }
}

/** Not a normal end: what has vested is owed, the rest of the prompt is not. */
async function endFailed ({ job, bill, sender, checkpoints }: RunningAnswer): Promise<void> {
  await sender.sent()
  await job.meter.finish(bill.vestedNano(), { timeoutMs: 0 })
  if (sender.error == null) {
    await sender.flush({ flush: false, finish: 'error' })
    await checkpoints.sign(bill.vestedNano())
  }
}
