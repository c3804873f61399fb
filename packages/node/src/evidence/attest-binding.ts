import { gpuDigestOf } from '@cocoon-net/attestation'
import { encodeBinding, gpuNonceOf, reportDataOf } from '@cocoon-net/protocol'
import type { EvidenceCollector } from '@cocoon-net/attestation'
import type { Binding } from '@cocoon-net/protocol'

/** A binding as it is shown: with the evidence that commits to it. */
export interface ShownBinding {
  readonly binding: Binding
  readonly bytes: Uint8Array
  /** Empty when there is no collector. */
  readonly evidence: Uint8Array
  readonly collateral: Uint8Array | null
  readonly gpuEvidence: Uint8Array | null
}

/**
 * Collects the evidence for a binding, bound both ways: the GPU's nonce is of the binding without the GPU's digest, and
 * the report data is of the binding with it.
 *
 * @throws {CocoonError} evidence_missing
 */
export async function attestBinding (draft: Binding, collector: EvidenceCollector | null, signal: AbortSignal): Promise<ShownBinding> {
  const gpuEvidence = await collector?.collectGpu?.(gpuNonceOf(draft), { signal }) ?? null
  const binding: Binding = { ...draft, gpuDigest: gpuEvidence == null ? null : gpuDigestOf(gpuEvidence) }
  const bytes = encodeBinding(binding)
  const collected = await collector?.collect(reportDataOf(bytes), { signal })
  return { binding, bytes, evidence: collected?.evidence ?? new Uint8Array(0), collateral: collected?.collateral ?? null, gpuEvidence }
}
