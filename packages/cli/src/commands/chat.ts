import { CocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import { eventData } from '../event-stream.ts'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { callLocal, gatewayHeaders, remoteError } from '../local-api.ts'
import { printable, toJson, tonText } from '../output.ts'
import { withProgress } from '../progress.ts'
import { gatewayUrlOf } from '../running-node.ts'
import { fetchModels } from './offers.ts'
import type { Invocation } from '../invocation.ts'

const MAX_PROMPT_CHARACTERS = 2 * 1_024 * 1_024

const billSchema = z.object({
  job_id: z.string(),
  provider: z.string(),
  tier: z.string(),
  tier_note: z.string(),
  tokens: z.object({ prompt: z.number(), cached: z.number(), completion: z.number(), reasoning: z.number() }),
  prices: z.object({ prompt: z.string(), cached: z.string(), completion: z.string(), reasoning: z.string() }),
  charge_nano: z.string(),
  paid_nano: z.string(),
  receipt: z.unknown(),
  attempts: z.array(z.unknown()),
  ttft_ms: z.number(),
  tokens_per_second: z.number(),
  vault: z.string(),
  payee: z.string()
})

const chunkSchema = z.object({
  model: z.string().optional(),
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }), finish_reason: z.string().nullish() })).optional(),
  cocoon: billSchema.optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional()
})

type Bill = z.infer<typeof billSchema>

async function promptOf (invocation: Invocation): Promise<string> {
  const words = invocation.args.join(' ')
  if (words !== '') {
    return words
  }
  if (invocation.context.input === undefined) {
    throw new CocoonError('usage', 'Say what to ask: cocoon chat "Tell me a story", or pipe it in')
  }
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of invocation.context.input) {
    text += typeof part === 'string' ? part : decoder.decode(part, { stream: true })
    if (text.length > MAX_PROMPT_CHARACTERS) {
      throw new CocoonError('body_too_large', 'The prompt is too long')
    }
  }
  if (text.trim() === '') {
    throw new CocoonError('usage', 'The prompt is empty')
  }
  return text
}

async function modelOf (invocation: Invocation): Promise<string> {
  if (typeof invocation.options.model === 'string') {
    return invocation.options.model
  }
  const { data } = await fetchModels(invocation)
  if (data.length === 0) {
    throw new CocoonError('no_provider')
  }
  if (data.length > 1) {
    throw new CocoonError('model_ambiguous', `Several models are offered; choose one with --model: ${data.map(model => model.id).slice(0, 8).join(', ')}`)
  }
  return data[0].id
}

function requestBody (invocation: Invocation, model: string, prompt: string): Record<string, unknown> {
  const { options, config } = invocation
  return {
    model,
    messages: [...(typeof options.system === 'string' ? [{ role: 'system', content: options.system }] : []), { role: 'user', content: prompt }],
    stream: true,
    stream_options: { include_usage: true },
    ...(options.maxTokens === undefined ? {} : { max_tokens: Number(options.maxTokens) }),
    ...(options.temperature === undefined ? {} : { temperature: Number(options.temperature) }),
    ...(options.seed === undefined ? {} : { seed: Number(options.seed) }),
    cocoon: { max_cost_nano: config.maxCostNano ?? null, max_price_nano: config.maxPriceNano ?? null, min_tier: config.minTier ?? null, min_stake_nano: config.minStakeNano ?? null, prefer: config.prefer ?? null }
  }
}

/** The object of one job for programs; amounts are decimal strings in nanoTON. */
function jobObject (answer: string, model: string, bill: Bill): Record<string, unknown> {
  return {
    answer,
    model,
    provider: bill.provider,
    tier: bill.tier,
    tierNote: bill.tier_note,
    tokens: bill.tokens,
    prices: bill.prices,
    chargeNano: bill.charge_nano,
    paidNano: bill.paid_nano,
    receipt: bill.receipt,
    vault: bill.vault,
    payee: bill.payee,
    attempts: bill.attempts,
    ttftMs: bill.ttft_ms,
    tokensPerSecond: bill.tokens_per_second
  }
}

function billText (bill: Bill): string {
  const { prompt, cached, completion, reasoning } = bill.tokens
  return `${bill.provider}, tier ${bill.tier}. ${bill.tier_note}\n${prompt + cached} tokens in, ${completion + reasoning} out, ${tonText(BigInt(bill.charge_nano))} TON, first token after ${Math.round(bill.ttft_ms)} ms, ${bill.tokens_per_second.toFixed(1)} tokens/s`
}

interface Answer {
  readonly text: string
  readonly model: string
  readonly bill: Bill
}

/**
 * Reads an answer to its end; `onText` gets each piece.
 *
 * @throws {CocoonError} stream_closed, or what the gateway reported in mid-answer
 */
async function readAnswer (body: AsyncIterable<Uint8Array>, onText: (text: string) => void): Promise<Answer> {
  let text = ''
  let model = ''
  let bill: Bill | undefined
  for await (const data of eventData(body)) {
    if (data === '[DONE]') {
      if (bill !== undefined) {
        return { text, model, bill }
      }
      break
    }
    const chunk = chunkSchema.parse(JSON.parse(data))
    if (chunk.error !== undefined) {
      throw remoteError(chunk.error.code, chunk.error.message)
    }
    model = chunk.model ?? model
    bill = chunk.cocoon ?? bill
    const piece = chunk.choices?.[0]?.delta.content ?? ''
    text += piece
    onText(piece)
  }
  throw new CocoonError('stream_closed', 'The gateway ended the answer without a bill')
}

/** Asks one question through the running gateway and streams the answer; the bill goes to standard error. */
export async function chat (invocation: Invocation): Promise<number> {
  const { context, home, config, json } = invocation
  const prompt = await promptOf(invocation)
  const gateway = await gatewayUrlOf(home, config)
  const response = await withProgress(context, 'Finding and verifying a provider', async () => callLocal(context, `${gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: gatewayHeaders(config),
    body: JSON.stringify(requestBody(invocation, await modelOf(invocation), prompt))
  }))
  let started = false
  let answer: Answer
  try {
    answer = await readAnswer(response.body ?? new ReadableStream<Uint8Array>(), text => {
      if (!json) {
        started ||= text !== ''
        context.out(printable(text))
      }
    })
  } catch (error) {
    throw error instanceof CocoonError ? error : new CocoonError('stream_closed', 'The gateway ended the answer', { cause: error })
  } finally {
    if (started) {
      context.out('\n')
    }
  }
  if (json) {
    context.out(`${toJson(jobObject(answer.text, answer.model, answer.bill))}\n`)
  } else {
    context.err(`${printable(billText(answer.bill))}\n`)
  }
  return answer.text === '' ? EXIT_NO : EXIT_DONE
}
