import type { EvidenceKind } from '@cocoon-net/protocol'

/** What a machine shows of itself. */
export interface CollectedEvidence {
  readonly evidence: Uint8Array
  /** Certificates and the like that came with it: stapled, so that a client that reaches no vendor can verify. Null when none came. */
  readonly collateral: Uint8Array | null
}

/** Gets evidence from the machine. */
export interface EvidenceCollector {
  readonly kind: EvidenceKind
  /**
   * For 64 bytes of report data.
   *
   * @throws {CocoonError} evidence_missing
   */
  collect(reportData: Uint8Array, options: { signal?: AbortSignal }): Promise<CollectedEvidence>
  /**
   * Encoded GPU evidence for a nonce of 32 bytes; null when the machine shows no GPU.
   *
   * @throws {CocoonError} evidence_missing when there is a GPU and it does not answer
   */
  collectGpu?(nonce: Uint8Array, options: { signal?: AbortSignal }): Promise<Uint8Array | null>
}
