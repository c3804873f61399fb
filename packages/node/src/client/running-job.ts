import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import type { AttemptResult } from './answer-reader.ts'
import type { InferenceEvent, InferenceJob, JobSummary } from './api.ts'
import type { Attempt } from './attempt.ts'

export interface RunningJobInit extends Pick<InferenceJob, 'jobId' | 'provider' | 'tier' | 'tierNote' | 'model'> {
  readonly attempt: Attempt
  readonly cancel: AbortController
  /** Fires with `cancel`, and when the caller's own signal does. */
  readonly signal: AbortSignal
  now(): number
  /** Called once, when the receipt has been checked and paid. */
  onDone(result: AttemptResult, tokensPerSecond: number): JobSummary
  /** Called once instead, with what made the job fail. */
  onFailed(failure: CocoonError): void
}

/** A job under way: text as it comes, and the bill when it ends. A reader that leaves early is billed what was delivered. */
export function runningJob (init: RunningJobInit): InferenceJob {
  const { attempt, cancel, signal } = init
  const summary = Promise.withResolvers<JobSummary>()
  const firstMs = init.now()
  const state = { over: false, tokens: 0 }

  const complete = (result: AttemptResult): void => {
    state.over = true
    const seconds = (init.now() - firstMs) / 1_000
    summary.resolve(init.onDone(result, seconds > 0 ? Math.max(0, (state.tokens - 1) / seconds) : 0))
  }
  const fail = (error: unknown): CocoonError => {
    state.over = true
    const failure = asCocoonError(error, 'stream_closed')
    init.onFailed(failure)
    summary.reject(failure)
    return failure
  }
  /** Reads a cancelled job to its receipt, so that the last voucher is exact. */
  const settle = async (): Promise<void> => {
    while (!state.over) {
      try {
        const next = await attempt.tokens.next()
        if (next.done !== true) {
          state.tokens += next.value.length
        } else if (!state.over) {
          complete(next.value)
        }
      } catch (error) {
        if (!state.over) {
          fail(error)
        }
      }
    }
  }
  const stop = (): void => { cancel.abort(new CocoonError('job_cancelled')) }

  // A caller that cancels may never read on: the job is read to its receipt all the same, or it would leave a debt.
  const onAbort = (): void => { void settle() }
  signal.addEventListener('abort', onAbort, { once: true })
  // A caller that only reads the events must not meet an unhandled rejection.
  void summary.promise.catch(() => {}).finally(() => { signal.removeEventListener('abort', onAbort) })
  if (signal.aborted) {
    onAbort()
  }

  const events = (async function * (): AsyncGenerator<InferenceEvent, void, void> {
    const decoder = new TextDecoder('utf-8')
    try {
      for (;;) {
        const next = await attempt.tokens.next()
        if (state.over) {
          yield { type: 'end', reason: 'cancelled' }
          return
        }
        if (next.done === true) {
          complete(next.value)
          const rest = decoder.decode()
          if (rest !== '') {
            yield { type: 'tokens', tokens: [{ text: rest, class: 'completion', index: state.tokens }] }
          }
          yield { type: 'end', reason: next.value.finish }
          return
        }
        yield { type: 'tokens', tokens: next.value.map(token => ({ text: decoder.decode(token.bytes, { stream: true }), class: token.class, index: state.tokens++ })) }
      }
    } catch (error) {
      throw state.over ? error : fail(error)
    } finally {
      stop()
      await settle()
    }
  })()
  const { jobId, provider, tier, tierNote, model } = init
  return { jobId, provider, tier, tierNote, model, events, summary: summary.promise, cancel: stop }
}
