import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadHostKey, openHostDatastore, startNode } from '@cocoon-net/node'
import { CocoonError, devnetPreset, fromHex, toHex } from '@cocoon-net/protocol'
import { startChild } from './child-process.ts'
import type { Child } from './child-process.ts'
import type { DevnetConfig, GatewayConfig, ProviderConfig } from './configs.ts'
import type { CocoonPeer, HostDatastore } from '@cocoon-net/node'

export interface LocalNetworkInit {
  /** All state lies here. */
  readonly folder: string
  readonly providers: number
  /** Ports of the gateway and the chain; 0 takes a free one. */
  readonly gatewayPort: number
  readonly chainPort: number
  /** Told of each step as it is done. */
  progress (step: string): void
  /** Providers whose evidence has a bit turned, by index: for fault tests. */
  readonly tampered?: readonly number[]
  readonly engine?: ProviderConfig['engine']
  readonly parallel?: number
}

export interface ProviderProcess { readonly child: Child, readonly peerId: string, readonly prices: ProviderConfig['prices'] }

/** A whole network on this machine: a chain, a bootstrap peer, providers, and one client gateway. */
export interface LocalNetwork {
  readonly genesis: string
  readonly chain: { readonly child: Child, readonly endpoint: string, readonly url: string }
  readonly bootstrap: string
  readonly providers: readonly ProviderProcess[]
  readonly gateway: { readonly child: Child, readonly peerId: string, readonly url: string }
  /** Resolves when the gateway can use a model; the models found. */
  ready(timeoutMs: number): Promise<ReadonlyArray<{ id: string, providers: number }>>
  stop(): Promise<void>
}

/** nanoTON per million tokens: every provider a little dearer than the one before. */
export function pricesOf (index: number): ProviderConfig['prices'] {
  return { prompt: String(50_000_000 + 10_000_000 * index), completion: String(200_000_000 + 40_000_000 * index) }
}

/** Small enough that vouchers and checkpoints can be watched: about 250 tokens. */
const WINDOW_NANO = '50000'
const PARALLEL = 8

async function genesisOf (folder: string): Promise<string> {
  const path = join(folder, 'genesis')
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new CocoonError('file_unusable', `${path} cannot be read`, { cause: error })
    }
  }
  const genesis = toHex(randomBytes(32))
  await writeFile(path, `${genesis}\n`, { mode: 0o600 })
  return genesis
}

/** Starts everything side by side. What was started is stopped again when a step fails. */
export async function startLocalNetwork (init: LocalNetworkInit): Promise<LocalNetwork> {
  await mkdir(init.folder, { recursive: true, mode: 0o700 })
  const stops: Array<() => Promise<void>> = []
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopping ??= (async () => {
      for (let end = stops.pop(); end != null; end = stops.pop()) {
        await end()
      }
    })()
    await stopping
  }
  const spawnChild = async (entry: 'chain' | 'provider' | 'gateway', name: string): Promise<Child> => startChild({ entry, name, logFile: join(init.folder, 'logs', `${name}.log`) })
  try {
    const genesis = await genesisOf(init.folder)
    // The chain first in the list: it is stopped last.
    const chainChild = await spawnChild('chain', 'chain')
    stops.push(async () => chainChild.stop())
    const lock = await openLock(init.folder)
    stops.push(lock.close)
    const [gatewayChild, ...providerChildren] = await Promise.all([
      spawnChild('gateway', 'gateway'),
      ...Array.from({ length: init.providers }, async (_, i) => spawnChild('provider', `provider-${i + 1}`))
    ])
    stops.push(async () => { await Promise.all(providerChildren.map(async child => child.stop())) })
    stops.push(async () => gatewayChild.stop())

    const chainStarted = chainChild.ask<{ endpoint: string, url: string }>('start', { home: join(init.folder, 'chain'), port: init.chainPort, genesis } satisfies DevnetConfig)
    const bootstrapPeer = await startBootstrap(genesis, lock)
    stops.push(bootstrapPeer.stop)
    const bootstrap = bootstrapPeer.host.libp2p.getMultiaddrs()[0].toString()
    init.progress('bootstrap peer is up')
    const chain = await chainStarted
    init.progress('devnet chain is up')

    const base = { genesis, chainUrl: chain.endpoint, bootstrap: [bootstrap] }
    const gatewayStarted = gatewayChild.ask<{ peerId: string, url: string }>('start', { ...base, home: join(init.folder, 'gateway'), port: init.gatewayPort } satisfies GatewayConfig)
    const providersStarted = providerChildren.map(async (child, i): Promise<ProviderProcess> => {
      const prices = pricesOf(i)
      const { peerId } = await child.ask<{ peerId: string }>('start', {
        ...base,
        home: join(init.folder, child.name),
        prices,
        windowNano: WINDOW_NANO,
        parallel: init.parallel ?? PARALLEL,
        engine: init.engine,
        tampered: init.tampered?.includes(i)
      } satisfies ProviderConfig)
      init.progress(`${child.name} is up`)
      return { child, peerId, prices }
    })
    // A failure of one is heard of even while the other is waited for.
    const [gateway, providers] = await Promise.all([gatewayStarted, Promise.all(providersStarted)])
    init.progress('gateway is up')
    return {
      genesis,
      chain: { child: chainChild, ...chain },
      bootstrap,
      providers,
      gateway: { child: gatewayChild, ...gateway },
      ready: async (timeoutMs) => {
        const { models } = await gatewayChild.ask<{ models: Array<{ id: string, providers: number }> }>('ready', { timeoutMs }, { timeoutMs: timeoutMs + 5_000 })
        return models
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The bootstrap peer's database is also the lock of the whole folder. */
async function openLock (folder: string): Promise<HostDatastore> {
  try {
    return await openHostDatastore(join(folder, 'bootstrap'))
  } catch (error) {
    throw new CocoonError('home_locked', `another network runs in ${folder}`, { cause: error })
  }
}

async function startBootstrap (genesis: string, { datastore }: HostDatastore): Promise<CocoonPeer> {
  return startNode({
    network: devnetPreset(fromHex(genesis)),
    privateKey: await loadHostKey(datastore),
    datastore,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: []
  })
}
