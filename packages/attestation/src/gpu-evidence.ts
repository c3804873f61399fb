import { decodeWith, encodeWith, equalBytes, gpuNonceOf, sha256, toHex } from '@cocoon-net/protocol'
import { bytes, list, record, version } from '@cocoon-net/protocol/codec'
import { fail, pass } from './report.ts'
import { verifyEvidenceUnder } from './verify-evidence.ts'
import type { Policy } from './policy.ts'
import type { Check, EvidenceReport } from './report.ts'
import type { TrustedRoots } from './roots.ts'
import type { Binding, ErrorCode, ValueOf } from '@cocoon-net/protocol'

const MAX_GPU_EVIDENCE_BYTES = 48 * 1_024

/** A GPU's transcript with its certificates, as it travels beside a binding. */
const gpuEvidenceCodec = record({ v: version(1), transcript: bytes(16_384), chain: list(bytes(16_384), 8, 1) })

export type GpuEvidence = ValueOf<typeof gpuEvidenceCodec>

export function encodeGpuEvidence (evidence: GpuEvidence): Uint8Array {
  return encodeWith(gpuEvidenceCodec, evidence)
}

/** @throws {CocoonError} frame_malformed */
export function decodeGpuEvidence (data: Uint8Array): GpuEvidence {
  return decodeWith(gpuEvidenceCodec, data, MAX_GPU_EVIDENCE_BYTES, 'GPU evidence')
}

/** What a binding's `gpuDigest` holds: SHA-256 of the encoded evidence. */
export function gpuDigestOf (evidence: Uint8Array): Uint8Array {
  return sha256(evidence)
}

export interface GpuInit {
  readonly policy: Policy
  readonly atMs: number
  readonly roots: TrustedRoots
  /** NVIDIA's manifests and OCSP responses, as files or as one JSON object. */
  readonly collateral?: Uint8Array | readonly Uint8Array[] | null
}

/** The GPU's check, and the report that it rests on where the transcript could be read. */
export interface GpuJudgement { readonly check: Check, readonly report: EvidenceReport | null }

/**
 * The GPU part: the binding commits to the evidence by its digest, the evidence to the binding by its nonce. Null when
 * the binding names no GPU and none was shown.
 */
export function judgeGpu (binding: Binding, data: Uint8Array | null, init: GpuInit): GpuJudgement | null {
  if (binding.gpuDigest == null && data == null) {
    return null
  }
  const refused = (code: ErrorCode, message: string, report: EvidenceReport | null = null): GpuJudgement => ({ check: fail('gpu', code, message), report })
  if (binding.gpuDigest == null || data == null) {
    return refused('evidence_missing', 'binding and GPU evidence do not go together')
  }
  if (!equalBytes(gpuDigestOf(data), binding.gpuDigest)) {
    return refused('report_data_mismatch', 'the binding commits to other GPU evidence')
  }
  let report: EvidenceReport
  try {
    const { transcript, chain } = decodeGpuEvidence(data)
    const { atMs, policy, roots, collateral } = init
    report = verifyEvidenceUnder(roots, { evidence: transcript, kind: 'nvidia', chain, collateral, atMs, policy })
  } catch {
    return refused('evidence_malformed', 'the GPU evidence cannot be parsed')
  }
  if (report.claims != null && report.claims.reportData !== toHex(gpuNonceOf(binding))) {
    return refused('report_data_mismatch', 'the GPU evidence commits to another binding', report)
  }
  if (report.verdict === 'verified') {
    return { check: pass('gpu', 'commits to this binding, and measures as NVIDIA\'s manifests say'), report }
  }
  const against = report.checks.filter(check => check.result === 'fail' || check.code != null)
  const code = against.every(check => check.code === 'collateral_missing') ? 'collateral_missing' : 'evidence_refused'
  return refused(code, against.map(check => check.message).join('; '), report)
}
