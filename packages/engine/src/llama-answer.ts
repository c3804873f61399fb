import { DEFAULT_TEMPERATURE, PROMPT_CHUNK_TOKENS } from './constants.ts'
import { StopMatcher } from './stop-matcher.ts'
import type { EndReason, EngineEvent } from './engine.ts'
import type { LoadedModel } from './llama-model.ts'
import type { GenerationRequest } from './request.ts'
import type { LlamaContextSequence, LlamaGrammarEvaluationState, SequenceEvaluateOptions, Token } from 'node-llama-cpp'

/** One answer to be made on one sequence. */
export interface LlamaJob {
  readonly body: GenerationRequest
  /** The prompt's tokens, and those of the answer that it goes on from. */
  readonly prompt: readonly number[]
  /** Those of the answer alone. */
  readonly prefix: readonly number[]
  readonly grammar?: LlamaGrammarEvaluationState
  /** The sequence holds what an earlier job left, and what the prompt shares with that is not read again. */
  readonly keepsState: boolean
  /** 32 bits. */
  readonly seed: number
  readonly signal: AbortSignal
}

/** Reads the prompt and makes tokens: `prompt` first and `end` last. */
export async function * llamaAnswer (model: LoadedModel, sequence: LlamaContextSequence, job: LlamaJob): AsyncGenerator<EngineEvent, void, undefined> {
  const { body, prompt, signal } = job
  const head = prompt.slice(0, -1) as Token[]

  if (job.keepsState) {
    await sequence.adaptStateToTokens(head, false)
  }

  const cachedTokens = sequence.nextTokenIndex
  yield { type: 'prompt', promptTokens: prompt.length - cachedTokens, cachedTokens }

  for (let at = cachedTokens; at < head.length && !signal.aborted; at += PROMPT_CHUNK_TOKENS) {
    await sequence.evaluateWithoutGeneratingNewTokens(head.slice(at, at + PROMPT_CHUNK_TOKENS))
  }

  if (signal.aborted) {
    yield { type: 'end', reason: 'cancelled' }
    return
  }

  const generated = [...job.prefix] as Token[]
  const matcher = new StopMatcher(body.stop)
  const classes = model.classifier(prompt)
  let left = Math.min(body.maxTokens, model.info.contextLength - prompt.length)
  let reason: EndReason | undefined

  for await (const token of sequence.evaluate([prompt[prompt.length - 1] as Token], samplingOf(job, generated))) {
    if (signal.aborted) {
      yield { type: 'end', reason: 'cancelled' }
      return
    }

    generated.push(token)
    left--
    const { release, stopped } = matcher.push({ id: token, bytes: model.vocabulary.bytesOf(token), class: classes(token) })

    for (const piece of release) {
      yield { type: 'token', ...piece }
    }

    if (stopped) {
      yield { type: 'end', reason: 'stop' }
      return
    }

    if (left <= 0) {
      reason = 'length'
      break
    }
  }

  for (const piece of matcher.flush()) {
    yield { type: 'token', ...piece }
  }

  yield { type: 'end', reason: signal.aborted ? 'cancelled' : reason ?? 'stop' }
}

/** How the next token is chosen; penalties look at the tokens generated so far. */
function samplingOf ({ body, grammar, seed }: LlamaJob, generated: Token[]): SequenceEvaluateOptions {
  const { temperature = DEFAULT_TEMPERATURE, topP = 1, topK = 0, minP = 0, frequencyPenalty, presencePenalty } = body
  const penalises = frequencyPenalty !== 0 || presencePenalty !== 0

  return {
    temperature,
    topP,
    topK,
    minP,
    seed,
    grammarEvaluationState: grammar,
    repeatPenalty: penalises ? { punishTokens: () => generated, penalty: 1, frequencyPenalty, presencePenalty } : undefined
  }
}
