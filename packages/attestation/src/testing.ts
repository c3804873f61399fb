/**
 * @packageDocumentation
 *
 * FOR TESTS AND LOCAL NETWORKS ONLY: the same verification under roots that are not the vendors'. No production entry
 * point imports this.
 */
export { verifyAttestationUnder } from './verify-attestation.ts'
export { verifyEvidenceUnder } from './verify-evidence.ts'
export type { TrustedRoots } from './roots.ts'
