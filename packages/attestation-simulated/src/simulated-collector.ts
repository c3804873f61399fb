import { createSnpTestPlatform } from './snp-test-platform.ts'
import { createTdxTestPlatform } from './tdx-test-platform.ts'
import type { EvidenceCollector } from '@cocoon-net/attestation'

export interface SimulatedCollectorInit {
  /** Whose roots the policy of the devnet lists: see `simulationRootSeed`. */
  readonly rootSeed: Uint8Array
  /** Whose format: Intel's TDX quotes unless told otherwise, or AMD's SEV-SNP reports. */
  readonly format?: 'tdx' | 'snp'
  /** Unix milliseconds; certificates and collateral hold around it. */
  now? (): number
}

/**
 * SIMULATED, NOT PRIVATE: TDX quotes with their collateral in Intel's formats, or SEV-SNP reports with their certificates and
 * revocation list in AMD's, under roots that only a devnet's policy lists.
 */
export function simulatedCollector (init: SimulatedCollectorInit): EvidenceCollector {
  const now = init.now ?? Date.now
  return {
    kind: 'simulated',
    collect: async (reportData) => {
      // Made anew each time: the collateral is as fresh as the vendor's would be.
      const made = { seed: init.rootSeed, atMs: now() }
      if (init.format === 'snp') {
        const platform = createSnpTestPlatform(made)
        return { evidence: platform.report(reportData), collateral: platform.chain() }
      }
      const platform = createTdxTestPlatform(made)
      return { evidence: platform.quote(reportData), collateral: platform.collateral() }
    }
  }
}

/** A byte of what the evidence's key signs, in both formats: of MRTD in a quote, of the measurement in a report. */
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
