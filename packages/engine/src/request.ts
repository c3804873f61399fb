import { CocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import { MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, MAX_STOP_BYTES, MAX_STOP_STRINGS } from './constants.ts'
import type { EngineModel, EngineRequest, RequestBody } from './engine.ts'

const textPart = z.object({ type: z.literal('text'), text: z.string() })
const content = z.union([z.string(), z.array(textPart)])
const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: content.nullish(),
  name: z.string().optional(),
  tool_call_id: z.string().optional(),
  tool_calls: z.array(z.unknown()).optional()
})
const stop = z.union([z.string(), z.array(z.string()).max(MAX_STOP_STRINGS)]).nullish()
const responseFormat = z.union([
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }).loose() })
]).nullish()
const limit = z.number().int().min(1).nullish()

const common = {
  model: z.string().optional(),
  max_tokens: limit,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.number().int().min(0).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  stop,
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  response_format: responseFormat,
  // Have no effect on the tokens.
  stream: z.boolean().nullish(),
  stream_options: z.unknown().optional(),
  user: z.unknown().optional(),
  metadata: z.unknown().optional(),
  store: z.unknown().optional(),
  n: z.literal(1).nullish(),
  logprobs: z.union([z.literal(false), z.literal(0)]).nullish()
}

const chatSchema = z.strictObject({ ...common, messages: z.array(message).min(1), max_completion_tokens: limit })
const completionSchema = z.strictObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.number().int().min(0))]),
  echo: z.literal(false).nullish(),
  best_of: z.literal(1).nullish()
})

export type ChatMessage = z.infer<typeof message>
export type ResponseFormat = z.infer<typeof responseFormat>

/** A request in the engine's own terms. */
export interface GenerationRequest {
  readonly messages?: readonly ChatMessage[]
  readonly prompt?: string | readonly number[]
  readonly maxTokens: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly minP?: number
  readonly seed?: number
  readonly stop: readonly string[]
  readonly frequencyPenalty: number
  readonly presencePenalty: number
  readonly responseFormat: ResponseFormat
}

/** Parameters whose value, when refused, is a missing feature rather than a mistake. */
const FEATURES = new Set(['n', 'logprobs', 'echo', 'best_of'])

/**
 * Checks a body and gives it the engine's words.
 *
 * @throws {CocoonError} bad_request naming the parameter; unsupported_parameter for what an embedded engine does not do
 */
export function parseRequest (request: EngineRequest): GenerationRequest {
  if (!Number.isSafeInteger(request.maxTokens) || request.maxTokens < 1) {
    throw new CocoonError('bad_request', 'maxTokens must be a positive integer.')
  }

  const body: RequestBody = request.body
  const result = request.endpoint === 'chat' ? chatSchema.safeParse(body) : completionSchema.safeParse(body)

  if (!result.success) {
    throw refusal(result.error)
  }

  const data = result.data
  const wanted = ('max_completion_tokens' in data ? data.max_completion_tokens : undefined) ?? data.max_tokens ?? request.maxTokens

  checkSchema(data.response_format)

  if ('messages' in data && data.messages.some(item => item.tool_calls != null || item.role === 'tool')) {
    throw unsupported('messages', 'Tool calls are not supported by this engine.')
  }

  return {
    messages: 'messages' in data ? data.messages : undefined,
    prompt: 'prompt' in data ? data.prompt : undefined,
    maxTokens: Math.min(wanted, request.maxTokens),
    temperature: data.temperature ?? undefined,
    topP: data.top_p ?? undefined,
    topK: data.top_k ?? undefined,
    minP: data.min_p ?? undefined,
    seed: data.seed ?? undefined,
    stop: stopStrings(data.stop),
    frequencyPenalty: data.frequency_penalty ?? 0,
    presencePenalty: data.presence_penalty ?? 0,
    responseFormat: data.response_format
  }
}

/** The text of a message, whichever of the two shapes it has. */
export function contentText (value: ChatMessage['content']): string {
  return Array.isArray(value) ? value.map(part => part.text).join('') : value ?? ''
}

/** @throws {CocoonError} model_unknown */
export function findModel<T extends { readonly info: EngineModel, readonly hex: string }> (models: readonly T[], hex: string): T {
  const found = models.find(model => model.hex === hex)

  if (found == null) {
    throw new CocoonError('model_unknown', 'This engine does not serve that model.')
  }

  return found
}

export function unsupported (parameter: string, message: string): CocoonError {
  return new CocoonError('unsupported_parameter', message, { details: { parameter } })
}

function refusal (error: z.ZodError): CocoonError {
  const issue = error.issues[0]

  if (issue.code === 'unrecognized_keys') {
    return unsupported(issue.keys[0], 'The engine does not support a parameter of the request.')
  }

  const parameter = String(issue.path[0] ?? '')

  if (FEATURES.has(parameter)) {
    return unsupported(parameter, 'The engine supports only the default of this parameter.')
  }

  return new CocoonError('bad_request', `A parameter is not acceptable: ${issue.path.join('.')}`, { details: { parameter } })
}

function stopStrings (given: z.infer<typeof stop>): string[] {
  const texts = typeof given === 'string' ? [given] : given ?? []

  if (texts.some(text => Buffer.byteLength(text) > MAX_STOP_BYTES)) {
    throw new CocoonError('bad_request', `A stop string has at most ${MAX_STOP_BYTES} bytes.`, { details: { parameter: 'stop' } })
  }

  return texts.filter(text => text.length > 0)
}

function checkSchema (format: ResponseFormat): void {
  if (format?.type !== 'json_schema') {
    return
  }

  const schema = format.json_schema.schema

  if (depthOf(schema, MAX_SCHEMA_DEPTH) > MAX_SCHEMA_DEPTH || Buffer.byteLength(JSON.stringify(schema)) > MAX_SCHEMA_BYTES) {
    throw new CocoonError('bad_request', 'The JSON schema is too large or too deep.', { details: { parameter: 'response_format' } })
  }
}

function depthOf (value: unknown, budget: number): number {
  if (value === null || typeof value !== 'object') {
    return 0
  }

  if (budget < 0) {
    return 1
  }

  return 1 + Object.values(value).reduce<number>((most, item) => Math.max(most, depthOf(item, budget - 1)), 0)
}
