/** What the orchestrator tells its processes. Amounts are decimal strings in nanoTON. */
export interface ProviderConfig {
  readonly home: string
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
  /** For fault tests: turn one bit of the evidence. */
  readonly tampered?: boolean
}

export interface GatewayConfig {
  readonly home: string
  readonly genesis: string
  readonly chainUrl: string
  readonly bootstrap: readonly string[]
  readonly port: number
}

export interface DevnetConfig {
  readonly home: string
  readonly port: number
  /** 64 hex digits. */
  readonly genesis: string
}
