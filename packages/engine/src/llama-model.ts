import { CocoonError, isModelName, toHex } from '@cocoon-net/protocol'
import { CHATML_TEMPLATE, ChatTemplate, tokenizePrompt } from './chat-template.ts'
import { QUEUE_PER_SEQUENCE, QUEUE_WAIT_MS } from './constants.ts'
import { GgufVocabulary } from './gguf-vocabulary.ts'
import { digestModelFiles, GGUF_PATH } from './model-files.ts'
import { SlotPool } from './slot-pool.ts'
import type { EngineModel, TokenClass } from './engine.ts'
import type { TokenizerMetadata } from './gguf-vocabulary.ts'
import type { GenerationRequest } from './request.ts'
import type { Llama, LlamaContextSequence, LlamaModel } from 'node-llama-cpp'

export interface LlamaModelOptions {
  readonly file: string
  readonly name?: string
  readonly contextLength?: number
  readonly threads: number
  readonly parallel: number
}

/** A model in memory, with its vocabulary, template and sequences. */
export interface LoadedModel {
  readonly info: EngineModel
  readonly hex: string
  readonly model: LlamaModel
  readonly vocabulary: GgufVocabulary
  readonly pool: SlotPool<LlamaContextSequence>
  tokenize(text: string): number[]
  promptTokens(body: GenerationRequest): number[]
  /** Says of each generated token whether it is reasoning, after a prompt that may have opened it. */
  classifier(prompt: readonly number[]): (token: number) => TokenClass
  dispose(): Promise<void>
}

/** @throws {CocoonError} file_unusable */
export async function loadLlamaModel (llama: Llama, options: LlamaModelOptions): Promise<LoadedModel> {
  const { readGgufFileInfo } = await import('node-llama-cpp')
  const digest = await digestModelFiles([{ path: GGUF_PATH, file: options.file }])
  let file: Awaited<ReturnType<typeof readGgufFileInfo>>
  let model: LlamaModel

  try {
    file = await readGgufFileInfo(options.file, { readTensorInfo: false, sourceType: 'filesystem', logWarnings: false })
    model = await llama.loadModel({ modelPath: options.file, defaultContextFlashAttention: false })
  } catch (error) {
    throw new CocoonError('file_unusable', `Not a usable GGUF: ${options.file}`, { cause: error })
  }

  const { general, tokenizer } = file.metadata
  const vocabulary = new GgufVocabulary(tokenizer.ggml as unknown as TokenizerMetadata)
  const contextLength = Math.min(options.contextLength ?? model.trainContextSize, model.trainContextSize)
  const context = await model.createContext({
    contextSize: contextLength, sequences: options.parallel, threads: options.threads, flashAttention: false
  })
  const sequences = Array.from({ length: options.parallel }, () => context.getSequence())
  const bos = model.tokens.bos
  const template = new ChatTemplate(tokenizer.chat_template ?? CHATML_TEMPLATE, {
    bosToken: model.tokens.bosString ?? '', eosToken: model.tokens.eosString ?? ''
  })
  const tokenize = (text: string): number[] => model.tokenize(text, false)
  const withBos = (ids: number[]): number[] => model.tokens.shouldPrependBosToken && bos != null && ids[0] !== bos ? [bos, ...ids] : ids

  return {
    info: {
      name: modelName(options.name ?? general.name ?? 'model'),
      digest,
      tokenizerDigest: vocabulary.digest,
      contextLength,
      quantization: quantizationOf(general.file_type),
      endpoints: ['chat', 'completions'],
      noIds: false,
      resumable: true
    },
    hex: toHex(digest),
    model,
    vocabulary,
    pool: new SlotPool(sequences, { maxQueue: options.parallel * QUEUE_PER_SEQUENCE, maxWaitMs: QUEUE_WAIT_MS }),
    tokenize,
    promptTokens: body => {
      if (body.messages != null) {
        return withBos(tokenizePrompt(template.render(body.messages), vocabulary.specials, tokenize))
      }

      const ids = typeof body.prompt === 'string' ? withBos(tokenize(body.prompt)) : [...body.prompt ?? []]

      if (ids.length === 0 || ids.some(id => id >= vocabulary.size)) {
        throw new CocoonError('bad_request', 'The prompt is empty or holds an unknown token.', { details: { parameter: 'prompt' } })
      }

      return ids
    },
    classifier: classifierOf(vocabulary),
    dispose: async () => {
      await context.dispose()
      await model.dispose()
    }
  }
}

/** Marks the tokens from `<think>` to `</think>`, for vocabularies that have both. */
function classifierOf (vocabulary: GgufVocabulary): LoadedModel['classifier'] {
  const open = vocabulary.find('<think>')
  const close = vocabulary.find('</think>')

  return prompt => {
    let thinking = open != null && close != null && prompt.lastIndexOf(open) > prompt.lastIndexOf(close)

    return token => {
      if (close != null && token === open) {
        thinking = true
      }

      const kind = thinking ? 'reasoning' : 'completion'

      if (token === close) {
        thinking = false
      }

      return kind
    }
  }
}

/** Names travel in offers: letters that they may not have become dashes. */
function modelName (name: string): string {
  const clean = name.trim().replaceAll(/[^A-Za-z0-9._:/-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 128)

  return isModelName(clean) ? clean : 'model'
}

/** `general.file_type` of the GGUF specification; the values in common use. */
const FILE_TYPES: Readonly<Record<number, string>> = Object.freeze({
  0: 'F32', 1: 'F16', 2: 'Q4_0', 3: 'Q4_1', 7: 'Q8_0', 8: 'Q5_0', 9: 'Q5_1', 10: 'Q2_K', 12: 'Q3_K_M', 14: 'Q4_K_S', 15: 'Q4_K_M', 16: 'Q5_K_S', 17: 'Q5_K_M', 18: 'Q6_K', 32: 'BF16'
})

function quantizationOf (fileType: unknown): string | undefined {
  return typeof fileType === 'number' ? FILE_TYPES[fileType] : undefined
}
