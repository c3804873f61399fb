import type { EvidenceCollector, Policy } from '@cocoon-net/attestation'
import type { Engine } from '@cocoon-net/engine'
import type { Counters, ReceiptLog, VendorUrls } from '@cocoon-net/node'
import type { NetworkPreset, Prices, Tier } from '@cocoon-net/protocol'
import type { SpendingLimits } from '@cocoon-net/settlement'

export type NetworkOption = 'mainnet' | 'testnet' | {
  /** Genesis of a devnet, 64 hex digits, and the account of its registry, 64 more, when it was made with one. */
  readonly devnet: string
}

export interface ClientOptions {
  /** Least private tier accepted; default `silver`, on a devnet `simulated`. */
  readonly minTier?: Tier
  /** Least stake that a provider must have bonded when a request names none, nanoTON. Default 0. */
  readonly minStakeNano?: bigint
  /** Most that one request may cost when it sets no bound, nanoTON. Default 0.1 TON. */
  readonly maxCostNano?: bigint
  /** What a new lane locks for its provider, nanoTON. Default 0.1 TON. */
  readonly laneCapNano?: bigint
  /** What a new vault is deployed with, nanoTON. Default 1 TON. */
  readonly depositNano?: bigint
  /** Providers with which a lane is open and evidence checked ahead of a request, 0 for none. Default 2; each locks one lane cap. */
  readonly warmProviders?: number
  readonly limits?: Partial<SpendingLimits>
  readonly policy?: Policy
  /** Refuses models that the network's registry does not list, where it lists any. Default false. */
  readonly onlyListedModels?: boolean
  readonly apiKey?: string
  readonly allowedHosts?: readonly string[]
  readonly allowedOrigins?: readonly string[]
}

export interface ProviderOptions {
  readonly engine: Engine
  /** nanoTON per million tokens; what is left out follows from the others. */
  readonly prices?: Partial<Prices>
  /** Credit window, nanoTON. */
  readonly windowNano?: bigint
  /** Gets evidence from the machine; without one the tier is `open`: not private. */
  readonly collector?: EvidenceCollector | null
  /** File that `cocoon stake delegate --json` wrote: the stake that is sold under. Read again when it changes; without one there is no stake. */
  readonly stakeFile?: string
  /** Stands between the provider and what it signs of its jobs: for networks that show what becomes of a provider that lies. */
  receiptLog? (honest: ReceiptLog): ReceiptLog
}

export interface NodeOptions {
  /** Folder for keys, vouchers and peers; made when missing. One process at a time. */
  readonly home: string
  /** Opens keys that are protected, and protects those that are made. */
  readonly passphrase?: string
  readonly network: NetworkOption
  /** toncenter-compatible HTTP API v2 (JSON-RPC). */
  readonly chainUrl: string
  /** Sent to `chainUrl` as `X-API-Key`. */
  readonly chainApiKey?: string
  /** A second API, of somebody else: what gates money must be shown by both. */
  readonly secondChainUrl?: string
  /** Multiaddrs of nodes to join by. */
  readonly bootstrap: readonly string[]
  /** Multiaddrs to listen on. Default: none for a client, any port for a provider. */
  readonly listen?: readonly string[]
  /** Asks peers instead of serving the DHT and reading gossip. */
  readonly light?: boolean
  readonly mdns?: boolean
  /**
   * Where Intel and AMD publish what evidence is verified with, or a cache that speaks as they do. Default: the vendors
   * themselves, and on a devnet nobody; false: nobody is asked but peers.
   */
  readonly vendors?: Partial<VendorUrls> | false
  /** Default: a client with default options, unless the node is a provider; false for none. */
  readonly client?: ClientOptions | false
  readonly provider?: ProviderOptions
  readonly counters?: Counters
  /** Told of failures in the background. */
  onError? (error: unknown): void
}

/** 0.05, 0.0125, 0.2 TON per million: about what an 8B model costs elsewhere. */
const DEFAULT_PRICES = Object.freeze({ prompt: 50_000_000n, completion: 200_000_000n })

/** Fills the classes that are left out: cached a quarter of prompt, reasoning as completion. */
export function completePrices (prices: Partial<Prices> = {}): Prices {
  const prompt = prices.prompt ?? DEFAULT_PRICES.prompt
  const completion = prices.completion ?? DEFAULT_PRICES.completion
  return { prompt, cached: prices.cached ?? prompt / 4n, completion, reasoning: prices.reasoning ?? completion }
}

/** 0.001 TON: some five thousand tokens at the default price. */
export const DEFAULT_WINDOW_NANO = 1_000_000n
/** 0.1 TON. */
export const DEFAULT_MAX_COST_NANO = 100_000_000n

/** Attested hardware wherever coins are worth something; a development network has none. */
export function defaultMinTier (network: Pick<NetworkPreset, 'kind'>): Tier {
  return network.kind === 'devnet' ? 'simulated' : 'silver'
}
