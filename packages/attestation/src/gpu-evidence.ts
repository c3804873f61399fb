import { decodeWith, encodeWith, equalBytes, gpuNonceOf, sha256, toHex } from '@cocoon-net/protocol'
import { bytes, list, record, version } from '@cocoon-net/protocol/codec'
import { fail } from './report.ts'
import { verifyEvidenceUnder } from './verify-evidence.ts'
import type { Policy } from './policy.ts'
import type { Check } from './report.ts'
import type { TrustedRoots } from './roots.ts'
import type { Binding, ValueOf } from '@cocoon-net/protocol'

const MAX_GPU_EVIDENCE_BYTES = 48 * 1_024

/** A GPU's transcript with its certificates, as it travels beside a binding. */
const gpuEvidenceCodec = record({ v: version(1), transcript: bytes(16_384), chain: list(bytes(16_384), 8, 1) })

export type GpuEvidence = ValueOf<typeof gpuEvidenceCodec>

export function encodeGpuEvidence (evidence: GpuEvidence): Uint8Array {
  return encodeWith(gpuEvidenceCodec, evidence)
}

/** What a binding's `gpuDigest` holds: SHA-256 of the encoded evidence. */
export function gpuDigestOf (evidence: Uint8Array): Uint8Array {
  return sha256(evidence)
}

/**
 * The GPU part: the binding commits to the evidence by its digest, the evidence to the binding by its nonce. Null when
 * the binding names no GPU and none was shown.
 */
export function checkGpu (binding: Binding, data: Uint8Array | null, init: { policy: Policy, atMs: number, roots: TrustedRoots }): Check | null {
  if (binding.gpuDigest == null && data == null) {
    return null
  }
  if (binding.gpuDigest == null || data == null) {
    return fail('gpu', 'evidence_missing', 'binding and GPU evidence do not go together')
  }
  if (!equalBytes(gpuDigestOf(data), binding.gpuDigest)) {
    return fail('gpu', 'report_data_mismatch', 'the binding commits to other GPU evidence')
  }
  try {
    const { transcript, chain } = decodeWith(gpuEvidenceCodec, data, MAX_GPU_EVIDENCE_BYTES, 'GPU evidence')
    const report = verifyEvidenceUnder(init.roots, { evidence: transcript, kind: 'nvidia', chain, atMs: init.atMs, policy: init.policy })
    if (report.claims != null && report.claims.reportData !== toHex(gpuNonceOf(binding))) {
      return fail('gpu', 'report_data_mismatch', 'the GPU evidence commits to another binding')
    }
    const reasons = report.checks.filter(check => check.result !== 'pass').map(check => check.message)
    // A transcript without known-good digests and a proof of non-revocation shows a GPU, not a trustworthy one.
    return fail('gpu', 'evidence_refused', reasons.join('; '))
  } catch {
    return fail('gpu', 'evidence_malformed', 'the GPU evidence cannot be parsed')
  }
}
