import { asCocoonError, CocoonError } from '@cocoon-net/protocol'
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, NO_ROOM_RETRY_MS } from '../constants.ts'
import { findModel } from '../request.ts'
import { answerEvents } from './answer-events.ts'
import { baseUrl } from './base-url.ts'
import { Deadline } from './deadline.ts'
import { remoteModel } from './remote-model.ts'
import { upstreamBody } from './upstream-body.ts'
import { upstreamRefusal } from './upstream-refusal.ts'
import type { OpenaiModelInit, RemoteModel } from './remote-model.ts'
import type { Engine, EngineEvent, EngineModel, EngineRequest, EngineSlots, GenerateOptions } from '../engine.ts'

export interface OpenaiEngineInit {
  /** Base URL up to and without `/chat/completions`, as in `http://127.0.0.1:8000/v1`. */
  readonly url: string
  readonly models: readonly OpenaiModelInit[]
  readonly apiKey?: string
  /** Longest wait for the first byte of an answer; default 60 s. */
  readonly timeoutMs?: number
  /** Longest silence inside an answer; default 30 s. */
  readonly idleTimeoutMs?: number
  /** Jobs at once; default 16. */
  readonly parallel?: number
}

const DEFAULT_PARALLEL = 16

/**
 * Any OpenAI-compatible server (vLLM, SGLang, llama-server, Ollama). It has no token ids, so each delta is one token event
 * with id 0, and it cannot resume. Prompt counts that the server reports after its answer are not used: the `prompt` event
 * comes first and has them only when the first chunk does; otherwise 0, and the caller counts with a tokenizer.
 */
export function openaiEngine (init: OpenaiEngineInit): Engine {
  return new OpenaiEngine(init)
}

class OpenaiEngine implements Engine {
  readonly name = 'openai-compatible'
  readonly version = '1'
  readonly args: readonly string[]
  readonly attestable = false
  private readonly init: OpenaiEngineInit
  private readonly base: string
  private readonly served: readonly RemoteModel[]
  private readonly jobs = new Set<AbortController>()
  private started = false

  constructor (init: OpenaiEngineInit) {
    this.init = init
    this.base = baseUrl(init.url)
    this.args = [`url=${this.base}`]
    this.served = init.models.map(remoteModel)
  }

  async start (): Promise<void> {
    this.started = true
  }

  async stop (): Promise<void> {
    this.started = false
    this.jobs.forEach(job => { job.abort() })
  }

  models (): readonly EngineModel[] {
    return this.started ? this.served.map(model => model.info) : []
  }

  slots (): EngineSlots {
    return { total: this.init.parallel ?? DEFAULT_PARALLEL, busy: this.jobs.size }
  }

  countTokens (): undefined {
    return undefined
  }

  async * generate (request: EngineRequest, options: GenerateOptions = {}): AsyncGenerator<EngineEvent, void, undefined> {
    if (!this.started) {
      throw new CocoonError('engine_unavailable', 'The engine is not started.')
    }

    const model = findModel(this.served, request.model)
    const { body, maxTokens } = upstreamBody(request, model)

    if (this.jobs.size >= (this.init.parallel ?? DEFAULT_PARALLEL)) {
      throw new CocoonError('no_room', undefined, { retryAfterMs: NO_ROOM_RETRY_MS })
    }

    const job = new AbortController()
    const cancelled = options.signal == null ? job.signal : AbortSignal.any([options.signal, job.signal])
    const deadline = new Deadline(this.init.timeoutMs ?? CONNECT_TIMEOUT_MS)
    const signal = AbortSignal.any([cancelled, deadline.signal])
    this.jobs.add(job)

    try {
      const response = await this.post(request.endpoint === 'chat' ? '/chat/completions' : '/completions', body, signal)
      const idleMs = this.init.idleTimeoutMs ?? IDLE_TIMEOUT_MS
      deadline.restart(idleMs)

      for await (const event of answerEvents(response, { signal, maxTokens })) {
        // The server's silence counts, not the reader's.
        deadline.clear()
        yield event

        if (cancelled.aborted && event.type !== 'end') {
          yield { type: 'end', reason: 'cancelled' }
          return
        }

        deadline.restart(idleMs)
      }
    } catch (error) {
      if (cancelled.aborted) {
        yield { type: 'end', reason: 'cancelled' }
        return
      }

      if (deadline.signal.aborted) {
        throw new CocoonError('timeout', 'The inference server did not answer in time.', { cause: error })
      }

      throw asCocoonError(error, 'engine_failed')
    } finally {
      deadline.clear()
      // Also ends the request when the caller stops reading.
      job.abort()
      this.jobs.delete(job)
    }
  }

  private async post (path: string, body: unknown, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    let response: Response

    try {
      response = await fetch(this.base + path, {
        method: 'POST',
        redirect: 'error',
        signal,
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          ...(this.init.apiKey == null ? {} : { authorization: `Bearer ${this.init.apiKey}` })
        },
        body: JSON.stringify(body)
      })
    } catch (error) {
      throw new CocoonError('engine_unavailable', 'The inference server cannot be reached.', { cause: error })
    }

    if (!response.ok) {
      throw await upstreamRefusal(response)
    }

    if (response.body == null || response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      await response.body?.cancel()
      throw new CocoonError('engine_failed', 'The inference server did not answer with an event stream.')
    }

    return response.body
  }
}
