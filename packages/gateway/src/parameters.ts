import { CocoonError } from '@cocoon-net/protocol'
import { closest, distance } from 'fastest-levenshtein'

/**
 * What the gateway does with a parameter: `pass` hands it to the engine, `own` is the gateway's business, `ignore` has
 * no effect on the answer, `refuse` would change the answer and no engine here does it. A function names the values
 * that mean the same as leaving the parameter out; every other value is refused.
 */
type Rule = 'pass' | 'own' | 'ignore' | 'refuse' | ((value: unknown) => boolean)

const is = (...neutral: unknown[]) => (value: unknown): boolean => neutral.includes(value)
const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0

const COMMON: Record<string, Rule> = {
  cocoon: 'own',
  frequency_penalty: 'pass',
  logit_bias: isEmpty,
  max_tokens: 'own',
  metadata: 'ignore',
  min_p: 'pass',
  model: 'own',
  n: is(1),
  presence_penalty: 'pass',
  prompt_cache_key: 'ignore',
  prompt_cache_retention: 'ignore',
  response_format: 'pass',
  safety_identifier: 'ignore',
  seed: 'pass',
  service_tier: is('auto', 'default'),
  stop: 'pass',
  store: is(false),
  stream: 'own',
  stream_options: 'own',
  temperature: 'pass',
  top_k: 'pass',
  top_p: 'pass',
  user: 'ignore'
}

const CHAT: Record<string, Rule> = {
  ...COMMON,
  audio: 'refuse',
  function_call: is('none'),
  functions: isEmpty,
  logprobs: is(false),
  max_completion_tokens: 'own',
  messages: 'pass',
  modalities: value => Array.isArray(value) && value.length === 1 && value[0] === 'text',
  moderation: 'refuse',
  parallel_tool_calls: 'ignore',
  prediction: 'refuse',
  reasoning_effort: 'refuse',
  tool_choice: is('none', 'auto'),
  tools: isEmpty,
  top_logprobs: is(0),
  verbosity: is('medium'),
  web_search_options: 'refuse'
}

const COMPLETIONS: Record<string, Rule> = {
  ...COMMON,
  best_of: is(1),
  echo: is(false),
  logprobs: is(false),
  prompt: 'pass',
  suffix: is('')
}

export const PARAMETERS: Readonly<Record<'chat' | 'completions', Readonly<Record<string, Rule>>>> = { chat: CHAT, completions: COMPLETIONS }

/** The known name nearest to a wrong one, when it is near enough to be meant. */
export function nearestName (name: string, known: readonly string[]): string | undefined {
  // Bounded: the distance takes time in proportion to both lengths.
  if (name.length > 64) {
    return undefined
  }
  const near = closest(name, known as string[])
  return distance(name, near) <= Math.max(2, Math.floor(name.length / 3)) ? near : undefined
}

function refuse (name: string, message: string): never {
  throw new CocoonError('unsupported_parameter', message, { details: { param: name } })
}

/**
 * Leaves of a body what is to be validated: `null` counts as absent, as in OpenAI's API; parameters without effect are
 * dropped; what would change the answer and cannot be done is refused by name, and so is what nobody knows.
 *
 * @throws {CocoonError} unsupported_parameter, with `details.param`
 */
export function selectParameters (endpoint: 'chat' | 'completions', body: Record<string, unknown>): Record<string, unknown> {
  const rules = PARAMETERS[endpoint]
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) {
      const near = nearestName(name, Object.keys(rules))
      refuse(name.slice(0, 64), `Unknown parameter ${JSON.stringify(name.slice(0, 64))}${near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`}`)
    }
    if (value === null || rule === 'ignore') {
      continue
    }
    if (rule === 'pass' || rule === 'own') {
      kept[name] = value
    } else if (rule === 'refuse' || !rule(value)) {
      refuse(name, rule === 'refuse' ? `${name} is not supported` : `This value of ${name} is not supported`)
    }
  }
  return kept
}
