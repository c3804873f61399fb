import { noise } from '@chainsafe/libp2p-noise'
import { dhtProtocolId, networkTag } from '@cocoon-net/protocol'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper, removePrivateAddressesMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { noCounters } from '../counters.ts'
import { createDhtStore } from '../discovery/dht-store.ts'
import { keepBootstrapped } from './bootstrap.ts'
import {
  DHT_ALPHA, DIAL_TIMEOUT_MS, INBOUND_PER_SECOND, INBOUND_PER_SECOND_DEVNET, INITIAL_SELF_QUERY_MS, MAX_CONNECTIONS,
  MAX_CONNECTIONS_LIGHT, MAX_DHT_STREAMS, MAX_PENDING_INBOUND, MAX_PING_STREAMS, MAX_STREAMS_PER_CONNECTION, PING_INTERVAL_MS,
  PING_TIMEOUT_MS, UPGRADE_TIMEOUT_MS
} from './constants.ts'
import type { Gossip, GossipService } from './gossip.ts'
import type { Counters } from '../counters.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { ComponentLogger, ConnectionEncrypter, Libp2p, Metrics, PeerDiscovery, PeerId, PeerInfo, PrivateKey, Transport } from '@libp2p/interface'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import type { Datastore } from 'interface-datastore'

export interface HostRoles {
  readonly provider: boolean
  readonly client: boolean
  /** Serves neither DHT nor gossip. */
  readonly light: boolean
}

export interface HostInit {
  readonly network: NetworkPreset
  readonly privateKey: PrivateKey
  /** Holds the peer store; without one it is in memory only. */
  readonly datastore?: Datastore
  /** Multiaddrs to listen on; none for a node that only dials. */
  readonly listen: readonly string[]
  /** Multiaddrs to stay connected to. */
  readonly bootstrap: readonly string[]
  readonly roles: HostRoles
  /** Finds peers of this network on the LAN. */
  readonly mdns?: boolean
  /** Relay client, hole punching and reachability checks. Off by default: it costs start-up time. */
  readonly nat?: boolean
  /** `memory` is for tests within one process. */
  readonly transports?: 'tcp' | 'memory'
  readonly logger?: ComponentLogger
  metrics?(components: any): Metrics
  readonly counters?: Counters
  now?(): number
}

/** What a host is built from besides its options. */
export interface HostModules {
  /** Best first; default: TLS, then noise. */
  readonly encrypters?: ReadonlyArray<(components: any) => ConnectionEncrypter>
}

/** A started libp2p node of one network. */
export interface Host {
  readonly libp2p: Libp2p
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly network: NetworkPreset
  readonly dht: KadDHT
  /** Absent on a light node. */
  readonly gossip?: Gossip
  /** Addresses to be reached at, each with the peer id. */
  addresses(): string[]
  /** Closes connections and listeners and ends all that was started. */
  stop(): Promise<void>
}

interface Services extends Record<string, unknown> {
  dht: KadDHT
  gossip?: GossipService
}

type TransportFactory = (components: any) => Transport

async function transportsFor (init: HostInit): Promise<TransportFactory[]> {
  if (init.transports === 'memory') {
    const { memory } = await import('@libp2p/memory')
    return [memory()]
  }
  const [{ tcp }, { webSockets }] = await Promise.all([import('@libp2p/tcp'), import('@libp2p/websockets')])
  // A token's frame is small and must not wait for company.
  const found: TransportFactory[] = [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } }), webSockets()]
  if (init.nat === true) {
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
    found.push(circuitRelayTransport())
  }
  return found
}

function dhtService (init: HostInit): (components: KadDHTComponents) => KadDHT {
  const { network, roles } = init
  return (components) => {
    const datastore = createDhtStore({ knows: async (peer) => components.peerStore.has(peer), now: init.now ?? Date.now })
    return kadDHT({
      protocol: dhtProtocolId(network),
      // A node that nobody can dial is no use to the DHT.
      clientMode: roles.light || init.listen.length === 0,
      // Only a devnet's peers live at private addresses.
      peerInfoMapper: network.kind === 'devnet' || init.transports === 'memory' ? passthroughMapper : removePrivateAddressesMapper,
      // Searches poll until something is found, so they need not wait for the first self-query.
      allowQueryWithZeroPeers: true,
      initialQuerySelfInterval: INITIAL_SELF_QUERY_MS,
      alpha: DHT_ALPHA,
      maxInboundStreams: MAX_DHT_STREAMS,
      maxOutboundStreams: MAX_DHT_STREAMS
    })(new Proxy(components, {
      // The DHT gets a store of its own, bounded and in memory; all else is the node's.
      get: (target, name) => name === 'datastore' ? datastore : Reflect.get(target, name)
    }))
  }
}

/**
 * Creates and starts a node. TLS is offered before noise: it costs about half the CPU per frame between Node peers.
 * Nothing that a role does not need is loaded. Fails when no listen address can be used.
 */
export async function createHost (init: HostInit, modules: HostModules = {}): Promise<Host> {
  const { network, roles } = init
  const counters = init.counters ?? noCounters
  const devnet = network.kind === 'devnet'

  const [transports, encrypters, gossip, mdns, nat] = await Promise.all([
    transportsFor(init),
    modules.encrypters ?? import('@libp2p/tls').then(({ tls }) => [tls(), noise()]),
    roles.light ? undefined : import('./gossip.ts'),
    init.mdns === true ? import('@libp2p/mdns') : undefined,
    init.nat === true ? Promise.all([import('@libp2p/autonat'), import('@libp2p/dcutr')]) : undefined
  ])

  const peerDiscovery: Array<(components: any) => PeerDiscovery> = mdns == null
    ? []
    : [mdns.mdns({ serviceTag: `_cocoon-${networkTag(network)}._udp.local` })]

  const libp2p = await createLibp2p<Services>({
    start: false,
    privateKey: init.privateKey,
    ...(init.datastore == null ? {} : { datastore: init.datastore }),
    ...(init.logger == null ? {} : { logger: init.logger }),
    ...(init.metrics == null ? {} : { metrics: init.metrics }),
    nodeInfo: { userAgent: 'cocoon' },
    addresses: { listen: [...init.listen] },
    transports,
    connectionEncrypters: [...encrypters],
    streamMuxers: [yamux({ maxInboundStreams: MAX_STREAMS_PER_CONNECTION, maxOutboundStreams: MAX_STREAMS_PER_CONNECTION })],
    peerDiscovery,
    connectionManager: {
      maxConnections: roles.light ? MAX_CONNECTIONS_LIGHT : MAX_CONNECTIONS,
      inboundConnectionThreshold: devnet ? INBOUND_PER_SECOND_DEVNET : INBOUND_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_INBOUND,
      dialTimeout: DIAL_TIMEOUT_MS,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS
    },
    connectionMonitor: { pingInterval: PING_INTERVAL_MS, pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: MAX_PING_STREAMS, maxOutboundStreams: MAX_PING_STREAMS, timeout: PING_TIMEOUT_MS }),
      dht: dhtService(init),
      ...(gossip == null ? {} : { gossip: gossip.gossipService(network) }),
      ...(nat == null ? {} : { autonat: nat[0].autoNAT(), dcutr: nat[1].dcutr() })
    } as any
  })

  const dialDiscovered = (event: CustomEvent<PeerInfo>): void => {
    libp2p.dial(event.detail.id, { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) })
      .catch(() => { counters.increment('cocoon_mdns_dials_failed_total') })
  }
  try {
    await libp2p.start()
  } catch (error) {
    await libp2p.stop()
    throw error
  }
  if (mdns != null) {
    libp2p.addEventListener('peer:discovery', dialDiscovered)
  }
  // A bootstrap node may find itself in a list that all nodes share.
  const others = init.bootstrap.filter(address => !address.endsWith(`/p2p/${libp2p.peerId.toString()}`))
  const stopBootstrap = keepBootstrapped(libp2p, others, counters)

  return {
    libp2p,
    peerId: libp2p.peerId,
    privateKey: init.privateKey,
    network,
    dht: libp2p.services.dht,
    ...(gossip == null || libp2p.services.gossip == null ? {} : { gossip: gossip.createGossip(libp2p.services.gossip) }),
    addresses: () => libp2p.getMultiaddrs().map(address => address.toString()),
    stop: async () => {
      stopBootstrap()
      libp2p.removeEventListener('peer:discovery', dialDiscovered)
      await libp2p.stop()
    }
  }
}
