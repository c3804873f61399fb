import type { ErrorCode } from '@cocoon-net/protocol'

export const EXIT_DONE = 0
/** The question was understood and the answer is no. */
export const EXIT_NO = 1
export const EXIT_UNUSABLE_INPUT = 2
export const EXIT_NO_PROVIDER_OR_CHAIN = 3
/** 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130

const UNUSABLE_INPUT: ReadonlySet<ErrorCode> = new Set([
  'usage', 'config_invalid', 'config_unknown_key', 'file_unusable', 'bad_request', 'unsupported_parameter', 'model_ambiguous',
  'policy_invalid', 'not_available_yet', 'context_too_long', 'body_too_large'
])

const NO_PROVIDER_OR_CHAIN: ReadonlySet<ErrorCode> = new Set([
  'no_provider', 'no_provider_within_price', 'all_providers_failed', 'no_room', 'tier_too_low', 'chain_unavailable',
  'registry_unknown', 'not_running', 'engine_unavailable', 'stream_closed', 'timeout'
])

/** The exit code of the command that ends with an error. */
export function exitCodeOf (code: ErrorCode): number {
  if (UNUSABLE_INPUT.has(code)) {
    return EXIT_UNUSABLE_INPUT
  }
  return NO_PROVIDER_OR_CHAIN.has(code) ? EXIT_NO_PROVIDER_OR_CHAIN : EXIT_NO
}
