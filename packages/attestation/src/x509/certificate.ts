import { CocoonError, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { AsnConvert } from '@peculiar/asn1-schema'
import { BasicConstraints, Certificate as AsnCertificate, KeyUsage, KeyUsageFlags, id_ce_basicConstraints as idBasicConstraints, id_ce_keyUsage as idKeyUsage } from '@peculiar/asn1-x509'
import { LRUCache } from 'lru-cache'
import { verifyEcdsa, verifyRsaPssSha384 } from '../crypto.ts'
import { publicKeyOf } from './public-key.ts'
import type { PublicKey } from '../crypto.ts'
import type { Name } from '@peculiar/asn1-x509'

/** The vendors' largest, AMD's ASK, has 1,700 bytes; NVIDIA's leaves are the same size. */
const MAX_CERTIFICATE_BYTES = 8_192

const OID = Object.freeze({
  ecdsaSha256: '1.2.840.10045.4.3.2',
  ecdsaSha384: '1.2.840.10045.4.3.3',
  rsaPss: '1.2.840.113549.1.1.10',
  commonName: '2.5.4.3'
})

/** The parts of a certificate (RFC 5280) that the vendors' chains use. Parsed, not verified. */
export interface Certificate {
  /** Hex of SHA-256 of the whole. */
  readonly id: string
  readonly tbs: Uint8Array
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly commonName: string
  /** Hex, without leading zeros. */
  readonly serial: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly publicKey: PublicKey
  /** Hex of SHA-256 of SubjectPublicKeyInfo: what roots are pinned by. */
  readonly spkiHash: string
  readonly isCa: boolean
  /** How many issuers may stand between this one and the leaf; null when there is no such limit. */
  readonly pathLength: number | null
  /** Whether it has a critical extension that this verifier does not read. */
  readonly unknownCritical: boolean
  readonly maySignCertificates: boolean
  readonly maySignCrls: boolean
  /** Values of extensions by object identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>
  readonly algorithm: string
  readonly signature: Uint8Array
}

// Parsing is most of the cost of a verification, and issuers are the same for thousands of providers. What is cached is
// the parse, never a verdict.
const parsed = new LRUCache<string, Certificate>({ max: 256 })

/** @throws {CocoonError} evidence_malformed */
export function parseCertificate (der: Uint8Array): Certificate {
  if (der.byteLength > MAX_CERTIFICATE_BYTES) {
    throw new CocoonError('evidence_malformed', 'a certificate is too large')
  }
  const id = toHex(sha256(der))
  let certificate = parsed.get(id)
  if (certificate == null) {
    try {
      certificate = convert(id, der)
    } catch (error) {
      throw new CocoonError('evidence_malformed', 'a certificate cannot be parsed', { cause: error })
    }
    parsed.set(id, certificate)
  }
  return certificate
}

function convert (id: string, der: Uint8Array): Certificate {
  const asn = AsnConvert.parse(der, AsnCertificate)
  const tbs = asn.tbsCertificate
  if (asn.tbsCertificateRaw == null) {
    throw new TypeError('no raw certificate')
  }
  const extensions = new Map<string, Uint8Array>()
  let unknownCritical = false
  for (const extension of tbs.extensions ?? []) {
    // RFC 5280 §4.2: "A certificate MUST NOT include more than one instance of a particular extension."
    if (extensions.has(extension.extnID)) {
      throw new TypeError('an extension stands twice')
    }
    extensions.set(extension.extnID, new Uint8Array(extension.extnValue.buffer))
    unknownCritical ||= extension.critical && extension.extnID !== idBasicConstraints && extension.extnID !== idKeyUsage
  }
  const constraintsDer = extensions.get(idBasicConstraints)
  const constraints = constraintsDer == null ? null : AsnConvert.parse(constraintsDer, BasicConstraints)
  const usage = extensions.get(idKeyUsage)
  const flags = usage == null ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : AsnConvert.parse(usage, KeyUsage).toNumber()
  return {
    id,
    tbs: new Uint8Array(asn.tbsCertificateRaw),
    issuer: new Uint8Array(AsnConvert.serialize(tbs.issuer)),
    subject: new Uint8Array(AsnConvert.serialize(tbs.subject)),
    commonName: commonNameOf(tbs.subject),
    serial: serialOf(new Uint8Array(tbs.serialNumber)),
    notBeforeMs: tbs.validity.notBefore.getTime().getTime(),
    notAfterMs: tbs.validity.notAfter.getTime().getTime(),
    publicKey: publicKeyOf(tbs.subjectPublicKeyInfo),
    spkiHash: toHex(sha256(new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo)))),
    isCa: constraints?.cA ?? false,
    pathLength: constraints?.pathLenConstraint ?? null,
    unknownCritical,
    maySignCertificates: (flags & KeyUsageFlags.keyCertSign) !== 0,
    maySignCrls: (flags & KeyUsageFlags.cRLSign) !== 0,
    extensions,
    algorithm: asn.signatureAlgorithm.algorithm,
    signature: new Uint8Array(asn.signatureValue)
  }
}

export function serialOf (bytes: Uint8Array): string {
  return toHex(bytes).replace(/^(00)+/, '')
}

function commonNameOf (name: Name): string {
  for (const relative of name) {
    for (const attribute of relative) {
      if (attribute.type === OID.commonName) {
        return attribute.value.toString()
      }
    }
  }
  return ''
}

interface Signed { readonly id: string, readonly tbs: Uint8Array, readonly algorithm: string, readonly signature: Uint8Array }

// Whether one certificate's key signed another never changes, and is keyed by the hashes of both.
const signatures = new LRUCache<string, boolean>({ max: 512 })

/** Whether these signed bytes were signed by the issuer's key with one of the vendors' three algorithms. */
export function signedBy (signed: Signed, issuer: Certificate): boolean {
  const key = `${signed.id} ${issuer.id}`
  let holds = signatures.get(key)
  if (holds == null) {
    holds = verifySigned(signed, issuer)
    signatures.set(key, holds)
  }
  return holds
}

function verifySigned (signed: Signed, issuer: Certificate): boolean {
  const { publicKey } = issuer
  switch (signed.algorithm) {
    case OID.ecdsaSha256:
      return publicKey.type === 'ec' && publicKey.curve === 'P-256' && verifyEcdsa(publicKey, signed.tbs, signed.signature, 'der')
    case OID.ecdsaSha384:
      return publicKey.type === 'ec' && publicKey.curve === 'P-384' && verifyEcdsa(publicKey, signed.tbs, signed.signature, 'der')
    case OID.rsaPss:
      return verifyRsaPssSha384(publicKey, signed.tbs, signed.signature)
    default:
      return false
  }
}

/**
 * Why a chain, leaf first, does not lead to a pinned root, or null when it does (RFC 5280 §6.1): issuer names, CA flags,
 * path lengths, key usage, critical extensions, validity at `atMs`, signatures, and the root's key.
 */
export function chainFault (chain: readonly Certificate[], rootSpkiHashes: readonly string[], atMs: number): string | null {
  if (chain.length < 2) {
    return 'the chain is too short'
  }
  for (const [i, certificate] of chain.entries()) {
    const issuer = chain[Math.min(i + 1, chain.length - 1)]
    if (atMs < certificate.notBeforeMs || atMs > certificate.notAfterMs) {
      return `${certificate.commonName} is out of date`
    }
    if (i > 0 && !(certificate.isCa && certificate.maySignCertificates)) {
      return `${certificate.commonName} may not issue certificates`
    }
    if (certificate.pathLength != null && i - 1 > certificate.pathLength) {
      return `${certificate.commonName} may not issue certificates of issuers`
    }
    // RFC 5280 §4.2: "A certificate-using system MUST reject the certificate if it encounters a critical extension it does not recognize"
    if (certificate.unknownCritical) {
      return `${certificate.commonName} has a critical extension of an unknown kind`
    }
    if (!equalBytes(certificate.issuer, issuer.subject) || !signedBy(certificate, issuer)) {
      return `${certificate.commonName} is not issued by ${issuer.commonName}`
    }
  }
  return rootSpkiHashes.includes(chain[chain.length - 1].spkiHash) ? null : 'the chain does not end at a pinned root'
}
