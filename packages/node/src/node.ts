import { openRequest, prepareSeal } from '@cocoon-net/sealing'
import { createClient } from './client/client.ts'
import { coalesced } from './client/coalesce.ts'
import { ENOUGH_OFFERS, FIRST_REFRESH_MS, REFRESH_OFFERS_MS, REFRESH_TIMEOUT_MS, WARM_PAUSE_MS } from './constants.ts'
import { noCounters } from './counters.ts'
import { createDiscovery } from './discovery/discovery.ts'
import { createBindingGossip } from './evidence/binding-gossip.ts'
import { serveCollateral } from './evidence/collateral-service.ts'
import { createCollateralSources } from './evidence/collateral-sources.ts'
import { createHost } from './host/create-host.ts'
import { createOfferBook } from './offers/offer-book.ts'
import { createOfferFinder } from './offers/offer-finder.ts'
import { createOfferGossip } from './offers/offer-gossip.ts'
import { startProvider } from './provider/provider.ts'
import type { Client, ClientInit } from './client/client.ts'
import type { EvidenceStore } from './client/contradictions.ts'
import type { Counters } from './counters.ts'
import type { BindingGossip } from './evidence/binding-gossip.ts'
import type { CollateralSources, CollateralSourcesInit } from './evidence/collateral-sources.ts'
import type { Host, HostInit, HostModules } from './host/create-host.ts'
import type { OfferFinder } from './offers/offer-finder.ts'
import type { Provider, ProviderInit, ProviderModules } from './provider/provider.ts'
import type { NetworkRules } from './rules.ts'
import type { ReadStake } from './stakes/stake-book.ts'
import type { AttestationTrust, Policy } from '@cocoon-net/attestation'
import type { Tier } from '@cocoon-net/protocol'
import type { ClientPayments } from '@cocoon-net/settlement'

export interface ClientRoleInit {
  readonly payments: ClientPayments
  readonly policy: Policy
  /** What the network allows; without it `policy` alone counts. */
  readonly rules?: NetworkRules
  readonly onlyListedModels?: boolean
  readonly trust: AttestationTrust
  readonly minTier: Tier
  /** Least stake of a provider when a request names none, nanoTON; default 0. */
  readonly minStakeNano?: bigint
  /** Reads a stake from the chain; without it none counts. */
  readonly readStake?: ReadStake
  /** Where evidence against stakes is kept. */
  readonly evidence?: EvidenceStore
  /** Most that one request may cost when it sets no bound, nanoTON. */
  readonly maxCostNano: bigint
  /** Providers kept ready ahead of a request, 0 for none; default 2. */
  readonly warmProviders?: number
  readonly searchMs?: number
}

export interface NodeInit extends Omit<HostInit, 'roles'> {
  readonly light?: boolean
  readonly provider?: ProviderInit
  readonly client?: ClientRoleInit
  readonly counters?: Counters
  /** Collateral kept and served, the highest versions seen, and the vendors to ask; without it only what peers staple is used. */
  readonly collateral?: Pick<CollateralSourcesInit, 'store' | 'vendors'>
  now? (): number
  randomBytes? (length: number): Uint8Array
}

/** A running node. Provider and client are roles of it; without either it is a bootstrap peer. */
export interface CocoonPeer {
  readonly host: Host
  readonly provider?: Provider
  readonly client?: Client
  /** Ends what start began, in the opposite order. */
  stop(): Promise<void>
}

function systemRandom (length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}

/**
 * An idle client knows what can be bought too, and one that has just started hears of providers that come up after it:
 * it looks often at first, then at the pace at which offers end. What it finds first it makes ready for a request.
 */
function keepOffersFresh (offers: Pick<OfferFinder, 'gather'>, client: Pick<Client, 'warm'>): () => void {
  let waitMs = FIRST_REFRESH_MS
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  const look = (): void => {
    void offers.gather({ model: null, minOffers: ENOUGH_OFFERS, signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS) }).finally(() => {
      if (!stopped) {
        void client.warm()
        waitMs = Math.min(REFRESH_OFFERS_MS, waitMs * 2)
        timer = setTimeout(look, waitMs)
      }
    })
  }
  timer = setTimeout(look, waitMs)
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** What protects a node's traffic. There is one choice outside the tests that read what travels. */
export interface Protection extends HostModules, Pick<ProviderModules, 'openRequest'>, Pick<ClientInit, 'prepareSeal'> {}

/** Builds the node from bottom to top and starts it; when a step fails, what was started is stopped again. */
export async function startNode (init: NodeInit): Promise<CocoonPeer> {
  return startNodeUnder({ openRequest, prepareSeal }, init)
}

/** The same under another protection: for tests, not part of the package's interface. */
export async function startNodeUnder (protection: Protection, init: NodeInit): Promise<CocoonPeer> {
  const counters = init.counters ?? noCounters
  const now = init.now ?? Date.now
  const randomBytes = init.randomBytes ?? systemRandom
  const stops: Array<() => Promise<void> | void> = []
  const stop = async (): Promise<void> => {
    for (let end = stops.pop(); end != null; end = stops.pop()) {
      await end()
    }
  }
  try {
    const light = init.light ?? false
    const host = await createHost({ ...init, roles: { provider: init.provider != null, client: init.client != null, light } }, protection)
    stops.push(async () => host.stop())
    const discovery = createDiscovery({ host, counters, now })
    stops.push(async () => discovery.stop())
    const book = createOfferBook({ now })
    let gossip
    if (host.gossip != null && !light) {
      gossip = createOfferGossip({ gossip: host.gossip, network: init.network, book, counters, now })
      stops.push(gossip.stop)
    }
    let collateral: CollateralSources | null = null
    if (init.collateral != null) {
      collateral = createCollateralSources({ ...init.collateral, network: init.network, connections: () => host.libp2p.getConnections(), counters, now })
      stops.push(await serveCollateral({ libp2p: host.libp2p, network: init.network, store: init.collateral.store, counters }))
    }
    let client: Client | undefined
    let bindings: BindingGossip | null = null
    const warming = coalesced({ pauseMs: WARM_PAUSE_MS, work: async () => client?.warm() })
    stops.push(warming.stop)
    if (host.gossip != null && !light) {
      // A provider attested anew: what it shows is verified before a request needs it.
      bindings = createBindingGossip({ gossip: host.gossip, network: init.network, privateKey: host.privateKey, counters, now, onBinding: warming.ask })
      stops.push(bindings.stop)
    }
    let provider: Provider | undefined
    if (init.provider != null) {
      provider = await startProvider(init.provider, { host, discovery, book, counters, bindings, collateral, openRequest: protection.openRequest, now, randomBytes })
      stops.push(provider.stop)
    }
    if (init.client != null) {
      const offers = createOfferFinder({ host, discovery, book, gossip, counters, now })
      stops.push(async () => offers.stop())
      client = createClient({ ...init.client, collateral, prepareSeal: protection.prepareSeal, libp2p: host.libp2p, network: init.network, localPeer: host.peerId, offers, counters, now, randomBytes })
      stops.push(client.stop)
      stops.push(keepOffersFresh(offers, client))
    }
    return { host, provider, client, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
