import { createHash } from 'node:crypto'
import { asCocoonError, CocoonError, digestFromHex, toHex, utf8 } from '@cocoon-net/protocol'
import { z } from 'zod'
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_ERROR_BYTES, NO_ROOM_RETRY_MS } from './constants.ts'
import { findModel, unsupported } from './request.ts'
import { readEvents } from './sse.ts'
import type { EndReason, Engine, EngineEvent, EngineModel, EngineRequest, EngineSlots, GenerateOptions } from './engine.ts'

export interface OpenaiModelInit {
  readonly name: string
  /** The server's own name of the model; default: `name`. */
  readonly upstream?: string
  /** 64 hex digits; default: a digest of the name, which proves nothing about the weights. */
  readonly digest?: string
  readonly contextLength: number
}

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

/** Passed on unchanged; everything else is refused, because a server might ignore it silently. */
const PASSED = new Set([
  'messages', 'prompt', 'temperature', 'top_p', 'seed', 'stop', 'frequency_penalty', 'presence_penalty', 'response_format',
  'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning_effort', 'top_k', 'min_p'
])

/** Read here or without effect upstream. */
const TAKEN = new Set(['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'user', 'metadata', 'store'])

/** Accepted at their default only. */
const DEFAULTS: Readonly<Record<string, readonly unknown[]>> = Object.freeze({
  n: [1], logprobs: [false, 0], echo: [false], best_of: [1]
})

const count = z.number().int().min(0).max(0xffffffff)
const usageSchema = z.object({ prompt_tokens: count, prompt_tokens_details: z.object({ cached_tokens: count.nullish() }).nullish() })
const chunkSchema = z.object({
  error: z.unknown().optional(),
  choices: z.array(z.object({
    text: z.string().nullish(),
    delta: z.object({
      content: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.string().nullish(),
      tool_calls: z.array(z.unknown()).nullish()
    }).nullish(),
    finish_reason: z.string().nullish()
  })).nullish(),
  usage: usageSchema.nullish()
})
type Chunk = z.infer<typeof chunkSchema>

/**
 * Any OpenAI-compatible server (vLLM, SGLang, llama-server, Ollama). It has no token ids, so each delta is one token event
 * with id 0, and it cannot resume. Prompt counts that the server reports after its answer are not used: the `prompt` event
 * comes first and has them only when the first chunk does; otherwise 0, and the caller counts with a tokenizer.
 */
export function openaiEngine (init: OpenaiEngineInit): Engine {
  return new OpenaiEngine(init)
}

interface RemoteModel {
  readonly info: EngineModel
  readonly hex: string
  readonly upstream: string
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

      for await (const event of answer(response, { signal, maxTokens })) {
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
      throw await refusal(response)
    }

    if (response.body == null || response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      await response.body?.cancel()
      throw new CocoonError('engine_failed', 'The inference server did not answer with an event stream.')
    }

    return response.body
  }
}

interface AnswerOptions {
  readonly signal: AbortSignal
  readonly maxTokens: number
}

async function * answer (body: ReadableStream<Uint8Array>, options: AnswerOptions): AsyncGenerator<EngineEvent, void, undefined> {
  let begun = false
  let produced = 0
  let reason: EndReason | undefined
  let done = false

  for await (const data of readEvents(body, options.signal)) {
    if (data === '[DONE]') {
      done = true
      break
    }

    const chunk = parseChunk(data)

    if (!begun) {
      begun = true
      const cachedTokens = Math.min(chunk.usage?.prompt_tokens_details?.cached_tokens ?? 0, chunk.usage?.prompt_tokens ?? 0)
      yield { type: 'prompt', promptTokens: (chunk.usage?.prompt_tokens ?? 0) - cachedTokens, cachedTokens }
    }

    const choice = chunk.choices?.[0]
    const pieces = [
      { text: choice?.delta?.reasoning_content ?? choice?.delta?.reasoning, class: 'reasoning' as const },
      { text: choice?.delta?.content ?? choice?.text, class: 'completion' as const }
    ]

    if ((choice?.delta?.tool_calls?.length ?? 0) > 0) {
      throw unsupported('tools', 'The inference server answered with a tool call.')
    }

    for (const piece of pieces) {
      if (piece.text == null || piece.text.length === 0) {
        continue
      }

      if (produced >= options.maxTokens) {
        yield { type: 'end', reason: 'length' }
        return
      }

      produced++
      yield { type: 'token', id: 0, bytes: utf8(piece.text), class: piece.class }
    }

    if (choice?.finish_reason != null) {
      reason = choice.finish_reason === 'length' ? 'length' : 'stop'
    }
  }

  if (!begun || (reason == null && !done)) {
    throw new CocoonError('engine_failed', 'The inference server ended its answer early.')
  }

  yield { type: 'end', reason: reason ?? 'stop' }
}

function parseChunk (data: string): Chunk {
  let value: unknown

  try {
    value = JSON.parse(data)
  } catch (error) {
    throw new CocoonError('engine_failed', 'The inference server sent something else than JSON.', { cause: error })
  }

  const chunk = chunkSchema.safeParse(value)

  if (!chunk.success || chunk.data.error != null) {
    throw new CocoonError('engine_failed', 'The inference server sent an error or an unknown shape.', { cause: chunk.error })
  }

  return chunk.data
}

/** One timer that aborts a signal unless it is set again in time. */
class Deadline {
  private readonly controller = new AbortController()
  private timer: ReturnType<typeof setTimeout>

  constructor (timeoutMs: number) {
    this.timer = this.arm(timeoutMs)
  }

  get signal (): AbortSignal {
    return this.controller.signal
  }

  restart (timeoutMs: number): void {
    this.clear()
    this.timer = this.arm(timeoutMs)
  }

  clear (): void {
    clearTimeout(this.timer)
  }

  private arm (timeoutMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => { this.controller.abort() }, timeoutMs)
  }
}

function upstreamBody (request: EngineRequest, model: RemoteModel): { body: Record<string, unknown>, maxTokens: number } {
  if ((request.prefix?.length ?? 0) > 0) {
    throw unsupported('prefix', 'A server without token ids cannot go on from tokens.')
  }

  const body: Record<string, unknown> = {}

  for (const [key, value] of Object.entries(request.body)) {
    if (TAKEN.has(key) || value == null || DEFAULTS[key]?.includes(value) === true) {
      continue
    }

    // A tool call has no place among the events yet; sent on, its tokens would be lost.
    if (!PASSED.has(key) || key === 'tools') {
      throw unsupported(key, 'The engine does not support a parameter of the request.')
    }

    body[key] = value
  }

  const asked = request.body.max_completion_tokens ?? request.body.max_tokens ?? request.maxTokens
  const input = request.endpoint === 'chat' ? 'messages' : 'prompt'

  if (typeof asked !== 'number' || !Number.isSafeInteger(asked) || asked < 1) {
    throw new CocoonError('bad_request', 'max_tokens must be a positive integer.', { details: { parameter: 'max_tokens' } })
  }

  if (body[input] == null) {
    throw new CocoonError('bad_request', `The request has no ${input}.`, { details: { parameter: input } })
  }

  const maxTokens = Math.min(asked, request.maxTokens)

  return {
    // `continuous_usage_stats` is vLLM's: usage in every chunk, so that the first one has the prompt's count.
    body: { ...body, model: model.upstream, max_tokens: maxTokens, stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } },
    maxTokens
  }
}

async function refusal (response: Response): Promise<CocoonError> {
  const details = { status: response.status }
  const text = await readSome(response.body, MAX_ERROR_BYTES)

  if (response.status === 429 || response.status === 503) {
    return new CocoonError('no_room', undefined, { details, retryAfterMs: NO_ROOM_RETRY_MS })
  }

  if (response.status === 400 && /context|maximum.*length|too long/i.test(text)) {
    return new CocoonError('context_too_long', undefined, { details })
  }

  return new CocoonError(response.status === 400 || response.status === 422 ? 'bad_request' : 'engine_failed', 'The inference server refused the request.', { details })
}

async function readSome (body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0

  for await (const part of body ?? []) {
    parts.push(part)
    size += part.length

    if (size >= maxBytes) {
      break
    }
  }

  return Buffer.concat(parts).subarray(0, maxBytes).toString()
}

function baseUrl (text: string): string {
  const url = URL.parse(text)

  if (url == null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CocoonError('config_invalid', 'The engine\'s URL must begin with http:// or https://.')
  }

  // Passwords would end up in the run-time configuration, which is published.
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new CocoonError('config_invalid', 'The engine\'s URL must hold no user, password or query.')
  }

  return url.href.replace(/\/+$/, '')
}

function remoteModel (init: OpenaiModelInit): RemoteModel {
  let digest: Uint8Array

  try {
    digest = init.digest == null
      ? new Uint8Array(createHash('sha256').update(`cocoon/unverified-model/v1\0${init.name}`).digest())
      : digestFromHex(init.digest)
  } catch (error) {
    throw new CocoonError('config_invalid', 'A model digest has 64 hex digits.', { cause: error })
  }

  return {
    hex: toHex(digest),
    upstream: init.upstream ?? init.name,
    info: {
      name: init.name,
      digest,
      tokenizerDigest: new Uint8Array(32),
      contextLength: init.contextLength,
      endpoints: ['chat', 'completions'],
      noIds: true,
      resumable: false
    }
  }
}
