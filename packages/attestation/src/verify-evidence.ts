import { CocoonError, fromHex } from '@cocoon-net/protocol'
import { looksLikeSnpReport } from './amd/snp-report.ts'
import { verifySnpReport } from './amd/verify-report.ts'
import { looksLikeQuote } from './intel/quote.ts'
import { verifyQuote } from './intel/verify-quote.ts'
import { looksLikeSpdm } from './nvidia/spdm.ts'
import { verifyTranscript } from './nvidia/verify-transcript.ts'
import { evidenceReport, fail } from './report.ts'
import { PRODUCTION_ROOTS } from './roots.ts'
import { parsePemOrDer } from './x509/pem.ts'
import type { Policy } from './policy.ts'
import type { EvidenceReport, HardwareKind } from './report.ts'
import type { TrustedRoots } from './roots.ts'
import type { PemContents } from './x509/pem.ts'

/** Base64 or hex of the largest evidence, with line ends. */
const MAX_INPUT_BYTES = 65_536
const MAX_CHAIN_FILES = 16

export interface EvidenceInput {
  /** Raw, hex or base64. */
  readonly evidence: Uint8Array
  /** Refuses evidence of any other kind. */
  readonly kind?: HardwareKind
  /** Intel's collateral as one JSON object; for AMD, more certificates and revocation lists. */
  readonly collateral?: Uint8Array | null
  /** Certificates and revocation lists, PEM or DER. */
  readonly chain?: readonly Uint8Array[]
  /** The time to judge at, unix milliseconds. */
  readonly atMs: number
  readonly policy: Policy
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
  const text = new TextDecoder('latin1').decode(data).replace(/\s/g, '')
  if (text.length > 0 && /^([0-9a-fA-F]{2})*$/.test(text)) {
    return fromHex(text)
  }
  if (text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return Uint8Array.from(atob(text), char => char.charCodeAt(0))
  }
  return data
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
  const { atMs, policy } = input
  if (kind === 'tdx' || kind === 'sgx') {
    return verifyQuote({ evidence, collateral: input.collateral ?? null, atMs, policy, roots })
  }
  let contents: PemContents
  try {
    contents = readChain([...(input.chain ?? []), ...(kind === 'snp' && input.collateral != null ? [input.collateral] : [])])
  } catch (error) {
    const message = error instanceof CocoonError ? error.message : 'the chain cannot be parsed'
    return evidenceReport({ kind, tcbStatus: null, checks: [fail('chain', 'evidence_malformed', message)], claims: null })
  }
  return kind === 'snp'
    ? verifySnpReport({ evidence, chain: contents, atMs, policy, roots })
    : verifyTranscript({ evidence, chain: contents.certificates, atMs, policy, roots })
}

function readChain (files: readonly Uint8Array[]): PemContents {
  if (files.length > MAX_CHAIN_FILES) {
    throw malformed('too many certificate files')
  }
  const parts = files.map(parsePemOrDer)
  return { certificates: parts.flatMap(part => part.certificates), crls: parts.flatMap(part => part.crls) }
}
