import { collateralNeeds } from '@cocoon-net/attestation'
import { askCollateral } from './collateral-service.ts'
import { contentIdOf } from './collateral-store.ts'
import { COLLATERAL_FRESH_MS, MAX_PEERS_ASKED, VENDOR_REST_MS, VENDOR_TIMEOUT_MS } from './constants.ts'
import { fetchCollateral } from './vendor-collateral.ts'
import type { CollateralStore, StoredCollateral } from './collateral-store.ts'
import type { VendorInit } from './vendor-collateral.ts'
import type { Counters } from '../counters.ts'
import type { CollateralNeeds } from '@cocoon-net/attestation'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { Connection } from '@libp2p/interface'

export interface CollateralSourcesInit {
  readonly network: NetworkPreset
  readonly store: CollateralStore
  /** Null: this node asks no vendor. */
  readonly vendors: VendorInit | null
  connections(): readonly Connection[]
  readonly counters: Counters
  now(): number
}

export interface FindOptions {
  readonly signal?: AbortSignal
  /** Whether the evidence verifies with this, as far as collateral can tell; called for one candidate after the other. */
  usable(data: Uint8Array): boolean
  /** Content ids that were tried already. */
  readonly except?: readonly Uint8Array[]
  /** Asked before other peers. */
  readonly first?: Connection
}

/** Where collateral comes from: the store, the vendors, other peers. */
export interface CollateralSources {
  readonly store: CollateralStore
  /** The first that is usable: what is stored and fresh, what the vendor publishes, what peers have, what is stored and old. Never throws. */
  find(evidence: Uint8Array, options: FindOptions): Promise<Uint8Array | null>
  /** Keeps what verified this evidence, unless there is something fresh. */
  keep(evidence: Uint8Array, data: Uint8Array): Promise<void>
}

export function createCollateralSources (init: CollateralSourcesInit): CollateralSources {
  const { store, network, counters, now } = init
  const restUntil = { intel: 0, amd: 0, nvidia: 0 }

  const isFresh = (stored: StoredCollateral): boolean => stored.atMs > now() - COLLATERAL_FRESH_MS

  const fromVendor = async (needs: CollateralNeeds, signal?: AbortSignal): Promise<Uint8Array | null> => {
    if (init.vendors == null || restUntil[needs.vendor] > now()) {
      return null
    }
    try {
      return await fetchCollateral(needs, init.vendors, signal)
    } catch {
      restUntil[needs.vendor] = now() + VENDOR_REST_MS
      counters.increment('cocoon_collateral_failed_total', { source: needs.vendor })
      return null
    }
  }

  const fromPeers = async function * (subject: string, tried: ReadonlySet<string>, { first, signal }: FindOptions): AsyncGenerator<Uint8Array, void, void> {
    const others = init.connections().filter(connection => connection !== first).slice(0, MAX_PEERS_ASKED)
    const deadline = AbortSignal.timeout(VENDOR_TIMEOUT_MS)
    const both = signal == null ? deadline : AbortSignal.any([deadline, signal])
    for (const connection of first == null ? others : [first, ...others]) {
      try {
        const data = await askCollateral(connection, { network, subject, except: tried, signal: both })
        if (data != null) {
          yield data
        }
      } catch {
        // This peer serves no collateral, or not now: there are others.
        counters.increment('cocoon_collateral_failed_total', { source: 'peer' })
      }
    }
  }

  const candidates = async function * (needs: CollateralNeeds, tried: ReadonlySet<string>, options: FindOptions): AsyncGenerator<Uint8Array, void, void> {
    const stored = store.bySubject(needs.subject)
    const fresh = stored != null && isFresh(stored)
    if (fresh) {
      yield stored.data
    }
    const published = await fromVendor(needs, options.signal)
    if (published != null) {
      yield published
    }
    yield * fromPeers(needs.subject, tried, options)
    if (stored != null && !fresh) {
      yield stored.data
    }
  }

  return {
    store,
    keep: async (evidence, data) => {
      const needs = collateralNeeds(evidence)
      const stored = needs == null ? undefined : store.bySubject(needs.subject)
      if (needs != null && (stored == null || !isFresh(stored))) {
        await store.keep(needs.subject, data, now())
      }
    },
    find: async (evidence, options) => {
      const needs = collateralNeeds(evidence)
      if (needs == null) {
        return null
      }
      const tried = new Set((options.except ?? []).map(contentIdOf))
      for await (const data of candidates(needs, tried, options)) {
        const id = contentIdOf(data)
        if (!tried.has(id)) {
          tried.add(id)
          if (options.usable(data)) {
            return data
          }
        }
      }
      return null
    }
  }
}
