import { LIMITS, bindingHashOf, equalBytes, toHex } from '@cocoon-net/protocol'
import { attestBinding } from '../evidence/attest-binding.ts'
import { COLLECT_TIMEOUT_MS } from '../evidence/constants.ts'
import type { CollateralSources } from '../evidence/collateral-sources.ts'
import type { EvidenceCollector } from '@cocoon-net/attestation'
import type { Binding, NetworkPreset } from '@cocoon-net/protocol'
import type { HpkeKeyPair } from '@cocoon-net/sealing'

export interface Beacon { readonly seqno: number, readonly rootHash: Uint8Array, readonly atMs: number }

/** What a binding says of the engine. */
export interface Running { readonly models: readonly Uint8Array[], readonly runtimeConfigDigest: Uint8Array }

/** A binding with the evidence that commits to it. */
export interface AttestedBinding {
  readonly binding: Binding
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  readonly evidence: Uint8Array
  /** Stapled to the evidence; null when there is none. */
  readonly collateral: Uint8Array | null
  readonly gpuEvidence: Uint8Array | null
}

export interface ProviderIdentityInit {
  readonly network: NetworkPreset
  readonly peerKey: Uint8Array
  readonly hpkeKey: HpkeKeyPair
  readonly receiptKey: Uint8Array
  readonly stake: Uint8Array
  readonly payee: Uint8Array
  /** What runs now: asked for each binding. */
  running (): Running
  /** Null for an engine that cannot be attested: the tier is `open`. */
  readonly collector: EvidenceCollector | null
  /** Where collateral is looked for that the collector does not give; null for nowhere. */
  readonly collateral?: CollateralSources | null
  beacon (): Promise<Beacon>
  now (): number
}

/** The provider's current binding and the earlier ones that are still alive. */
export interface ProviderIdentity {
  readonly hpkeKey: HpkeKeyPair
  current(): AttestedBinding
  /** By hash, while its life lasts. */
  find(bindingHash: Uint8Array): AttestedBinding | undefined
  /** Whether what runs is no longer what the current binding says. */
  outdated(): boolean
  /** Makes a new binding on a fresh beacon and collects evidence for it. */
  refresh(): Promise<AttestedBinding>
}

/** At most this many bindings live at once: one every three hours for six hours, and room for changes in between. */
const MAX_LIVE_BINDINGS = 16

function sameRunning (a: Running, b: Running): boolean {
  return equalBytes(a.runtimeConfigDigest, b.runtimeConfigDigest) && a.models.length === b.models.length && a.models.every((model, i) => equalBytes(model, b.models[i]))
}

export function createProviderIdentity (init: ProviderIdentityInit): ProviderIdentity {
  const live = new Map<string, AttestedBinding>()
  let latest: AttestedBinding | undefined

  return {
    hpkeKey: init.hpkeKey,
    current: () => {
      if (latest == null) {
        throw new Error('refresh() has not finished yet')
      }
      return latest
    },
    find: (hash) => {
      const found = live.get(toHex(hash))
      return found != null && found.binding.notAfterMs > init.now() ? found : undefined
    },
    outdated: () => latest != null && !sameRunning(latest.binding, init.running()),
    refresh: async () => {
      const beacon = await init.beacon()
      const binding: Binding = {
        v: 1,
        networkId: init.network.networkId,
        role: 'provider',
        peerKey: init.peerKey,
        hpkeKeys: [{ kem: init.hpkeKey.kem, key: init.hpkeKey.publicKey }],
        receiptKey: init.receiptKey,
        stake: init.stake,
        payee: init.payee,
        ...init.running(),
        beacon,
        notAfterMs: beacon.atMs + LIMITS.bindingLifeMs,
        evidenceKind: init.collector?.kind ?? 'none',
        gpuDigest: null
      }
      const { bytes, ...shown } = await attestBinding(binding, { collector: init.collector, sources: init.collateral ?? null, signal: AbortSignal.timeout(COLLECT_TIMEOUT_MS), now: init.now })
      latest = { bytes, hash: bindingHashOf(bytes), ...shown }
      live.set(toHex(latest.hash), latest)
      for (const [key, value] of live) {
        if (value.binding.notAfterMs <= init.now() || live.size > MAX_LIVE_BINDINGS) {
          live.delete(key)
        }
      }
      return latest
    }
  }
}
