/**
 * @packageDocumentation
 *
 * An engine without a model, for benchmarks and tests: its tokens are a function of the request, and it is never the
 * bottleneck. Nothing in the default configuration reaches it.
 */
import { createHash } from 'node:crypto'
import { CocoonError, sha256, toHex, utf8 } from '@cocoon-net/protocol'
import { NO_ROOM_RETRY_MS } from './constants.ts'
import { contentText, findModel, parseRequest } from './request.ts'
import { StopMatcher } from './stop-matcher.ts'
import type { Engine, EngineEvent, EngineModel, EngineRequest, GenerateOptions } from './engine.ts'
import type { GenerationRequest } from './request.ts'

export interface SyntheticEngineInit {
  readonly name?: string
  readonly contextLength?: number
  readonly parallel?: number
  /** Tokens of an answer that `maxTokens` does not cut. Default: endless. */
  readonly answerTokens?: number
  /** Awaited before each token; use it to pace a scenario or to fail on purpose. */
  beforeToken?(index: number): Promise<void> | void
}

/** Ids are 0..65535; the bytes of id n are ` wN`. One prompt token is one word. */
export function syntheticEngine (init: SyntheticEngineInit = {}): Engine {
  const name = init.name ?? 'synthetic'
  const contextLength = init.contextLength ?? 131_072
  const total = init.parallel ?? 1_024
  const digest = sha256(utf8(`cocoon/synthetic-engine/v1\0${name}`))
  const info: EngineModel = {
    name, digest, tokenizerDigest: sha256(utf8('cocoon/synthetic-tokenizer/v1')), contextLength, endpoints: ['chat', 'completions'], noIds: false, resumable: true
  }
  const served = [{ info, hex: toHex(digest) }]
  const jobs = new Set<AbortController>()
  let started = false

  async function * generate (request: EngineRequest, options: GenerateOptions = {}): AsyncGenerator<EngineEvent, void, undefined> {
    if (!started) {
      throw new CocoonError('engine_unavailable', 'The engine is not started.')
    }

    findModel(served, request.model)
    const body = parseRequest(request)
    const prefix = request.prefix ?? []
    const text = promptText(body)
    const promptTokens = wordCount(text) + prefix.length

    if (promptTokens + 1 > contextLength) {
      throw new CocoonError('context_too_long')
    }

    if (jobs.size >= total) {
      throw new CocoonError('no_room', undefined, { retryAfterMs: NO_ROOM_RETRY_MS })
    }

    const job = new AbortController()
    const signal = options.signal == null ? job.signal : AbortSignal.any([options.signal, job.signal])
    const limit = Math.min(body.maxTokens, contextLength - promptTokens)
    const answerTokens = init.answerTokens ?? Number.POSITIVE_INFINITY
    const matcher = new StopMatcher(body.stop)
    const seed = createHash('sha256').update(`${text}\0${body.seed ?? 0}`).digest().readUInt32BE(0)
    jobs.add(job)

    try {
      yield { type: 'prompt', promptTokens, cachedTokens: 0 }

      // Positions count from the answer's first token, so that a resumed job gives the same ones.
      for (let i = prefix.length; i < Math.min(answerTokens, prefix.length + limit); i++) {
        await init.beforeToken?.(i)

        if (signal.aborted) {
          yield { type: 'end', reason: 'cancelled' }
          return
        }

        const id = (Math.imul(seed + i, 0x9e3779b1) >>> 16) & 0xffff
        const { release, stopped } = matcher.push({ id, bytes: utf8(` w${id}`), class: 'completion' })

        for (const piece of release) {
          yield { type: 'token', ...piece }
        }

        if (stopped) {
          yield { type: 'end', reason: 'stop' }
          return
        }
      }

      for (const piece of matcher.flush()) {
        yield { type: 'token', ...piece }
      }

      yield { type: 'end', reason: prefix.length + limit <= answerTokens ? 'length' : 'stop' }
    } finally {
      jobs.delete(job)
    }
  }

  return {
    name: 'synthetic',
    version: '1',
    args: [`name=${name}`],
    attestable: false,
    start: async () => { started = true },
    stop: async () => {
      started = false
      jobs.forEach(job => { job.abort() })
    },
    models: () => started ? [info] : [],
    slots: () => ({ total, busy: jobs.size }),
    generate,
    countTokens: (model, text) => model === served[0].hex ? wordCount(text) : undefined
  }
}

function promptText ({ messages, prompt = '' }: GenerationRequest): string {
  if (messages != null) {
    return messages.map(message => contentText(message.content)).join('\n')
  }

  return typeof prompt === 'string' ? prompt : prompt.join(' ')
}

/** At least one, so that no prompt is free. */
function wordCount (text: string): number {
  return Math.max(1, text.match(/\S+/g)?.length ?? 0)
}
