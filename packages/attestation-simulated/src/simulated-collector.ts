import { createTdxTestPlatform } from './tdx-test-platform.ts'
import type { EvidenceCollector } from '@cocoon-net/attestation'

export interface SimulatedCollectorInit {
  /** Whose root the policy of the devnet lists: see `simulationRootSeed`. */
  readonly rootSeed: Uint8Array
  /** Unix milliseconds; certificates and collateral hold around it. */
  now? (): number
}

/** SIMULATED, NOT PRIVATE: TDX quotes with their collateral, in Intel's formats, under a root that only a devnet's policy lists. */
export function simulatedCollector (init: SimulatedCollectorInit): EvidenceCollector {
  const now = init.now ?? Date.now
  return {
    kind: 'simulated',
    collect: async (reportData) => {
      // Made anew each time: the collateral is as fresh as the vendor's would be.
      const platform = createTdxTestPlatform({ seed: init.rootSeed, atMs: now() })
      return { evidence: platform.quote(reportData), collateral: platform.collateral() }
    }
  }
}

/** A byte of MRTD: inside of what the quote's attestation key signs. */
const MEASURED_BYTE = 48 + 136

/** For fault tests: the same with one bit of the evidence turned. */
export function withTurnedBit (collector: EvidenceCollector): EvidenceCollector {
  return {
    ...collector,
    collect: async (reportData, options) => {
      const collected = await collector.collect(reportData, options)
      const evidence = collected.evidence.slice()
      evidence[MEASURED_BYTE] ^= 1
      return { ...collected, evidence }
    }
  }
}
