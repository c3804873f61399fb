/**
 * @packageDocumentation
 *
 * Judges a provider's attestation: its binding, the evidence that commits to it, and the challenge answered on this
 * connection, under a policy that is data.
 *
 * @example
 *
 * ```typescript
 * import { productionPolicy } from '@cocoon-net/attestation'
 *
 * console.info(productionPolicy.allowedKinds) // [ "tdx", "snp" ]
 * ```
 */
export { readCertificateTable } from './amd/certificate-table.ts'
export type { TableEntry } from './amd/certificate-table.ts'
export type { AttestationInput, AttestationTrust } from './attestation-input.ts'
export { collateralNeeds, intelCollateral } from './collateral-needs.ts'
export type { AmdNeeds, CollateralNeeds, IntelAnswers, IntelNeeds } from './collateral-needs.ts'
export type { CollectedEvidence, EvidenceCollector } from './collector.ts'
export { decodeGpuEvidence, encodeGpuEvidence, gpuDigestOf } from './gpu-evidence.ts'
export type { GpuEvidence } from './gpu-evidence.ts'
export { isMaterial } from './material/read-material.ts'
export type { UnreadableMaterial } from './material/read-material.ts'
export { manifestOcspRequests, nvidiaCollateral } from './nvidia/nvidia-needs.ts'
export type { NvidiaNeeds } from './nvidia/nvidia-needs.ts'
export { devnetPolicy, parsePolicy, policySchema, productionPolicy } from './policy.ts'
export type { Policy } from './policy.ts'
export { newestVersions } from './report.ts'
export type { Check, CheckName, Claims, CollateralVersions, EvidenceReport, HardwareKind, Reason } from './report.ts'
export { simulationRootHashes, simulationRootSeed, simulationRsaKey, simulationRsaPublicKey, simulationSecret } from './simulation-roots.ts'
export type { SimulationRsaKey } from './simulation-roots.ts'
export { verifyAttestation } from './verify-attestation.ts'
export type { AttestationVerdict } from './verify-attestation.ts'
export { decodeEvidence, detectKind, verifyEvidence } from './verify-evidence.ts'
export type { EvidenceInput } from './verify-evidence.ts'
