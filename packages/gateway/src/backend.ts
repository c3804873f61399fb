import type { Prices, Tier, TokenCounts } from '@cocoon-net/protocol'

export type Preference = 'price' | 'latency' | 'balanced'

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
  /** Bonded and delegated, nanoTON; 0 or left out where no stake counts. */
  readonly stakeNano?: bigint
  /** Why its stake counts as nothing; null or left out where it counts. */
  readonly stakeFault?: string | null
}

export interface ModelListing {
  /** `name@digest`. */
  readonly id: string
  readonly name: string
  /** 64 hex digits. */
  readonly digest: string
  /** Whether the network's registry lists it; null or left out where it lists none. */
  readonly isListed?: boolean | null
  readonly providers: readonly ModelProvider[]
}

export interface InferenceLimits {
  /** Bounds the whole request, in nanoTON. */
  readonly maxCostNano?: bigint
  /** Bounds the price of a million completion tokens, in nanoTON. */
  readonly maxPriceNano?: bigint
  readonly minTier?: Tier
  /** Least stake of the provider, nanoTON. */
  readonly minStakeNano?: bigint
  readonly prefer?: Preference
}

export interface InferenceRequest {
  readonly endpoint: 'chat' | 'completions'
  /** A short name, `name@digest` or `name@` and at least 12 hex digits of it. */
  readonly model: string
  /** The validated OpenAI-shaped body without `model`, `stream`, `user`, `cocoon` and other fields of the gateway. */
  readonly body: Record<string, unknown>
  readonly maxTokens?: number
  readonly limits: InferenceLimits
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

export interface JobReceipt {
  readonly jobId: string
  readonly seq: number
  readonly hash: string
  readonly signature: string
}

export interface JobAttempt {
  readonly provider: string
  readonly outcome: string
}

export interface JobSummary {
  /** Disjoint counts. */
  readonly tokens: TokenCounts
  /** nanoTON per million tokens. */
  readonly prices: Prices
  readonly chargeNano: bigint
  readonly paidNano: bigint
  readonly receipt: JobReceipt
  readonly attempts: readonly JobAttempt[]
  readonly ttftMs: number
  readonly tokensPerSecond: number
  readonly vault: string
  readonly payee: string
}

export interface InferenceJob {
  readonly jobId: string
  readonly provider: string
  /** As the client has verified it. */
  readonly tier: Tier
  /** The tier in words, with what was verified. */
  readonly tierNote: string
  /** `name@digest`. */
  readonly model: string
  readonly events: AsyncIterable<InferenceEvent>
  /** Resolves once the bill is final; rejects with what made the job fail. */
  readonly summary: Promise<JobSummary>
  /** Ends the job; what was delivered is billed, nothing more. */
  cancel (): void
}

/** What the gateway needs of a client node. */
export interface InferenceBackend {
  /** True when at least one model can be used. */
  ready (): boolean
  /** Throws CocoonError tier_too_low when all that is known is below what the client accepts. */
  models (): Promise<readonly ModelListing[]>
  /** Resolves with the first event, after any failover before it; throws CocoonError. */
  infer (request: InferenceRequest, options: { signal: AbortSignal }): Promise<InferenceJob>
}
