import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assertPortFree } from './ports.ts'
import { createProcesses } from './processes.ts'
import type { Cheat } from './cheats.ts'
import type { Child } from './child-process.ts'
import type { DevnetConfig, EngineConfig, EvidenceFormat, GatewayConfig, ProviderConfig } from './configs.ts'
import type { ControlNode } from './control-file.ts'
import type { ChainInfo, GatewayInfo, ProcessesInit, ProviderInfo } from './processes.ts'
import type { LocalGenesis } from './registry-genesis.ts'
import type { Supervised } from './supervise.ts'

export interface LocalNetworkInit extends ProcessesInit {
  readonly providers: number
  /** Client gateways; default 1. */
  readonly clients?: number
  /** Decides the genesis, all keys and the sampling of requests that name no seed. */
  readonly seed?: string
  /** How long the registry's loosenings wait, seconds; counts when the network is made. */
  readonly registryDelaySeconds?: number
  /** Ports of the first gateway and the chain; 0 takes a free one. */
  readonly gatewayPort: number
  /** Of the first gateway's administration API; none when absent. */
  readonly adminPort?: number
  readonly chainPort: number
  /** What to wait for: every provider, or one; the others then come up behind it and give way to it. Default all. */
  readonly waitFor?: 'all' | 'one'
  /** Whose format a provider's simulated evidence has, by index. Default `evidenceOf`. */
  evidence? (index: number): EvidenceFormat
  /** How the first provider, the cheapest, lies; default not at all. */
  readonly cheat?: Cheat
  /** Providers whose evidence has a bit turned, by index: for fault tests. */
  readonly tampered?: readonly number[]
  readonly engine?: ProviderConfig['engine']
  readonly parallel?: number
}

/** `child` and `peerId` follow restarts. */
export interface ProviderProcess { readonly name: string, readonly child: Child, readonly peerId: string, readonly prices: ProviderConfig['prices'], readonly stakeNano: string }
export interface GatewayProcess { readonly name: string, readonly child: Child, readonly peerId: string, readonly url: string, readonly adminUrl: string | undefined }

/** A whole network on this machine: a chain, a bootstrap peer, providers, and client gateways. */
export interface LocalNetwork {
  /** How it is named: genesis and registry, 128 hex digits; 64 for one that was made without a registry. */
  readonly genesis: string
  readonly chain: { readonly child: Child, readonly endpoint: string, readonly url: string }
  readonly bootstrap: string
  /** Whose wallet governs the network's registry: the folder of a home. Null for a network without one. */
  readonly governorHome: string | null
  /** Those that are up. */
  readonly providers: readonly ProviderProcess[]
  /** The first of `gateways`. */
  readonly gateway: GatewayProcess
  readonly gateways: readonly GatewayProcess[]
  /** Every process, for the control file. */
  nodes (): ControlNode[]
  /** Resolves when every gateway can use a model, and knows `providers` of them or has looked for a while; the models. */
  ready (timeoutMs: number, options?: { providers?: number }): Promise<ReadonlyArray<{ id: string, providers: number }>>
  stop (): Promise<void>
}

/** nanoTON per million tokens: every provider a little dearer than the one before. */
export function pricesOf (index: number): ProviderConfig['prices'] {
  return { prompt: String(50_000_000 + 10_000_000 * index), completion: String(200_000_000 + 40_000_000 * index) }
}

/** The second of three shows AMD's kind of evidence, the others Intel's, so that clients of every local network verify both. */
export function evidenceOf (index: number): EvidenceFormat {
  return index % 3 === 1 ? 'snp' : 'tdx'
}

/**
 * nanoTON: 20 TON, less for those that are dearer, and never under 5. A stake lowers a score, so a smaller one leaves the order
 * of the prices as it is, also while some of the stakes have not been read yet.
 */
export function stakeOf (index: number): string {
  return String(Math.max(20 - 5 * index, 5) * 1_000_000_000)
}

/** Small enough that vouchers and checkpoints can be watched: about 250 tokens. */
const WINDOW_NANO = '50000'
/** Of one that lies: some ten tokens, so that a short answer has several statements. */
const CHEAT_WINDOW_NANO = '2000'
const PARALLEL = 8
/** Providers that nobody waits for leave the processor to the one that answers. */
const BEHIND_NICENESS = 15

function portOf (url: string): number {
  return Number(new URL(url).port)
}

/**
 * Starts everything side by side. What was started is stopped again when a step fails or the signal ends it.
 *
 * @throws {CocoonError} port_taken, home_locked, file_unusable, what a process answers; the signal's reason
 */
export async function startLocalNetwork (init: LocalNetworkInit): Promise<LocalNetwork> {
  await assertPortFree(init.gatewayPort, '--port')
  await assertPortFree(init.chainPort, '--chain-port')
  await assertPortFree(init.adminPort ?? 0, '--admin-port')
  await mkdir(init.folder, { recursive: true, mode: 0o700 })
  const processes = createProcesses(init)
  const { groups, spawn } = processes
  let stopBootstrap: (() => Promise<void>) | undefined
  const stop = async (): Promise<void> => processes.stop(async () => stopBootstrap?.())
  const aborted = Promise.withResolvers<never>()
  aborted.promise.catch(() => {})
  const onAbort = (): void => { aborted.reject(init.signal?.reason) }
  init.signal?.addEventListener('abort', onAbort, { once: true })

  try {
    const genesis = Promise.withResolvers<LocalGenesis>()
    genesis.promise.catch(() => {})
    const base = Promise.withResolvers<{ genesis: string, chainUrl: string, bootstrap: string[], seed?: string }>()
    base.promise.catch(() => {})
    let chainPort = init.chainPort
    const startChain = async (child: Child): Promise<ChainInfo> => {
      const info = await child.ask<ChainInfo>('start', { home: join(init.folder, 'chain'), port: chainPort, genesis: (await genesis.promise).chain, begin: (await genesis.promise).begin } satisfies DevnetConfig)
      chainPort = portOf(info.url)
      return info
    }
    const startProvider = (index: number) => async (child: Child): Promise<ProviderInfo> => {
      const engine: EngineConfig = { engine: init.engine, parallel: init.parallel ?? PARALLEL }
      // The engine loads while the chain does; when it fails, so does the start.
      child.ask('warm', engine).catch(() => {})
      const prices = pricesOf(index)
      const stakeNano = stakeOf(index)
      const cheat = index === 0 ? init.cheat : undefined
      const config = { ...await base.promise, ...engine, name: child.name, home: join(init.folder, child.name), prices, windowNano: cheat == null ? WINDOW_NANO : CHEAT_WINDOW_NANO, stakeNano, cheat, evidence: (init.evidence ?? evidenceOf)(index), tampered: init.tampered?.includes(index) }
      return { ...await child.ask<{ peerId: string }>('start', config satisfies ProviderConfig), prices, stakeNano }
    }
    let { adminPort } = init
    const gatewayPorts = Array.from({ length: init.clients ?? 1 }, (_, i) => i === 0 ? init.gatewayPort : 0)
    const startGateway = (index: number) => async (child: Child): Promise<GatewayInfo> => {
      const config = { ...await base.promise, name: child.name, home: join(init.folder, child.name), port: gatewayPorts[index], adminPort: index === 0 ? adminPort : undefined }
      const info = await child.ask<GatewayInfo>('start', config satisfies GatewayConfig)
      gatewayPorts[index] = portOf(info.url)
      if (info.adminUrl != null) {
        adminPort = portOf(info.adminUrl)
      }
      return info
    }
    const spawnProvider = async (index: number, niceness?: number): Promise<Supervised<ProviderInfo>> => spawn('provider', `provider-${index + 1}`, startProvider(index), niceness)
    const rest = (): number[] => Array.from({ length: init.providers - 1 }, (_, i) => i + 1)

    // The slowest first. Those that are not waited for come when the first is up.
    const chainNode = await spawn('chain', 'chain', startChain)
    await spawnProvider(0)
    await Promise.all(gatewayPorts.map(async (_, i) => spawn('gateway', i === 0 ? 'gateway' : `gateway-${i + 1}`, startGateway(i))))
    if (init.waitFor !== 'one') {
      await Promise.all(rest().map(async index => spawnProvider(index)))
    }
    init.progress(`${processes.all().length} processes started`)

    // Loaded here, so that the processes are on their way before; what the chain waits for first.
    const { localGenesis, writeGovernorConfig } = await import('./registry-genesis.ts')
    genesis.resolve(localGenesis({ folder: init.folder, seed: init.seed, delaySeconds: init.registryDelaySeconds }))
    const { network } = await genesis.promise
    const { startBootstrapPeer } = await import('./bootstrap-peer.ts')
    const bootstrap = await startBootstrapPeer({ folder: init.folder, genesis: network, seed: init.seed })
    stopBootstrap = bootstrap.stop
    init.progress('bootstrap peer is up')
    const chain = await Promise.race([chainNode.started, aborted.promise])
    init.progress(`chain is up at ${chain.url}`)
    const governorHome = await writeGovernorConfig(init.folder, { network, chainUrl: chain.endpoint })
    base.resolve({ genesis: network, chainUrl: chain.endpoint, bootstrap: [bootstrap.address], seed: init.seed })

    const report = async (node: Supervised<unknown>): Promise<void> => {
      await node.started
      init.progress(`${node.name} is up`)
    }
    const up = Promise.all([...groups.gateway, ...groups.provider].map(report))
    await Promise.race([up, aborted.promise])
    if (init.waitFor === 'one') {
      void Promise.all(rest().map(async index => report(await spawnProvider(index, BEHIND_NICENESS)))).catch((error: unknown) => {
        if (!processes.isStopping) {
          init.progress(`not every provider came up: ${error instanceof Error ? error.message : String(error)}`)
        }
      })
    }
    const gateways = groups.gateway.map((node: Supervised<GatewayInfo>): GatewayProcess => ({
      name: node.name,
      get child () { return node.child },
      get peerId () { return node.info?.peerId ?? '' },
      get url () { return node.info?.url ?? '' },
      get adminUrl () { return node.info?.adminUrl }
    }))
    return {
      genesis: network,
      chain: { get child () { return chainNode.child }, ...chain },
      bootstrap: bootstrap.address,
      governorHome,
      get providers () {
        return groups.provider.filter((node: Supervised<ProviderInfo>) => node.info != null).map((node: Supervised<ProviderInfo>, i): ProviderProcess => ({
          name: node.name,
          get child () { return node.child },
          get peerId () { return node.info?.peerId ?? '' },
          prices: node.info?.prices ?? pricesOf(i),
          stakeNano: node.info?.stakeNano ?? stakeOf(i)
        }))
      },
      gateway: gateways[0],
      gateways,
      nodes: processes.nodes,
      ready: async (timeoutMs, options) => {
        const [first] = await Promise.all(gateways.map(async ({ child }) =>
          child.ask<{ models: Array<{ id: string, providers: number }> }>('ready', { timeoutMs, providers: options?.providers ?? 1 }, { timeoutMs: timeoutMs + 10_000 })))
        return first.models
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  } finally {
    init.signal?.removeEventListener('abort', onAbort)
  }
}
