import { encodeCbor, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { verifyEcdsa } from '../crypto.ts'
import { absent, evidenceReport, fail, pass } from '../report.ts'
import { chainFault } from '../x509/certificate.ts'
import { parseSpdm } from './spdm.ts'
import type { Policy } from '../policy.ts'
import type { Check, Claims, EvidenceReport } from '../report.ts'
import type { TrustedRoots } from '../roots.ts'
import type { SpdmTranscript } from './spdm.ts'
import type { Certificate } from '../x509/certificate.ts'

const MAX_CHAIN = 6

export interface TranscriptInput {
  readonly evidence: Uint8Array
  /** The device's certificate first. */
  readonly chain: readonly Certificate[]
  readonly atMs: number
  readonly policy: Policy
  readonly roots: Pick<TrustedRoots, 'nvidia'>
}

/**
 * Verifies a Hopper GPU's measurement transcript: signature and chain. There is no source of revocation that works
 * offline, and known-good digests of drivers are not part of a policy yet, so a transcript alone is never `verified`.
 *
 * @throws {CocoonError} evidence_malformed when the bytes are not a transcript
 */
export function verifyTranscript (input: TranscriptInput): EvidenceReport {
  const transcript = parseSpdm(input.evidence)
  const chain = walkChain(input.chain)
  const [leaf] = chain
  const signature = leaf != null && leaf.publicKey.type === 'ec' && leaf.publicKey.curve === 'P-384' && verifyEcdsa(leaf.publicKey, transcript.signed, transcript.signature, 'raw')
    ? pass('signature', `signed by the device, ${leaf.commonName}`)
    : fail('signature', leaf == null ? 'evidence_missing' : 'bad_signature', leaf == null ? 'no device certificate' : 'the transcript is not signed by this device')
  const fault = chainFault(chain, input.roots.nvidia, input.atMs)
  const chainCheck = fault == null ? pass('chain', 'leads to NVIDIA\'s root') : fail('chain', 'evidence_refused', fault)
  const authentic = signature.result === 'pass' && chainCheck.result === 'pass'
  const why = authentic ? null : 'not judged: the transcript is not authentic'
  const checks: Check[] = [
    signature,
    chainCheck,
    absent('revocation', why ?? 'no proof that the certificates are not revoked'),
    absent('tcb', why ?? 'no known-good digests of driver and VBIOS'),
    absent('policy', why ?? 'nothing to judge without known-good digests'),
    absent('measurement', why ?? 'no measurement allow-list')
  ]
  return evidenceReport({ kind: 'nvidia', tcbStatus: null, checks, claims: authentic ? claimsOf(transcript) : null })
}

/** From the device's certificate, issuer by issuer, to one that issues itself. */
function walkChain (certificates: readonly Certificate[]): readonly Certificate[] {
  const chain = certificates.slice(0, 1)
  for (let current = chain[0]; current != null && chain.length < MAX_CHAIN && !equalBytes(current.issuer, current.subject); current = chain[chain.length - 1]) {
    const { issuer } = current
    const next = certificates.find(({ subject }) => equalBytes(subject, issuer))
    if (next == null) {
      break
    }
    chain.push(next)
  }
  return chain
}

function claimsOf (transcript: SpdmTranscript): Claims {
  const measurement = Object.fromEntries([...transcript.measurements].map(([index, value]) => [String(index), value]))
  return {
    measurement,
    measurementDigest: toHex(sha256(encodeCbor(measurement))),
    // The GPU has no report data; the nonce takes its place.
    reportData: toHex(transcript.nonce),
    driverVersion: transcript.driverVersion,
    vbiosVersion: transcript.vbiosVersion
  }
}
