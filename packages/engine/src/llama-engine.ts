import { randomInt } from 'node:crypto'
import { asCocoonError, CocoonError } from '@cocoon-net/protocol'
import { STOP_WAIT_MS } from './constants.ts'
import { llamaAnswer } from './llama-answer.ts'
import { grammarState } from './llama-grammar.ts'
import { loadLlamaModel } from './llama-model.ts'
import { findModel, parseRequest } from './request.ts'
import type { Engine, EngineEvent, EngineModel, EngineRequest, EngineSlots, GenerateOptions } from './engine.ts'
import type { LoadedModel } from './llama-model.ts'
import type { Llama } from 'node-llama-cpp'

export interface LlamaModelInit {
  /** A GGUF file. */
  readonly file: string
  /** Default: `general.name` of the file. */
  readonly name?: string
  /** Tokens of one sequence; default: what the model was trained on. */
  readonly contextLength?: number
}

export interface LlamaEngineInit {
  readonly models: readonly LlamaModelInit[]
  /** Default 1, the fastest for tiny models; large ones want the machine's cores. */
  readonly threads?: number
  /** Jobs at once for each model. Default 4. */
  readonly parallel?: number
  /** Default false: the CPU. Anything else needs the matching platform package of node-llama-cpp. */
  readonly gpu?: false | 'auto' | 'cuda' | 'vulkan' | 'metal'
  /** Keep a sequence's state for the next job, whoever sends it. Off by default: other callers could time what it holds. */
  readonly promptCache?: boolean
  /** Seeds for requests that name none. */
  randomSeed?(): number
}

/** Version of the library that this package is tested with, as pinned in package.json. */
const LLAMA_VERSION = '3.21.1'
const DEFAULT_PARALLEL = 4

/** An engine inside this process: llama.cpp on GGUF files. The library is loaded in `start()`. */
export function llamaEngine (init: LlamaEngineInit): Engine {
  return new LlamaEngine(init)
}

class LlamaEngine implements Engine {
  readonly name = 'llama.cpp'
  readonly version = `node-llama-cpp ${LLAMA_VERSION}`
  readonly args: readonly string[]
  readonly attestable = true
  private readonly init: LlamaEngineInit
  private llama?: Llama
  private loaded: LoadedModel[] = []
  private readonly jobs = new Set<AbortController>()
  private readonly idle = new Set<() => void>()

  constructor (init: LlamaEngineInit) {
    this.init = init
    this.args = [
      `threads=${init.threads ?? 1}`,
      `parallel=${init.parallel ?? DEFAULT_PARALLEL}`,
      `gpu=${String(init.gpu ?? false)}`,
      `promptCache=${String(init.promptCache ?? false)}`,
      'flashAttention=false'
    ]
  }

  async start (): Promise<void> {
    if (this.llama != null) {
      return
    }

    try {
      const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
      this.llama = await getLlama({
        build: 'never', skipDownload: true, gpu: this.init.gpu ?? false, progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: this.init.threads ?? 1
      })

      for (const model of this.init.models) {
        this.loaded.push(await loadLlamaModel(this.llama, {
          ...model, threads: this.init.threads ?? 1, parallel: this.init.parallel ?? DEFAULT_PARALLEL
        }))
      }
    } catch (error) {
      await this.stop()
      throw asCocoonError(error, 'engine_unavailable')
    }
  }

  async stop (): Promise<void> {
    const models = this.loaded
    const llama = this.llama
    this.loaded = []
    this.llama = undefined
    models.forEach(model => { model.pool.close() })
    this.jobs.forEach(job => { job.abort() })

    if (this.jobs.size > 0) {
      // A caller that stopped reading without ending its iterator must not hold the process.
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, STOP_WAIT_MS)
        this.idle.add(() => { clearTimeout(timer); resolve() })
      })
    }

    for (const model of models) {
      await model.dispose()
    }

    await llama?.dispose()
  }

  models (): readonly EngineModel[] {
    return this.loaded.map(model => model.info)
  }

  slots (): EngineSlots {
    return {
      total: this.loaded.reduce((sum, model) => sum + model.pool.total, 0),
      busy: this.loaded.reduce((sum, model) => sum + model.pool.busy, 0)
    }
  }

  countTokens (model: string, text: string): number | undefined {
    return this.loaded.find(item => item.hex === model)?.tokenize(text).length
  }

  async * generate (request: EngineRequest, options: GenerateOptions = {}): AsyncGenerator<EngineEvent, void, undefined> {
    const llama = this.llama

    if (llama == null) {
      throw new CocoonError('engine_unavailable', 'The engine is not started.')
    }

    const model = findModel(this.loaded, request.model)
    const body = parseRequest(request)
    const prompt = [...model.promptTokens(body), ...checkPrefix(request.prefix ?? [], model.vocabulary.size)]

    // One place is needed for the first answer token.
    if (prompt.length + 1 > model.info.contextLength) {
      throw new CocoonError('context_too_long', undefined, { details: { promptTokens: prompt.length, contextLength: model.info.contextLength } })
    }

    const job = new AbortController()
    const signal = options.signal == null ? job.signal : AbortSignal.any([options.signal, job.signal])
    this.jobs.add(job)

    try {
      const prefix = request.prefix ?? []
      const grammar = await grammarState({ llama, model, format: body.responseFormat, prefix })
      const sequence = await model.pool.acquire(signal)

      try {
        const { promptCache = false, randomSeed = defaultSeed } = this.init
        yield * llamaAnswer(model, sequence, { body, prompt, grammar, prefix, keepsState: promptCache, seed: seedOf(body.seed) ?? randomSeed(), signal })
      } finally {
        try {
          // Nothing of a job stays where another caller's timing could reveal it.
          if (this.init.promptCache !== true && !sequence.disposed) {
            await sequence.clearHistory()
          }
        } finally {
          model.pool.release(sequence)
        }
      }
    } catch (error) {
      if (signal.aborted) {
        yield { type: 'end', reason: 'cancelled' }
        return
      }
      throw asCocoonError(error, 'engine_failed')
    } finally {
      this.jobs.delete(job)

      if (this.jobs.size === 0) {
        this.idle.forEach(resolve => { resolve() })
        this.idle.clear()
      }
    }
  }
}

function checkPrefix (prefix: readonly number[], vocabularySize: number): readonly number[] {
  if (prefix.some(id => !Number.isInteger(id) || id < 0 || id >= vocabularySize)) {
    throw new CocoonError('bad_request', 'A prefix token is not in the model\'s vocabulary.', { details: { parameter: 'prefix' } })
  }

  return prefix
}

/** llama.cpp takes 32 bits; OpenAI allows any integer. */
function seedOf (seed: number | undefined): number | undefined {
  return seed == null ? undefined : Number(BigInt.asUintN(32, BigInt(seed)))
}

function defaultSeed (): number {
  return randomInt(2 ** 32)
}
