import type { Preference, RequestLimits } from './choose.ts'
import type { Prices, Tier, TokenCounts } from '@cocoon-net/protocol'

export type { Preference, RequestLimits }

export interface ModelProvider {
  readonly peerId: string
  readonly tier: Tier
  /** One sentence that says what the tier does and does not promise. */
  readonly tierNote: string
  /** nanoTON per million tokens. */
  readonly prices: Prices
  readonly room: { readonly total: number, readonly free: number }
  readonly contextLength: number
  readonly endpoints: readonly string[]
  /** What its stake counts for, nanoTON. */
  readonly stakeNano: bigint
  /** Why its stake counts as nothing, such as `delegation_expired`; null where it counts. */
  readonly stakeFault: string | null
}

export interface ModelListing {
  /** `name@digest`. */
  readonly id: string
  readonly name: string
  /** 64 hex digits. */
  readonly digest: string
  /** Whether the network's registry lists it; null where it lists none. */
  readonly isListed: boolean | null
  readonly providers: readonly ModelProvider[]
}

export interface InferenceRequest {
  readonly endpoint: 'chat' | 'completions'
  /** `name`, `name@digest` or `@digest`. */
  readonly model: string
  /** OpenAI-shaped, validated. */
  readonly body: Record<string, unknown>
  readonly maxTokens?: number
  readonly limits: RequestLimits
}

export interface InferenceToken {
  readonly text: string
  readonly class: 'completion' | 'reasoning'
  /** Position in the answer, from 0. */
  readonly index: number
}

/** The tokens of one sealed chunk at a time, at least one; then one end. */
export type InferenceEvent =
  | { readonly type: 'tokens', readonly tokens: readonly InferenceToken[] }
  | { readonly type: 'end', readonly reason: 'stop' | 'length' | 'cancelled' | 'error' }

export interface JobSummary {
  readonly tokens: TokenCounts
  /** nanoTON per million tokens. */
  readonly prices: Prices
  readonly chargeNano: bigint
  readonly paidNano: bigint
  readonly receipt: { readonly jobId: string, readonly seq: number, readonly hash: string, readonly signature: string }
  readonly attempts: ReadonlyArray<{ readonly provider: string, readonly outcome: string }>
  readonly ttftMs: number
  readonly tokensPerSecond: number
  /** Raw addresses. */
  readonly vault: string
  readonly payee: string
}

/** What is kept of a finished job: no content. */
export interface JobRecord extends JobSummary {
  readonly jobId: string
  readonly provider: string
  readonly tier: Tier
  readonly model: string
}

export interface InferenceJob {
  readonly jobId: string
  readonly provider: string
  /** As this client has verified it. */
  readonly tier: Tier
  /** The tier in words, with what was verified. */
  readonly tierNote: string
  readonly model: string
  readonly events: AsyncIterable<InferenceEvent>
  /** Resolves when the bill is final; rejects with what made the job fail. */
  readonly summary: Promise<JobSummary>
  cancel(): void
}
