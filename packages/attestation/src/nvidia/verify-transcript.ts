import { encodeCbor, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { verifyEcdsa } from '../crypto.ts'
import { chainFileFault } from '../material/read-material.ts'
import { absent, evidenceReport, fail, pass } from '../report.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import { judgeMeasurements } from './judge-measurements.ts'
import { nvidiaPolicyFaults } from './policy-rules.ts'
import { checkRevocation } from './revocation.ts'
import { parseSpdm } from './spdm.ts'
import type { Material } from '../material/collector.ts'
import type { Policy } from '../policy.ts'
import type { Check, Claims, EvidenceReport } from '../report.ts'
import type { TrustedRoots } from '../roots.ts'
import type { SpdmTranscript } from './spdm.ts'
import type { Certificate } from '../x509/certificate.ts'

/** TCG DICE, tcg-dice-Fwid: which firmware a certificate's key belongs to. The digest ends the extension. */
const FIRMWARE_ID = '2.23.133.5.4.1'

/** Firmware, device, provisioner, product, root. */
const DEVICE_CHAIN = 5

export interface TranscriptInput {
  readonly evidence: Uint8Array
  /** The device's certificate and those above it, in any order, among others; manifests and OCSP responses. */
  readonly material: Material
  readonly atMs: number
  readonly policy: Policy
  readonly roots: Pick<TrustedRoots, 'nvidia' | 'nvidiaManifests'>
}

/**
 * Verifies a Hopper GPU's measurement transcript: signature, chain, revocation of the device's and the manifests'
 * certificates, and every measurement against NVIDIA's manifests for its driver and VBIOS.
 *
 * @throws {CocoonError} evidence_malformed when the bytes are not a transcript
 */
export function verifyTranscript (input: TranscriptInput): EvidenceReport {
  const { material, atMs, policy, roots } = input
  const transcript = parseSpdm(input.evidence)
  const { chain, isSigned } = chainOf(transcript, material.certificates)
  const leaf: Certificate | undefined = chain[0]
  const signature = checkSignature(leaf, isSigned)
  const chainCheck = checkChain(chain, isSigned, transcript, input)
  if (signature.result !== 'pass' || chainCheck.result !== 'pass') {
    const unjudged = (['revocation', 'tcb', 'policy', 'measurement'] as const).map(name => absent(name, 'not judged: the transcript is not authentic'))
    return evidenceReport({ kind: 'nvidia', tcbStatus: null, checks: [signature, chainCheck, ...unjudged], claims: null })
  }
  const measurements = judgeMeasurements({ transcript, product: productOf(leaf), material, roots, atMs })
  const device = { what: 'device', certificates: answeredFor(chain) }
  const manifests = measurements.chains.map(certificates => ({ what: 'manifest', certificates }))
  const revocation = checkRevocation([device, ...manifests], material, atMs)
  const faults = nvidiaPolicyFaults(transcript, policy)
  const checks: Check[] = [
    signature,
    chainCheck,
    revocation.check,
    measurements.check,
    faults.length === 0 ? pass('policy', `within the ${policy.name} policy`) : fail('policy', 'evidence_refused', faults.join('; ')),
    absent('measurement', 'NVIDIA\'s manifests stand in the place of an allow-list')
  ]
  const endsMs = [chain, ...measurements.chains].flat().map(certificate => certificate.notAfterMs)
  return evidenceReport({ kind: 'nvidia', tcbStatus: null, checks, claims: claimsOf(transcript), freshUntilMs: Math.min(revocation.endMs, ...endsMs) })
}

function signs (leaf: Certificate, transcript: SpdmTranscript): boolean {
  return leaf.publicKey.type === 'ec' && leaf.publicKey.curve === 'P-384' && verifyEcdsa(leaf.publicKey, transcript.signed, transcript.signature, 'raw')
}

function chainOf (transcript: SpdmTranscript, pool: readonly Certificate[]): { chain: readonly Certificate[], isSigned: boolean } {
  const leaves = leavesOf(pool)
  const signer = leaves.find(leaf => signs(leaf, transcript))
  return { chain: chainFrom(signer ?? leaves[0], pool), isSigned: signer != null }
}

function checkSignature (leaf: Certificate | undefined, isSigned: boolean): Check {
  const name = 'signature'
  if (leaf == null) {
    return absent(name, 'no device certificate', 'evidence_missing')
  }
  return isSigned ? pass(name, `signed by the device, ${leaf.commonName}`) : fail(name, 'bad_signature', 'the transcript is not signed by this device')
}

function checkChain (chain: readonly Certificate[], isSigned: boolean, transcript: SpdmTranscript, { material, roots, atMs }: TranscriptInput): Check {
  const fileFault = chainFileFault(material)
  if (material.certificates.length === 0 && fileFault == null) {
    return absent('chain', 'no certificates: those of the device and its issuers are needed', 'evidence_missing')
  }
  const fault = fileFault ?? chainFault(chain, roots.nvidia, atMs) ?? (isSigned ? firmwareFault(chain[0], transcript) : null)
  return fault == null ? pass('chain', 'leads to NVIDIA\'s root') : fail('chain', 'evidence_refused', fault)
}

/**
 * The certificates that an issuer answers for. A Hopper makes that of its firmware itself, under its own, and nobody could
 * revoke it. In any other chain the first is one that NVIDIA issued, such as the device's own, whose key signs no
 * transcripts unless it was stolen.
 */
function answeredFor (chain: readonly Certificate[]): readonly Certificate[] {
  const isOfFirmware = chain.length === DEVICE_CHAIN && !chain[0].isCa
  return isOfFirmware ? chain.slice(1) : chain
}

/** Where the transcript names the firmware that signs, the certificate must be that firmware's. */
function firmwareFault (leaf: Certificate, { firmwareId }: SpdmTranscript): string | null {
  if (firmwareId == null) {
    return null
  }
  const named = leaf.extensions.get(FIRMWARE_ID)
  return named != null && firmwareId.byteLength > 0 && equalBytes(named.subarray(-firmwareId.byteLength), firmwareId)
    ? null
    : 'the certificate is of other firmware than the transcript names'
}

/** Common names of device certificates begin with the chip: `GH100 A01 GSP FMC LF`. */
function productOf (leaf: Certificate): string {
  return leaf.commonName.split(' ')[0]
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
