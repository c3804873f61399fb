import type { InferenceEvent, InferenceJob, JobSummary } from './backend.ts'

type FinishReason = 'stop' | 'length'

/** A number where it is exact, otherwise a decimal string: amounts are bigint and JSON's numbers are not. */
export function nanoToJson (nano: bigint): number | string {
  return nano <= BigInt(Number.MAX_SAFE_INTEGER) && nano >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(nano) : nano.toString()
}

/** OpenAI's usage object; `cost_nano` is the charge in nanoTON. OpenAI's classes include each other, ours are disjoint. */
export function usageOf (summary: JobSummary): Record<string, unknown> {
  const { prompt, cached, completion, reasoning } = summary.tokens
  return {
    prompt_tokens: prompt + cached,
    completion_tokens: completion + reasoning,
    total_tokens: prompt + cached + completion + reasoning,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
    cost_nano: nanoToJson(summary.chargeNano)
  }
}

/** What the network adds to an answer: who made it, what was paid, and the proof. Amounts are decimal strings. */
export function billOf (job: InferenceJob, summary: JobSummary): Record<string, unknown> {
  const { prompt, cached, completion, reasoning } = summary.prices
  return {
    job_id: job.jobId,
    provider: job.provider,
    tier: job.tier,
    tier_note: job.tierNote,
    tokens: summary.tokens,
    prices: { prompt: String(prompt), cached: String(cached), completion: String(completion), reasoning: String(reasoning) },
    charge_nano: String(summary.chargeNano),
    paid_nano: String(summary.paidNano),
    receipt: summary.receipt,
    attempts: summary.attempts,
    ttft_ms: summary.ttftMs,
    tokens_per_second: summary.tokensPerSecond,
    vault: summary.vault,
    payee: summary.payee
  }
}

export function answerHeaders (job: InferenceJob): Record<string, string> {
  return {
    'x-cocoon-provider': job.provider,
    'x-cocoon-tier': job.tier,
    'x-cocoon-tier-note': job.tierNote,
    'x-cocoon-job': job.jobId,
    'x-cocoon-model': job.model
  }
}

export function finishReason (event: InferenceEvent & { type: 'end' }): FinishReason {
  return event.reason === 'length' ? 'length' : 'stop'
}

/**
 * Gives text in whole code points: a surrogate whose other half comes with the next token waits for it, and a token
 * that completes no character gives nothing.
 */
export function textJoiner (): (text: string) => string {
  let held = ''
  return text => {
    const all = held + text
    const last = all.charCodeAt(all.length - 1)
    const split = last >= 0xd800 && last <= 0xdbff
    held = split ? all.slice(-1) : ''
    return split ? all.slice(0, -1) : all
  }
}

export interface Shape {
  /** The first chunk, before any text; none for completions. */
  opening (): string | undefined
  piece (text: string, kind: 'completion' | 'reasoning'): string
  ending (reason: FinishReason): string
  usage (summary: JobSummary): string
  whole (text: string, reasoning: string, reason: FinishReason, summary: JobSummary): Record<string, unknown>
}

/** The objects of one answer in the shape of its endpoint. `created` in unix seconds. */
export function shapeOf (endpoint: 'chat' | 'completions', job: InferenceJob, init: { created: number, includeUsage: boolean }): Shape {
  const chat = endpoint === 'chat'
  const id = `${chat ? 'chatcmpl' : 'cmpl'}-${job.jobId}`
  const base = { id, object: chat ? 'chat.completion.chunk' : 'text_completion', created: init.created, model: job.model }
  // With usage asked for, every chunk but the last has a null one, as in OpenAI's API.
  const tail = init.includeUsage ? { usage: null } : {}
  const chunk = (choice: Record<string, unknown>): string => JSON.stringify({ ...base, choices: [choice], ...tail })
  const chatChunk = (delta: Record<string, unknown>, reason: FinishReason | null): string =>
    chunk({ index: 0, delta, logprobs: null, finish_reason: reason })
  const textChunk = (text: string, reason: FinishReason | null): string =>
    chunk({ index: 0, text, logprobs: null, finish_reason: reason })

  return {
    opening: () => chat ? chatChunk({ role: 'assistant', content: '' }, null) : undefined,
    piece: (text, kind) => chat ? chatChunk(kind === 'reasoning' ? { reasoning_content: text } : { content: text }, null) : textChunk(text, null),
    ending: reason => chat ? chatChunk({}, reason) : textChunk('', reason),
    usage: summary => JSON.stringify({ ...base, choices: [], usage: usageOf(summary), cocoon: billOf(job, summary) }),
    whole: (text, reasoning, reason, summary) => ({
      ...base,
      object: chat ? 'chat.completion' : 'text_completion',
      choices: [chat
        ? {
            index: 0,
            message: { role: 'assistant', content: text, refusal: null, ...(reasoning === '' ? {} : { reasoning_content: reasoning }) },
            logprobs: null,
            finish_reason: reason
          }
        : { index: 0, text: reasoning + text, logprobs: null, finish_reason: reason }],
      usage: usageOf(summary),
      cocoon: billOf(job, summary)
    })
  }
}
