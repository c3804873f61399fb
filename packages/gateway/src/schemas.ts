import { CocoonError, TIERS } from '@cocoon-net/protocol'
import { z } from 'zod'

// Ranges are those of OpenAI's API reference, https://platform.openai.com/docs/api-reference/chat/create; top_p = 0
// would leave no token to choose from and is refused by every engine.
const nano = z.union([
  z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  z.string().regex(/^(0|[1-9]\d{0,19})$/, 'must be a whole number of nanoTON')
]).transform(value => BigInt(value))

/** What a request may say to the network, in its body or in headers. Amounts in nanoTON. */
export const cocoonSchema = z.strictObject({
  max_cost_nano: nano.nullish(),
  max_price_nano: nano.nullish(),
  min_tier: z.enum(TIERS).nullish(),
  min_stake_nano: nano.nullish(),
  prefer: z.enum(['price', 'latency', 'balanced']).nullish()
})

const tokenLimit = z.number().int().min(1).max(2 ** 31 - 1).optional()

const common = {
  model: z.string().min(1).max(256),
  max_tokens: tokenLimit,
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  top_k: z.number().int().min(0).max(1_000_000).optional(),
  min_p: z.number().min(0).max(1).optional(),
  seed: z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER).optional(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  response_format: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('json_object') }),
    z.strictObject({
      type: z.literal('json_schema'),
      json_schema: z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
        description: z.string().optional(),
        schema: z.record(z.string(), z.unknown()),
        strict: z.boolean().nullish()
      })
    })
  ]).optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({
    include_usage: z.boolean().optional(),
    include_obfuscation: z.boolean().optional()
  }).optional(),
  cocoon: cocoonSchema.optional()
}

const content = z.union([
  z.string(),
  z.array(z.strictObject({ type: z.literal('text'), text: z.string() })).min(1).transform(parts => parts.map(part => part.text).join(''))
])

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']).transform(role => role === 'developer' ? 'system' : role),
  content
})

export const chatSchema = z.strictObject({
  ...common,
  max_completion_tokens: tokenLimit,
  messages: z.array(message).min(1).max(10_000)
})

export const completionsSchema = z.strictObject({
  ...common,
  prompt: z.union([
    z.string(),
    z.array(z.string()).length(1).transform(list => list[0]),
    z.array(z.number().int().min(0).max(2 ** 32 - 1)).min(1)
  ])
})

export type ChatBody = z.infer<typeof chatSchema>
export type CompletionsBody = z.infer<typeof completionsSchema>
export type CocoonOptions = z.infer<typeof cocoonSchema>

function pathText (path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`, '')
}

/** Of a union's branches, the one that got deepest is the one that was meant. */
function deepest (issue: z.core.$ZodIssue): { path: readonly PropertyKey[], message: string } {
  let best: { path: readonly PropertyKey[], message: string } = issue
  if (issue.code === 'invalid_union') {
    for (const branch of issue.errors.flat()) {
      const inner = deepest(branch)
      const path = [...issue.path, ...inner.path]
      if (path.length > best.path.length) {
        best = { path, message: inner.message }
      }
    }
  }
  if (issue.code === 'unrecognized_keys') {
    return { path: [...issue.path, issue.keys[0].slice(0, 64)], message: 'Unknown parameter' }
  }
  return best
}

// Content parts and message fields of OpenAI's API that no engine here takes: a missing feature rather than a mistake.
const MISSING_FEATURE = /^messages\[\d+\]\.(content\[\d+\]\.(type|image_url|input_audio|file|refusal)|tool_calls|tool_call_id|function_call|audio|name|refusal)$/

function isMissingRole (path: string, value: unknown): boolean {
  if (!/^messages\[\d+\]\.role$/.test(path)) {
    return false
  }
  const index = Number(path.slice('messages['.length, path.indexOf(']')))
  const role = (value as { messages?: Array<{ role?: unknown }> }).messages?.[index]?.role
  return role === 'tool' || role === 'function'
}

/**
 * A value checked against a schema.
 *
 * @throws {CocoonError} bad_request, or unsupported_parameter for what OpenAI's API has and no engine here does; both
 * with `details.param`, such as `messages[0].content`
 */
export function parseWith<T> (schema: z.ZodType<T>, value: unknown, prefix = ''): T {
  const result = schema.safeParse(value)
  if (result.success) {
    return result.data
  }
  const { path, message: reason } = deepest(result.error.issues[0])
  const param = `${prefix}${pathText(path)}`
  const code = MISSING_FEATURE.test(param) || isMissingRole(param, value) ? 'unsupported_parameter' : 'bad_request'
  throw new CocoonError(code, code === 'bad_request' ? `${param}: ${reason}` : `${param} is not supported`, { details: { param } })
}
