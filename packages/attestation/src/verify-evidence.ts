import { CocoonError } from '@cocoon-net/protocol'
import { readCertificateTable } from './amd/certificate-table.ts'
import { SNP_REPORT_BYTES, looksLikeSnpReport } from './amd/snp-report.ts'
import { verifySnpReport } from './amd/verify-report.ts'
import { looksLikeQuote } from './intel/quote.ts'
import { verifyQuote } from './intel/verify-quote.ts'
import { decodeText } from './material/decode-text.ts'
import { readMaterial } from './material/read-material.ts'
import { looksLikeSpdm } from './nvidia/spdm.ts'
import { verifyTranscript } from './nvidia/verify-transcript.ts'
import { evidenceReport, fail, pass } from './report.ts'
import { PRODUCTION_ROOTS } from './roots.ts'
import { VerifiedResults } from './verified-results.ts'
import type { UnreadableMaterial } from './material/read-material.ts'
import type { Policy } from './policy.ts'
import type { Check, CollateralVersions, EvidenceReport, HardwareKind } from './report.ts'
import type { TrustedRoots } from './roots.ts'
import type { Question } from './verified-results.ts'

/** Base64 or hex of the largest evidence, with line ends. */
const MAX_INPUT_BYTES = 65_536

export interface EvidenceInput {
  /** Raw, hex or base64. */
  readonly evidence: Uint8Array
  /** Refuses evidence of any other kind. */
  readonly kind?: HardwareKind
  /** Intel's collateral as one JSON object or in several files; for AMD, certificates and revocation lists, PEM or DER; for NVIDIA, manifests (SWID tags), OCSP responses in DER, or one JSON object of both. */
  readonly collateral?: Uint8Array | readonly Uint8Array[] | null
  /** More certificates and revocation lists, PEM or DER. */
  readonly chain?: readonly Uint8Array[]
  /** What was meant to be given besides, and could not be read: it refuses, as any other fault of it does. */
  readonly unreadable?: readonly UnreadableMaterial[]
  /** The time to judge at, unix milliseconds. */
  readonly atMs: number
  readonly policy: Policy
  /** The highest versions of collateral ever seen, from earlier reports: what is below them refuses. */
  readonly knownVersions?: CollateralVersions
  /** Refuses evidence of any other kind, as a failed check. */
  readonly allowedKinds?: readonly string[]
}

function malformed (message: string): CocoonError {
  return new CocoonError('evidence_malformed', message)
}

/**
 * Evidence as bytes, whether it came raw, in hex or in base64.
 *
 * @throws {CocoonError} evidence_malformed
 */
export function decodeEvidence (data: Uint8Array): Uint8Array {
  if (data.byteLength > MAX_INPUT_BYTES) {
    throw malformed('the evidence is too large')
  }
  if (detectKind(data) != null) {
    return data
  }
  return decodeText(data) ?? data
}

/** The kind that raw evidence looks like, or null. */
export function detectKind (data: Uint8Array): HardwareKind | null {
  return looksLikeQuote(data) ?? (looksLikeSnpReport(data) ? 'snp' : null) ?? (looksLikeSpdm(data) ? 'nvidia' : null)
}

/**
 * Judges authenticity, freshness, TCB and policy of hardware evidence. Pure and bounded. Faults of collateral or chain
 * are failed checks; only evidence that is not recognisable throws.
 *
 * @throws {CocoonError} evidence_malformed
 */
export function verifyEvidence (input: EvidenceInput): EvidenceReport {
  return verifyEvidenceUnder(PRODUCTION_ROOTS, input)
}

/** The same under other roots: for a private test root, never for production. */
export function verifyEvidenceUnder (roots: TrustedRoots, input: EvidenceInput): EvidenceReport {
  const evidence = decodeEvidence(input.evidence)
  const kind = detectKind(evidence)
  if (kind == null || (input.kind != null && input.kind !== kind)) {
    throw malformed(input.kind == null ? 'not evidence of a known kind' : `not evidence of the kind ${input.kind}`)
  }
  const report = verifyKind(roots, kind, evidence, input)
  return input.allowedKinds == null
    ? report
    : evidenceReport({ ...report, checks: [checkKind(kind, input.allowedKinds), ...report.checks] })
}

function checkKind (kind: HardwareKind, allowed: readonly string[]): Check {
  return allowed.includes(kind)
    ? pass('kind', `${kind} evidence is accepted`)
    : fail('kind', 'evidence_kind_refused', `${kind} evidence is not accepted under this policy`)
}

const results = new VerifiedResults()

function verifyKind (roots: TrustedRoots, kind: HardwareKind, evidence: Uint8Array, input: EvidenceInput): EvidenceReport {
  const { atMs, policy, knownVersions = {}, chain = [] } = input
  const files = input.collateral ?? []
  const collateral = files instanceof Uint8Array ? [files] : files
  const question = { roots, policy, knownVersions, evidence, collateral, chain }
  if (input.unreadable != null && input.unreadable.length > 0) {
    return judgeKind(roots, kind, question, atMs, input.unreadable)
  }
  const known = results.recall(question, atMs)
  if (known != null) {
    return known
  }
  const report = judgeKind(roots, kind, question, atMs, [])
  results.remember(question, atMs, report)
  return report
}

function judgeKind (roots: TrustedRoots, kind: HardwareKind, question: Question, atMs: number, unreadable: readonly UnreadableMaterial[]): EvidenceReport {
  const { policy, knownVersions, collateral, chain } = question
  const { evidence, table } = kind === 'snp' ? partsOf(question.evidence) : { evidence: question.evidence, table: [] }
  const material = readMaterial({ collateral, chain: [...chain, ...table], unreadable })
  switch (kind) {
    case 'snp':
      return verifySnpReport({ evidence, material, atMs, policy, roots })
    case 'nvidia':
      return verifyTranscript({ evidence, material, atMs, policy, roots })
    default:
      return verifyQuote({ evidence, material, atMs, policy, knownVersions, roots })
  }
}

/** A report, and what stands after an extended one where that holds certificates. */
function partsOf (evidence: Uint8Array): { evidence: Uint8Array, table: readonly Uint8Array[] } {
  const table = evidence.subarray(SNP_REPORT_BYTES)
  return { evidence: evidence.subarray(0, SNP_REPORT_BYTES), table: readCertificateTable(table).length === 0 ? [] : [table] }
}
