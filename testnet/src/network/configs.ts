import type { Cheat } from './cheats.ts'

/** Simulated evidence: TDX quotes in Intel's formats, or SEV-SNP reports in AMD's. */
export type EvidenceFormat = 'tdx' | 'snp'

/** What the orchestrator tells its processes. Amounts are decimal strings in nanoTON. */
export interface ProviderConfig {
  readonly name: string
  readonly home: string
  /** How the network is named: genesis and registry, hex. */
  readonly genesis: string
  readonly chainUrl: string
  readonly bootstrap: readonly string[]
  readonly prices: { readonly prompt: string, readonly completion: string }
  readonly windowNano: string
  readonly parallel: number
  readonly modelFile?: string
  /** `synthetic` never is the bottleneck: for benchmarks. */
  readonly engine?: 'llama' | 'synthetic'
  readonly contextLength?: number
  /** Decides keys and sampling; for networks that are to be repeated. */
  readonly seed?: string
  /** Whose format the simulated evidence has. */
  readonly evidence: EvidenceFormat
  /** What it bonds when it has no stake yet, nanoTON. */
  readonly stakeNano: string
  /** How it lies, if it does. */
  readonly cheat?: Cheat
  /** For fault tests: turn one bit of the evidence. */
  readonly tampered?: boolean
}

/** Enough to start the engine, before the rest is known. */
export type EngineConfig = Pick<ProviderConfig, 'engine' | 'modelFile' | 'contextLength' | 'parallel'>

export interface GatewayConfig {
  readonly name: string
  readonly home: string
  readonly genesis: string
  readonly chainUrl: string
  readonly bootstrap: readonly string[]
  readonly port: number
  /** Of the administration API; none when absent. */
  readonly adminPort?: number
  readonly seed?: string
}

export interface DevnetConfig {
  readonly home: string
  readonly port: number
  /** 64 hex digits. */
  readonly genesis: string
  /** What the chain begins with; `init` is a bag of cells in base64. */
  readonly begin?: ReadonlyArray<{ readonly address: string, readonly amountNano: string, readonly init?: string }>
}

/** A finished job as its gateway keeps it; amounts are decimal strings. */
export interface JobRecord {
  readonly jobId: string
  readonly provider: string
  readonly tier: string
  readonly model: string
  readonly tokens: { readonly prompt: number, readonly cached: number, readonly completion: number, readonly reasoning: number }
  readonly prices: { readonly prompt: string, readonly cached: string, readonly completion: string, readonly reasoning: string }
  readonly chargeNano: string
  readonly paidNano: string
  readonly receipt: { readonly jobId: string, readonly seq: number, readonly hash: string, readonly signature: string }
  readonly attempts: ReadonlyArray<{ readonly provider: string, readonly outcome: string }>
  readonly ttftMs: number
  readonly tokensPerSecond: number
  readonly vault: string
  readonly payee: string
}
