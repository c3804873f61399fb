import { encodeSimulatedEvidence, simulatedEvidenceBytes } from '@cocoon-net/attestation'
import { sha256, toHex, utf8 } from '@cocoon-net/protocol'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { EvidenceCollector } from '@cocoon-net/attestation'

/** The public half of a simulation root, as a devnet's policy lists it: 64 hex digits. */
export function simulationRootKey (rootSeed: Uint8Array): string {
  return toHex(ed25519.getPublicKey(rootSeed))
}

/** What simulated guests measure as: one fixed value, for allow-list tests. */
export const SIMULATED_MEASUREMENT: Uint8Array = sha256(utf8('cocoon/simulated-measurement/v1'))

/** SIMULATED, NOT PRIVATE: makes evidence that only a devnet with this root accepts. `rootSeed` has 32 bytes. */
export function simulatedCollector (init: { rootSeed: Uint8Array, measurement?: Uint8Array }): EvidenceCollector {
  const measurement = init.measurement ?? SIMULATED_MEASUREMENT
  return {
    kind: 'simulated',
    collect: async (reportData) => encodeSimulatedEvidence({
      v: 1,
      kind: 'simulated',
      reportData,
      measurement,
      signature: ed25519.sign(simulatedEvidenceBytes({ reportData, measurement }), init.rootSeed)
    })
  }
}
