import { createNode, openTsmCollector } from '@cocoon-net/cocoon'
import { demoModelPath, llamaEngine, openaiEngine } from '@cocoon-net/engine'
import { DEFAULT_ADMIN_PORT, DEFAULT_ALLOWED_HOSTS, DEFAULT_GATEWAY_PORT, createAdmin, createGateway, prometheusCounters, serveAdmin, serveGateway } from '@cocoon-net/gateway'
import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { Registry } from 'prom-client'
import { chainEndpointsOf, tierKeyOf } from './config-keys.ts'
import { moneyActions } from './money-wire.ts'
import { nodeReads } from './node-reads.ts'
import { announceNode } from './running-node.ts'
import type { Config } from './config-keys.ts'
import type { ClientOptions, CocoonNode, EvidenceCollector, NetworkOption, NodeOptions } from '@cocoon-net/cocoon'
import type { Engine } from '@cocoon-net/engine'

export interface HostInit {
  readonly home: string
  readonly config: Config
  /** Needed for what changes state through the administration API. */
  readonly adminToken: string
  /** Opens keys that are protected. */
  readonly passphrase?: string
  onError (error: unknown): void
}

/** A node that runs in this process. */
export interface HostedNode {
  /** What the ready line shows: addresses, ports, tier. */
  readonly ready: Readonly<Record<string, unknown>>
  /** Resolves when the node was asked to stop through its administration API. */
  readonly stopped: Promise<void>
  stop (): Promise<void>
}

/** A server needs to know how much fits; what a server holds is the operator's word, and this is what most hold. */
const DEFAULT_CONTEXT_LENGTH = 8_192

function needed<T> (value: T | undefined, name: string): T {
  if (value === undefined) {
    throw new CocoonError('config_invalid', `${name} is not set`)
  }
  return value
}

function nano (text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text)
}

function networkOption (config: Config): NetworkOption {
  const network = config.network ?? 'devnet'
  return network === 'devnet' ? { devnet: needed(config.devnetGenesis, 'devnetGenesis') } : network
}

/** @throws {CocoonError} config_invalid */
export function engineOf (config: Config): Engine {
  const { engineUrl, engineModel = [], model = [], contextLength, slots } = config
  if (engineUrl !== undefined) {
    if (engineModel.length === 0) {
      throw new CocoonError('config_invalid', 'engineUrl needs engineModel, the names of the models to sell')
    }
    if (model.length > 0) {
      throw new CocoonError('config_invalid', 'Name either model files or an engineUrl, not both')
    }
    const models = engineModel.map(name => ({ name, contextLength: contextLength ?? DEFAULT_CONTEXT_LENGTH }))
    return openaiEngine({ url: engineUrl, models, parallel: slots })
  }
  if (model.length === 0 && (config.network ?? 'devnet') !== 'devnet') {
    throw new CocoonError('config_invalid', 'Name the GGUF file to serve with --model; only a devnet serves the demonstration model')
  }
  const files = model.length === 0 ? [demoModelPath()] : model
  return llamaEngine({ models: files.map(file => ({ file, contextLength })), parallel: slots })
}

function vendorsOf ({ intelUrl, amdUrl }: Config): NodeOptions['vendors'] {
  return intelUrl === undefined && amdUrl === undefined ? undefined : { ...(intelUrl === undefined ? {} : { intel: intelUrl }), ...(amdUrl === undefined ? {} : { amd: amdUrl }) }
}

const TSM = /^tsm(?::(.+))?$/

/** @throws {CocoonError} config_invalid when this machine is no guest that can prove itself */
async function collectorOf ({ evidence }: Config): Promise<EvidenceCollector | null> {
  const tsm = TSM.exec(evidence ?? 'none')
  if (tsm === null) {
    return null
  }
  try {
    return await openTsmCollector({ directory: tsm[1] })
  } catch (cause) {
    throw new CocoonError('config_invalid', `evidence: ${asCocoonError(cause).message}`, { cause })
  }
}

function nodeOptions (init: Omit<HostInit, 'adminToken'>, counters?: NodeOptions['counters']): NodeOptions {
  const { home, config } = init
  const { endpoint, secondEndpoint, apiKey } = chainEndpointsOf(config)
  return {
    home,
    passphrase: init.passphrase,
    network: networkOption(config),
    chainUrl: endpoint,
    chainApiKey: apiKey,
    secondChainUrl: secondEndpoint,
    bootstrap: config.bootstrap ?? [],
    listen: config.listen,
    mdns: config.mdns,
    vendors: vendorsOf(config),
    counters,
    onError: init.onError
  }
}

interface Closable { stop (): Promise<void> }

/** One round of looking for providers; a stop waits for the end of a round at most. */
const SEARCH_ROUND_MS = 2_000

/** Looks for providers until one is known: they may come up later than the client. */
function searchUntilReady (node: CocoonNode, onError: (error: unknown) => void): Closable {
  const stopping = new AbortController()
  const search = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await node.ready({ timeoutMs: SEARCH_ROUND_MS, signal: stopping.signal })
        return
      } catch (error) {
        if (!stopping.signal.aborted && asCocoonError(error).code !== 'no_provider') {
          onError(error)
          return
        }
      }
    }
  }
  const searching = search()
  return {
    stop: async () => {
      stopping.abort()
      await searching
    }
  }
}

async function closeAll (parts: Closable[]): Promise<void> {
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    await part.stop()
  }
}

/** Starts the node, then what listens in front of it; when a step fails, what was started is stopped again. */
async function host (init: HostInit, options: NodeOptions, registry: Registry, front: (node: CocoonNode, parts: Closable[]) => Promise<Record<string, unknown>>): Promise<HostedNode> {
  const parts: Closable[] = []
  let askStop = (): void => {}
  const stopped = new Promise<void>(resolve => { askStop = resolve })
  try {
    const node = await createNode(options)
    parts.push(node)
    const shown = await front(node, parts)
    const admin = createAdmin({
      token: init.adminToken,
      registry,
      reads: nodeReads(node, { ...chainEndpointsOf(init.config), devnetGenesis: init.config.devnetGenesis }),
      actions: {
        ...moneyActions(node),
        settle: async () => {
          if (node.provider === undefined) {
            throw new CocoonError('usage', 'This node has nothing to redeem: it buys and does not sell')
          }
          const settled = await node.provider.settle()
          return { lanes: settled.length, redeemedNano: settled.reduce((sum, lane) => sum + lane.redeemedNano, 0n) }
        },
        stop: async () => {
          askStop()
          return { stopping: true }
        }
      },
      onInternalError: init.onError
    })
    const server = await serveAdmin({ admin, port: init.config.adminPort ?? DEFAULT_ADMIN_PORT })
    parts.push(server, { stop: await announceNode(init.home, server.url) })
    return {
      ready: { ...shown, admin: server.url, peerId: node.peerId, network: node.network.name, addresses: node.addresses },
      stopped,
      stop: async () => closeAll(parts)
    }
  } catch (error) {
    await closeAll(parts)
    throw error
  }
}

/** @throws {CocoonError} config_invalid, home_locked, port_taken, engine_unavailable, chain_unavailable */
export async function hostProvider (init: HostInit): Promise<HostedNode> {
  const { config } = init
  const registry = new Registry()
  const options: NodeOptions = {
    ...nodeOptions(init, prometheusCounters(registry)),
    client: false,
    provider: {
      engine: engineOf(config),
      collector: await collectorOf(config),
      stakeFile: config.stakeFile,
      windowNano: nano(config.windowNano),
      prices: {
        prompt: nano(config.pricePromptNano),
        cached: nano(config.priceCachedNano),
        completion: nano(config.priceCompletionNano),
        reasoning: nano(config.priceReasoningNano)
      }
    }
  }
  return host(init, options, registry, async node => ({ role: 'provider', tier: node.provider?.tier }))
}

function clientOptions (config: Config): ClientOptions {
  return {
    minTier: config.minTier,
    minStakeNano: nano(config.minStakeNano),
    onlyListedModels: config.onlyListedModels,
    maxCostNano: nano(config.maxCostNano),
    laneCapNano: nano(config.laneCapNano),
    depositNano: nano(config.depositNano),
    limits: config.dailyLimitNano === undefined ? undefined : { perDayNano: BigInt(config.dailyLimitNano) }
  }
}

/**
 * Runs `work` with a node that buys from this home, serves nobody, and opens no lane of itself.
 *
 * @throws {CocoonError} config_invalid, home_locked, chain_unavailable
 */
export async function withClientNode<T> (init: Omit<HostInit, 'adminToken'>, work: (node: CocoonNode) => Promise<T>): Promise<T> {
  const node = await createNode({ ...nodeOptions(init), listen: [], client: { ...clientOptions(init.config), warmProviders: 0 } })
  try {
    return await work(node)
  } finally {
    await node.stop()
  }
}

/** @throws {CocoonError} config_invalid, home_locked, port_taken, chain_unavailable */
export async function hostGateway (init: HostInit): Promise<HostedNode> {
  const { config } = init
  const registry = new Registry()
  const counters = prometheusCounters(registry)
  const options: NodeOptions = { ...nodeOptions(init, counters), client: clientOptions(config) }
  return host(init, options, registry, async (node, parts) => {
    if (node.client === undefined) {
      throw new CocoonError('internal', 'The node started without its client role')
    }
    parts.push(searchUntilReady(node, init.onError))
    const gateway = createGateway({
      backend: node.client,
      apiKey: config.apiKey,
      apiKeys: config.tierKey?.map(tierKeyOf),
      allowedHosts: [...DEFAULT_ALLOWED_HOSTS, ...config.allowedHosts ?? []],
      allowedOrigins: config.allowedOrigins,
      counters,
      defaults: { maxPriceNano: nano(config.maxPriceNano), prefer: config.prefer },
      onInternalError: init.onError
    })
    const server = await serveGateway({ gateway, port: config.gatewayPort ?? DEFAULT_GATEWAY_PORT })
    parts.push(server)
    return { role: 'gateway', url: `${server.url}/v1` }
  })
}
