import { createGateway } from '@cocoon-net/gateway'
import { openCollateralStore, startNode } from '@cocoon-net/node'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { createChainReader } from '@cocoon-net/settlement'
import { openHome } from './home.ts'
import { nodeMoney } from './money.ts'
import { networkOf } from './network.ts'
import { followRegistry } from './registry-follow.ts'
import { composeClient, composeProvider } from './roles.ts'
import type { NodeMoney } from './money.ts'
import type { NodeOptions } from './options.ts'
import type { ClientParts, ProviderParts } from './roles.ts'
import type { Gateway } from '@cocoon-net/gateway'
import type { Client, CocoonPeer, Explanation, ModelListing, Provider, VendorInit } from '@cocoon-net/node'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { LedgerRow } from '@cocoon-net/settlement'

export interface WalletSummary {
  /** Raw address and balance of the hot wallet. */
  readonly wallet: string
  readonly walletNano: bigint
  /** Only of a client. */
  readonly vault?: string
  readonly vaultNano?: bigint
}

/** A node inside your process. */
export interface CocoonNode {
  readonly network: NetworkPreset
  readonly peerId: string
  /** Multiaddrs, with the peer id. */
  readonly addresses: readonly string[]
  /** An OpenAI-compatible `fetch`: give it to the OpenAI SDK. Throws for a node without the client role. */
  readonly fetch: typeof globalThis.fetch
  /** The same as a handler, to be served over HTTP. */
  readonly gateway: Gateway | undefined
  readonly client: Client | undefined
  readonly provider: Provider | undefined
  models(): Promise<readonly ModelListing[]>
  explain(): readonly Explanation[]
  wallet(): Promise<WalletSummary>
  /** Moves coins through the wallet and the lanes of this node. Undefined for a node without roles. */
  readonly money: NodeMoney | undefined
  /** What was paid, earned and redeemed, oldest first. */
  ledger(): Promise<readonly LedgerRow[]>
  /**
   * Resolves when a model can be used.
   *
   * @throws {CocoonError} no_provider
   */
  ready(options?: { timeoutMs?: number, signal?: AbortSignal }): Promise<void>
  /** Ends what `createNode` began, in the opposite order. Safe to call twice. */
  stop(): Promise<void>
}

/** A devnet's evidence is of no vendor's. */
function vendorsOf (network: NetworkPreset, { vendors }: NodeOptions): VendorInit | null {
  return vendors === false || (vendors == null && network.kind === 'devnet') ? null : { urls: vendors ?? {} }
}

const READY_TIMEOUT_MS = 30_000
const READY_POLL_MS = 50

function noClient (): CocoonError {
  return new CocoonError('usage', 'this node has no client role')
}

/**
 * Starts a node: opens its home, starts the roles from bottom to top, joins the network.
 *
 * @throws {CocoonError} home_locked, config_invalid, chain_unavailable, file_unusable, engine_unavailable
 */
export async function createNode (options: NodeOptions): Promise<CocoonNode> {
  const network = networkOf(options.network)
  const home = await openHome(options.home, { passphrase: options.passphrase })
  const stops: Array<() => Promise<void>> = [home.close]
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopping ??= (async () => {
      for (let end = stops.pop(); end != null; end = stops.pop()) {
        await end()
      }
    })()
    await stopping
  }
  try {
    const chain = createChainReader({ endpoint: options.chainUrl, apiKey: options.chainApiKey, secondEndpoint: options.secondChainUrl, onDisagree: options.onError })
    const registry = await followRegistry({ network, folder: options.home, reader: chain, onError: options.onError })
    stops.push(registry.stop)
    const parts = { network, home, options, chain, registry }
    let provider: ProviderParts | undefined
    if (options.provider != null) {
      provider = await composeProvider(parts)
      const { engine } = options.provider
      await engine.start()
      stops.push(async () => engine.stop())
      const { payments } = provider
      await payments.start()
      stops.push(async () => payments.stop())
      provider.fund().catch((error: unknown) => options.onError?.(error))
    }
    let client: ClientParts | undefined
    if (options.client !== false && (options.client != null || options.provider == null)) {
      client = await composeClient({ ...parts, wallet: provider?.wallet })
      const { payments } = client
      await payments.start()
      stops.push(async () => payments.stop())
    }
    const collateral = await home.keyValue('collateral')
    stops.push(async () => collateral.close())
    const peer = await startNode({
      network,
      collateral: { store: await openCollateralStore(collateral), vendors: vendorsOf(network, options) },
      privateKey: home.privateKey,
      datastore: home.datastore,
      listen: options.listen ?? (options.provider == null ? [] : ['/ip4/0.0.0.0/tcp/0']),
      bootstrap: options.bootstrap,
      light: options.light,
      mdns: options.mdns,
      provider: provider?.role,
      client: client?.role,
      counters: options.counters
    })
    stops.push(peer.stop)
    return facade({ network, peer, client, provider, options, stop })
  } catch (error) {
    await stop()
    throw error
  }
}

function facade (init: { network: NetworkPreset, peer: CocoonPeer, client?: ClientParts, provider?: ProviderParts, options: NodeOptions, stop(): Promise<void> }): CocoonNode {
  const { peer, client, provider, options } = init
  const settings = options.client === false ? {} : options.client ?? {}
  const gateway = peer.client == null
    ? undefined
    : createGateway({ backend: peer.client, apiKey: settings.apiKey, allowedHosts: settings.allowedHosts, allowedOrigins: settings.allowedOrigins })
  // In process there is no web page to guard against: any host name may be used as the base address.
  const inner = peer.client == null ? undefined : createGateway({ backend: peer.client, allowedHosts: ['cocoon.local', 'localhost', '127.0.0.1'] })
  const ready = (): boolean => peer.client?.ready() === true
  const hotWallet = client?.wallet ?? provider?.wallet
  return {
    network: init.network,
    peerId: peer.host.peerId.toString(),
    get addresses () { return peer.host.libp2p.getMultiaddrs().map(String) },
    fetch: async (input, request) => {
      if (inner == null) {
        throw noClient()
      }
      return inner.fetch(new Request(input, request))
    },
    gateway,
    client: peer.client,
    provider: peer.provider,
    models: async () => peer.client?.models() ?? [],
    explain: () => peer.client?.explain() ?? [],
    wallet: async () => {
      if (hotWallet == null) {
        throw new CocoonError('usage', 'this node has no wallet')
      }
      const balances = await client?.payments.balances()
      return {
        wallet: accountToText(hotWallet.account),
        walletNano: balances?.walletNano ?? await hotWallet.balance(),
        ...(client == null || balances == null ? {} : { vault: accountToText(client.payments.vault.account), vaultNano: balances.vaultNano })
      }
    },
    money: hotWallet == null ? undefined : nodeMoney({ wallet: hotWallet, payments: client?.payments, closer: peer.client, earnings: provider, voucherKey: client?.voucherKey }),
    ledger: async () => {
      const rows = await Promise.all([client?.payments.ledger() ?? [], provider?.payments.ledger() ?? []])
      return rows.flat().sort((a, b) => a.atMs - b.atMs)
    },
    ready: async ({ timeoutMs = READY_TIMEOUT_MS, signal } = {}) => {
      if (peer.client == null) {
        throw noClient()
      }
      const endMs = Date.now() + timeoutMs
      while (!ready()) {
        signal?.throwIfAborted()
        if (Date.now() >= endMs) {
          throw new CocoonError('no_provider', `no provider was found in ${timeoutMs} ms`)
        }
        await peer.client.search(AbortSignal.timeout(Math.max(1, endMs - Date.now())))
        if (!ready()) {
          await new Promise(resolve => { setTimeout(resolve, READY_POLL_MS) })
        }
      }
    },
    stop: init.stop
  }
}
