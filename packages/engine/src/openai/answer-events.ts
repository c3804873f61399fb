import { CocoonError, utf8 } from '@cocoon-net/protocol'
import { z } from 'zod'
import { unsupported } from '../request.ts'
import { readEvents } from './sse.ts'
import type { EndReason, EngineEvent, TokenClass } from '../engine.ts'

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
type Choice = NonNullable<Chunk['choices']>[number]

interface AnswerOptions {
  readonly signal: AbortSignal
  readonly maxTokens: number
}

/**
 * A server's event stream as an engine's events, `prompt` first and `end` last.
 *
 * @throws {CocoonError} engine_failed when the stream ends early, or holds an error or an unknown shape
 */
export async function * answerEvents (body: ReadableStream<Uint8Array>, options: AnswerOptions): AsyncGenerator<EngineEvent, void, undefined> {
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
      yield promptEvent(chunk.usage)
    }

    const choice = chunk.choices?.[0]

    for (const piece of piecesOf(choice)) {
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

function promptEvent (usage: Chunk['usage']): EngineEvent {
  const promptTokens = usage?.prompt_tokens ?? 0
  const cachedTokens = Math.min(usage?.prompt_tokens_details?.cached_tokens ?? 0, promptTokens)

  return { type: 'prompt', promptTokens: promptTokens - cachedTokens, cachedTokens }
}

/** The texts that a chunk adds to the answer, none of them empty. */
function piecesOf (choice: Choice | undefined): Array<{ text: string, class: TokenClass }> {
  const { delta, text } = choice ?? {}

  if ((delta?.tool_calls?.length ?? 0) > 0) {
    throw unsupported('tools', 'The inference server answered with a tool call.')
  }

  return [
    { text: delta?.reasoning_content ?? delta?.reasoning ?? '', class: 'reasoning' as const },
    { text: delta?.content ?? text ?? '', class: 'completion' as const }
  ].filter(piece => piece.text.length > 0)
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
