/**
 * @packageDocumentation
 *
 * SIMULATED, NOT PRIVATE. Evidence for local networks and tests; no production entry point imports this.
 *
 * @example
 *
 * ```typescript
 * import { simulatedCollector } from '@cocoon-net/attestation-simulated'
 *
 * const collector = simulatedCollector({ rootSeed: new Uint8Array(32) })
 * console.info(collector.kind) // 'simulated'
 * ```
 */
export { createGpuTestPlatform } from './gpu-test-platform.ts'
export type { GpuManifestKind, GpuTestPlatform, TestGpuManifest, TestGpuOcsp, TestTranscript } from './gpu-test-platform.ts'
export { simulatedCollector, withTurnedBit } from './simulated-collector.ts'
export type { SimulatedCollectorInit } from './simulated-collector.ts'
export { SIMULATED_MEASUREMENTS } from './simulated-measurements.ts'
export { createTdxTestPlatform } from './tdx-test-platform.ts'
export type { TdxTestPlatform, TestCollateralInit, TestTd } from './tdx-test-platform.ts'
export { createSnpTestPlatform } from './snp-test-platform.ts'
export type { SnpTestPlatform, SnpTestPlatformInit, TestSnpReport } from './snp-test-platform.ts'
export { spkiHashOf, testCertificate, testCrl, testKey, toPem } from './test-certificates.ts'
export type { TestCertificateInit, TestCrlInit, TestIssuer, TestIssuerKey, TestKey } from './test-certificates.ts'
export { testManifest } from './test-manifest.ts'
export type { TestManifestInit, TestResource } from './test-manifest.ts'
export { testOcsp, testOcspRefusal } from './test-ocsp.ts'
export type { TestOcspInit } from './test-ocsp.ts'
