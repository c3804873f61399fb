import { CocoonError } from '@cocoon-net/protocol'
import { unsupported } from '../request.ts'
import type { RemoteModel } from './remote-model.ts'
import type { EngineRequest } from '../engine.ts'

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

/**
 * What is sent to the server for a request, and how many tokens its answer may have.
 *
 * @throws {CocoonError} bad_request or the code of `unsupported` for what would be ignored silently
 */
export function upstreamBody (request: EngineRequest, model: RemoteModel): { body: Record<string, unknown>, maxTokens: number } {
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
