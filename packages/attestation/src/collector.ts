import type { EvidenceKind } from '@cocoon-net/protocol'

/** Gets evidence from the machine for 64 bytes of report data. */
export interface EvidenceCollector {
  readonly kind: EvidenceKind
  /** @throws {CocoonError} evidence_missing */
  collect(reportData: Uint8Array, options: { signal?: AbortSignal }): Promise<Uint8Array>
}
