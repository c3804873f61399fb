import { noCounters } from '../counters.ts'
import { createAnnouncer } from './announcer.ts'
import { findProviders } from './find-providers.ts'
import type { FindProvidersOptions } from './find-providers.ts'
import type { Target } from './keys.ts'
import type { Counters } from '../counters.ts'
import type { Host } from '../host/create-host.ts'
import type { PeerInfo } from '@libp2p/interface'

export interface DiscoveryInit {
  readonly host: Pick<Host, 'dht' | 'libp2p' | 'peerId' | 'network'>
  readonly counters?: Counters
  now?(): number
  random?(): number
}

/** Finding providers by model through the DHT, and being found. */
export interface Discovery {
  /** Publishes provider records for these models (32-byte digests) and the catalogue, and keeps them fresh; `[]` ends it. */
  announce(digests: readonly Uint8Array[]): void
  /** Searches until something is found or the signal ends it; never throws because of peers. */
  findProviders(target: Target, options?: FindProvidersOptions): AsyncIterable<PeerInfo>
  stop(): Promise<void>
}

export function createDiscovery (init: DiscoveryInit): Discovery {
  const counters = init.counters ?? noCounters
  const now = init.now ?? Date.now
  const announcer = createAnnouncer({ host: init.host, counters, now })
  return {
    announce: announcer.announce,
    findProviders: (target, options) => findProviders(target, { host: init.host, counters, now, random: init.random ?? Math.random }, options),
    stop: announcer.stop
  }
}
