import { CocoonError, LIMITS, TOKEN_CLASSES, asCocoonError, fromRefusal, toHex } from '@cocoon-net/protocol'
import type { AnswerCheck } from './answer-check.ts'
import type { JobPayments } from './job-payments.ts'
import type { FramedStream } from '../streams/framed-stream.ts'
import type { Chunk, FinishReason, InferRequestFrame, InferResponseFrame, Prices, Tier, TokenCounts } from '@cocoon-net/protocol'
import type { ChunkOpener } from '@cocoon-net/sealing'

export type InferFrames = FramedStream<InferResponseFrame, InferRequestFrame>

export interface AnswerToken { readonly id: number, readonly bytes: Uint8Array, readonly class: 'completion' | 'reasoning' }

export interface AttemptResult {
  readonly finish: FinishReason
  readonly tokens: TokenCounts
  readonly prices: Prices
  readonly chargeNano: bigint
  readonly paidNano: bigint
  readonly receipt: { readonly jobId: string, readonly seq: number, readonly hash: string, readonly signature: string }
  readonly tier: Tier
}

/** Opened, checked chunks, one after the other; checkpoints between them are checked on the way. */
export interface ChunkReader {
  /** @throws {CocoonError} what the provider refuses with, answer_inconsistent, seal_failed, frame_malformed */
  next(): Promise<Chunk>
  /** The frame after the final chunk. */
  receipt(): Promise<{ cell: Uint8Array, signature: Uint8Array }>
  /** Why an answer ended as an error: the refusal that follows its receipt. */
  failure(): Promise<CocoonError>
}

export function createChunkReader (init: { frames: InferFrames, check: AnswerCheck, opener: ChunkOpener }): ChunkReader {
  const { frames, check, opener } = init
  const unexpected = (frame: InferResponseFrame, wanted: string): CocoonError =>
    frame.t === 'refusal' ? fromRefusal(frame) : new CocoonError('frame_malformed', `a ${wanted} was expected`)
  return {
    next: async () => {
      for (;;) {
        const frame = await frames.read()
        if (frame.t === 'chunk') {
          return check.chunk(opener.open(frame.sealed))
        }
        if (frame.t !== 'checkpoint') {
          throw unexpected(frame, 'chunk')
        }
        check.receipt(frame.cell, frame.signature, false)
      }
    },
    receipt: async () => {
      const frame = await frames.read()
      if (frame.t !== 'checkpoint') {
        throw unexpected(frame, 'receipt')
      }
      return frame
    },
    failure: async () => {
      const frame = await frames.next()
      return frame?.t === 'refusal' ? fromRefusal(frame) : new CocoonError('engine_failed', 'the provider\'s engine failed in the middle of the answer')
    }
  }
}

export interface ReadAnswerInit {
  readonly first: Chunk
  readonly chunks: ChunkReader
  readonly check: AnswerCheck
  readonly payments: JobPayments
  /** What was verified. */
  readonly tier: Tier
  readonly prices: Prices
  readonly jobId: Uint8Array
  now (): number
  /** Called once; `complete` when the receipt was checked and paid. */
  onEnd (complete: boolean): Promise<void>
}

/** Gives the tokens chunk by chunk, pays as they vest, and ends with the receipt and the exact payment. */
export async function * readAnswer (init: ReadAnswerInit): AsyncGenerator<readonly AnswerToken[], AttemptResult, void> {
  const { chunks, check, payments } = init
  let vouching: Promise<void> = Promise.resolve()
  let vouchError: unknown
  let busy = false
  let lastMs = init.now()
  const pay = (): void => {
    if (busy) {
      return
    }
    const due = init.now() - lastMs >= LIMITS.voucherEveryMs
    busy = true
    vouching = payments.vouch(check.vestedNano(), due)
      .then(() => { lastMs = due ? init.now() : lastMs }, (error: unknown) => { vouchError ??= error })
      .finally(() => { busy = false })
  }
  const timer = setInterval(pay, LIMITS.voucherEveryMs)
  let complete = false
  try {
    let chunk = init.first
    for (;;) {
      pay()
      if (chunk.ids.length > 0) {
        yield tokensOf(chunk)
      }
      if (chunk.final) {
        break
      }
      if (vouchError != null) {
        throw asCocoonError(vouchError)
      }
      chunk = await chunks.next()
    }
    const last = await chunks.receipt()
    const { receipt, hash } = check.receipt(last.cell, last.signature, chunk.finish !== 'error')
    if (receipt.tier !== init.tier) {
      throw new CocoonError('answer_inconsistent', 'the receipt names another tier than was verified')
    }
    await vouching
    await payments.finish(receipt.chargeNano, AbortSignal.timeout(LIMITS.voucherWaitMs))
    complete = true
    if (chunk.finish === 'error') {
      throw await chunks.failure()
    }
    return {
      finish: chunk.finish ?? 'stop',
      tokens: receipt.tokens,
      prices: init.prices,
      chargeNano: receipt.chargeNano,
      paidNano: payments.paidNano,
      receipt: { jobId: toHex(init.jobId), seq: receipt.seq, hash: toHex(hash), signature: toHex(last.signature) },
      tier: receipt.tier
    }
  } finally {
    clearInterval(timer)
    await vouching
    if (!complete) {
      await payments.abandon(check.vestedNano())
    }
    await init.onEnd(complete)
  }
}

function tokensOf (chunk: Chunk): AnswerToken[] {
  return Array.from(chunk.ids, (id, i) => ({ id, bytes: chunk.utf8[i], class: chunk.classes[i] === TOKEN_CLASSES.reasoning ? 'reasoning' : 'completion' }))
}
