import { CocoonError } from '@cocoon-net/protocol'
import { answerHeaders, finishReason, shapeOf, textJoiner } from './answer.ts'
import { MAX_ANSWER_CHARACTERS } from './constants.ts'
import { within } from './deadline.ts'
import { errorBody, publicError } from './error-response.ts'
import type { InferenceBackend, InferenceEvent, InferenceJob, InferenceToken, JobSummary } from './backend.ts'
import type { ParsedRequest } from './inference-request.ts'

export interface Deadlines {
  readonly firstTokenMs: number
  readonly idleMs: number
  readonly summaryMs: number
}

export interface JobRunInit {
  readonly backend: InferenceBackend
  readonly request: ParsedRequest
  /** Fires when the caller goes away. */
  readonly signal: AbortSignal
  readonly deadlines: Deadlines
  /** Unix seconds. */
  readonly created: number
  readonly headers: Readonly<Record<string, string>>
  /** Called once, when nothing of the job is left. */
  onEnd (outcome: 'done' | 'cancelled' | 'failed', error?: unknown): void
}

const ENCODER = new TextEncoder()

function serverSent (data: string): string {
  return `data: ${data}\n\n`
}

/** One job from request to the last byte of its response. Whatever ends it early ends the bill. */
class JobRun {
  private readonly init: JobRunInit
  private readonly abort = new AbortController()
  private readonly onGone = (): void => { this.end('cancelled') }
  private job: InferenceJob | undefined
  private ended = false

  constructor (init: JobRunInit) {
    this.init = init
    if (init.signal.aborted) {
      this.abort.abort(init.signal.reason)
    }
    init.signal.addEventListener('abort', this.onGone, { once: true })
  }

  async respond (): Promise<Response> {
    const { backend, request, deadlines } = this.init
    try {
      const job = await within(backend.infer(request.inference, { signal: this.abort.signal }), {
        deadlineMs: deadlines.firstTokenMs,
        signal: this.abort.signal,
        what: 'The first token',
        late: late => {
          late.summary.catch(() => {})
          late.cancel()
        }
      })
      this.job = job
      // Rejections are read where the summary is used; without a reader they must not become unhandled.
      job.summary.catch(() => {})
      return request.stream ? this.streamed(job) : await this.whole(job)
    } catch (error) {
      this.end(this.abort.signal.aborted ? 'cancelled' : 'failed', error)
      throw error
    }
  }

  /** Cancels the job unless it is over; runs once. */
  private end (outcome: 'done' | 'cancelled' | 'failed', error?: unknown): void {
    if (this.ended) {
      return
    }
    this.ended = true
    this.init.signal.removeEventListener('abort', this.onGone)
    if (outcome !== 'done') {
      this.job?.cancel()
      this.abort.abort()
    }
    this.init.onEnd(outcome, error)
  }

  private async next (events: AsyncIterator<InferenceEvent>): Promise<InferenceEvent> {
    const { done, value } = await within(events.next(), { deadlineMs: this.init.deadlines.idleMs, signal: this.abort.signal, what: 'The next token' })
    if (done === true) {
      throw new CocoonError('stream_closed', 'The answer ended without its end mark')
    }
    return value
  }

  private async summary (job: InferenceJob): Promise<JobSummary> {
    return within(job.summary, { deadlineMs: this.init.deadlines.summaryMs, signal: this.abort.signal, what: 'The bill' })
  }

  /** What an `error` end means is in the summary's rejection. */
  private async failure (job: InferenceJob): Promise<CocoonError> {
    try {
      await this.summary(job)
    } catch (error) {
      return publicError(error)
    }
    return new CocoonError('stream_closed', 'The provider failed in the middle of the answer')
  }

  private async whole (job: InferenceJob): Promise<Response> {
    const events = job.events[Symbol.asyncIterator]()
    const parts: Record<'completion' | 'reasoning', string> = { completion: '', reasoning: '' }
    while (true) {
      const event = await this.next(events)
      if (event.type === 'tokens') {
        for (const token of event.tokens) {
          parts[token.class] += token.text
        }
        if (parts.completion.length + parts.reasoning.length > MAX_ANSWER_CHARACTERS) {
          throw new CocoonError('answer_inconsistent', 'The answer is longer than any model\'s context')
        }
        continue
      }
      if (event.reason === 'error') {
        throw await this.failure(job)
      }
      const summary = await this.summary(job)
      const shape = shapeOf(this.init.request.inference.endpoint, job, { created: this.init.created, includeUsage: false })
      const body = JSON.stringify(shape.whole(parts.completion, parts.reasoning, finishReason(event), summary))
      this.end('done')
      return new Response(body, { headers: { ...this.init.headers, ...answerHeaders(job), 'content-type': 'application/json' } })
    }
  }

  private streamed (job: InferenceJob): Response {
    const chunks = this.chunks(job)
    const stream = new ReadableStream<Uint8Array>({
      // Pulled, so that a caller that reads slowly holds back the events and with them the vouchers.
      pull: async controller => {
        const { done, value } = await chunks.next()
        if (done === true) {
          controller.close()
        } else {
          controller.enqueue(ENCODER.encode(value))
        }
      },
      cancel: () => { this.end('cancelled') }
    }, { highWaterMark: 0 })

    return new Response(stream, {
      headers: {
        ...this.init.headers,
        ...answerHeaders(job),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no'
      }
    })
  }

  /**
   * Server-sent events, one for each token; those of one sealed chunk come in one piece, since a write to a socket costs
   * more than the event. Errors in mid-stream become an event, since the status is long sent.
   */
  private async * chunks (job: InferenceJob): AsyncGenerator<string> {
    const { includeUsage, inference } = this.init.request
    const shape = shapeOf(inference.endpoint, job, { created: this.init.created, includeUsage })
    const events = job.events[Symbol.asyncIterator]()
    const joiners = { completion: textJoiner(), reasoning: textJoiner() }
    const pieceOf = (tokens: readonly InferenceToken[]): string => {
      let piece = ''
      for (const token of tokens) {
        const text = joiners[token.class](token.text)
        piece += text === '' ? '' : serverSent(shape.piece(text, token.class))
      }
      return piece
    }
    try {
      const opening = shape.opening()
      if (opening !== undefined) {
        yield serverSent(opening)
      }
      while (true) {
        const event = await this.next(events)
        if (event.type === 'tokens') {
          const piece = pieceOf(event.tokens)
          if (piece !== '') {
            yield piece
          }
          continue
        }
        if (event.reason === 'error') {
          throw await this.failure(job)
        }
        yield serverSent(shape.ending(finishReason(event)))
        if (includeUsage) {
          yield serverSent(shape.usage(await this.summary(job)))
        }
        this.end('done')
        yield serverSent('[DONE]')
        return
      }
    } catch (error) {
      this.end(this.abort.signal.aborted ? 'cancelled' : 'failed', error)
      yield serverSent(JSON.stringify(errorBody(publicError(error))))
    } finally {
      this.end('cancelled')
    }
  }
}

/**
 * Runs a job and gives its response, streamed or whole. Resolves with the first event of a stream, so that everything
 * that goes wrong before it still gets a status of its own.
 *
 * @throws {CocoonError} what the backend throws; timeout; job_cancelled when the caller has gone
 */
export async function runJob (init: JobRunInit): Promise<Response> {
  return new JobRun(init).respond()
}
