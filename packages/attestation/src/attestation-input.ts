import type { Policy } from './policy.ts'
import type { CollateralVersions } from './report.ts'
import type { Binding, NetworkPreset } from '@cocoon-net/protocol'

/** What trust hangs on besides the policy. */
export interface AttestationTrust {
  /** Looks a beacon up on the client's own view of the chain; undefined when it cannot. */
  beaconKnown?(beacon: Binding['beacon']): boolean | undefined
}

/** One provider on one connection, and what it is judged by. */
export interface AttestationInput {
  /** The binding's bytes as they came. */
  readonly binding: Uint8Array
  /** Empty for a provider that shows none. */
  readonly evidence: Uint8Array
  readonly gpuEvidence: Uint8Array | null
  /** What the provider stapled: Intel's collateral as one JSON object; AMD's certificates and revocation lists as PEM. */
  readonly collateral: Uint8Array | readonly Uint8Array[] | null
  /** For the GPU: NVIDIA's manifests and OCSP responses, as files or as one JSON object. */
  readonly gpuCollateral?: Uint8Array | readonly Uint8Array[] | null
  /** The highest versions of collateral ever seen, from earlier reports: what is below them refuses. */
  readonly knownVersions?: CollateralVersions
  readonly challenge: { readonly nonce: Uint8Array, readonly answer: Uint8Array }
  /** Peer ids as multihash bytes. */
  readonly localPeer: Uint8Array
  readonly remotePeer: Uint8Array
  /** The libp2p public key (protobuf) of the connection's remote side. */
  readonly remotePeerKey: Uint8Array
  readonly network: NetworkPreset
  readonly policy: Policy
  readonly trust: AttestationTrust
  /** Unix milliseconds. */
  readonly nowMs: number
}
