import { encodeCbor, sha256, toHex } from '@cocoon-net/protocol'
import { verifyEcdsa } from '../crypto.ts'
import { chainFileFault } from '../material/read-material.ts'
import { absent, evidenceReport, fail, pass } from '../report.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import { parseSpdm } from './spdm.ts'
import type { Material } from '../material/collector.ts'
import type { Check, Claims, EvidenceReport } from '../report.ts'
import type { TrustedRoots } from '../roots.ts'
import type { SpdmTranscript } from './spdm.ts'
import type { Certificate } from '../x509/certificate.ts'

export interface TranscriptInput {
  readonly evidence: Uint8Array
  /** The device's certificate and those above it, in any order, among others. */
  readonly material: Material
  readonly atMs: number
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
  const { chain, isSigned } = chainOf(transcript, input.material.certificates)
  const leaf: Certificate | undefined = chain[0]
  const signature = isSigned
    ? pass('signature', `signed by the device, ${leaf.commonName}`)
    : fail('signature', leaf == null ? 'evidence_missing' : 'bad_signature', leaf == null ? 'no device certificate' : 'the transcript is not signed by this device')
  const fault = chainFileFault(input.material) ?? chainFault(chain, input.roots.nvidia, input.atMs)
  const chainCheck = fault == null ? pass('chain', 'leads to NVIDIA\'s root') : fail('chain', 'evidence_refused', fault)
  const authentic = signature.result === 'pass' && chainCheck.result === 'pass'
  const why = authentic ? null : 'not judged: the transcript is not authentic'
  const checks: Check[] = [
    signature,
    chainCheck,
    absent('revocation', why ?? 'no proof that the certificates are not revoked', authentic ? 'collateral_missing' : null),
    absent('tcb', why ?? 'no known-good digests of driver and VBIOS', authentic ? 'collateral_missing' : null),
    absent('policy', why ?? 'nothing to judge without known-good digests'),
    absent('measurement', why ?? 'no measurement allow-list')
  ]
  return evidenceReport({ kind: 'nvidia', tcbStatus: null, checks, claims: authentic ? claimsOf(transcript) : null })
}

function signs (leaf: Certificate, transcript: SpdmTranscript): boolean {
  return leaf.publicKey.type === 'ec' && leaf.publicKey.curve === 'P-384' && verifyEcdsa(leaf.publicKey, transcript.signed, transcript.signature, 'raw')
}

function chainOf (transcript: SpdmTranscript, pool: readonly Certificate[]): { chain: readonly Certificate[], isSigned: boolean } {
  const leaves = leavesOf(pool)
  const signer = leaves.find(leaf => signs(leaf, transcript))
  return { chain: chainFrom(signer ?? leaves[0], pool), isSigned: signer != null }
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
