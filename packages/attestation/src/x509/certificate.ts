import { equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { verifyEcdsa, verifyRsaPssSha384 } from '../crypto.ts'
import { parseOnce } from '../parse-once.ts'
import { bitsOf, booleanOf, extensionsOf, flagsOf, integerBytes, isBoolean, isInteger, oidOf, parseDer, rawOf, sequenceOf, setOf, tagged, textOf, timeOf } from './der.ts'
import { publicKeyOf } from './public-key.ts'
import type { Node } from './der.ts'
import type { PublicKey } from '../crypto.ts'

/** The vendors' largest, AMD's ASK, has 1,700 bytes; NVIDIA's leaves are the same size. */
const MAX_CERTIFICATE_BYTES = 8_192

/** RFC 5280, appendix A.1: ub-common-name. */
const MAX_NAME_CHARS = 64

const OID = Object.freeze({
  ecdsaSha256: '1.2.840.10045.4.3.2',
  ecdsaSha384: '1.2.840.10045.4.3.3',
  rsaPss: '1.2.840.113549.1.1.10',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15'
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
  /** Object identifiers of its critical extensions. */
  readonly criticalExtensions: readonly string[]
  /** Whether it has a critical extension that a chain's verification does not read. */
  readonly unknownCritical: boolean
  readonly maySignCertificates: boolean
  readonly maySignCrls: boolean
  /** Values of extensions by object identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>
  readonly algorithm: string
  readonly signature: Uint8Array
}

/** @throws {CocoonError} evidence_malformed */
export const parseCertificate = parseOnce({ what: 'a certificate', maxBytes: MAX_CERTIFICATE_BYTES, maxKept: 256 }, convert)

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 §4.1). */
function convert (der: Uint8Array, id: string): Certificate {
  const [tbs, algorithm, signature] = sequenceOf(parseDer(der))
  const fields = [...sequenceOf(tbs)]
  if (tagged(fields[0], 0) != null) {
    fields.shift() // version
  }
  const [serial, innerAlgorithm, issuer, validity, subject, keyInfo, ...rest] = fields
  // RFC 5280 §4.1.1.2: the two "MUST contain the same algorithm identifier"
  if (!equalBytes(rawOf(innerAlgorithm), rawOf(algorithm))) {
    throw new TypeError('two algorithms')
  }
  const [notBefore, notAfter] = sequenceOf(validity)
  const extensions = new Map<string, Uint8Array>()
  const criticalExtensions: string[] = []
  for (const extension of extensionsOf(rest.map(node => tagged(node, 3)).find(nodes => nodes != null)?.[0])) {
    // RFC 5280 §4.2: "A certificate MUST NOT include more than one instance of a particular extension."
    if (extensions.has(extension.id)) {
      throw new TypeError('an extension stands twice')
    }
    extensions.set(extension.id, extension.value)
    if (extension.critical) {
      criticalExtensions.push(extension.id)
    }
  }
  return {
    id,
    tbs: rawOf(tbs),
    issuer: rawOf(issuer),
    subject: rawOf(subject),
    commonName: commonNameOf(subject),
    serial: serialOf(integerBytes(serial)),
    notBeforeMs: timeOf(notBefore),
    notAfterMs: timeOf(notAfter),
    publicKey: publicKeyOf(keyInfo),
    spkiHash: toHex(sha256(rawOf(keyInfo))),
    ...constraintsOf(extensions.get(OID.basicConstraints)),
    criticalExtensions,
    unknownCritical: criticalExtensions.some(id => id !== OID.basicConstraints && id !== OID.keyUsage),
    ...usageOf(extensions.get(OID.keyUsage)),
    extensions,
    algorithm: oidOf(sequenceOf(algorithm)[0]),
    signature: bitsOf(signature)
  }
}

/** BasicConstraints ::= SEQUENCE { cA DEFAULT FALSE, pathLenConstraint OPTIONAL } (RFC 5280 §4.2.1.9). */
function constraintsOf (der: Uint8Array | undefined): { isCa: boolean, pathLength: number | null } {
  const fields = der == null ? [] : sequenceOf(parseDer(der))
  const length = fields.find(isInteger)
  return {
    isCa: isBoolean(fields[0]) && booleanOf(fields[0]),
    // Beyond a byte no chain is long enough for the difference to matter.
    pathLength: length == null ? null : integerBytes(length).at(-1) ?? 0
  }
}

/** KeyUsage ::= BIT STRING { …, keyCertSign (5), cRLSign (6), … } (RFC 5280 §4.2.1.3), the first bit being the highest. */
function usageOf (der: Uint8Array | undefined): { maySignCertificates: boolean, maySignCrls: boolean } {
  const [first] = der == null ? [0xff] : flagsOf(parseDer(der))
  return { maySignCertificates: (first & 0x04) !== 0, maySignCrls: (first & 0x02) !== 0 }
}

export function serialOf (bytes: Uint8Array): string {
  return toHex(bytes).replace(/^(00)+/, '')
}

/**
 * Name ::= SEQUENCE OF SET OF SEQUENCE { type, value } (RFC 5280 §4.1.2.4). Anybody may have written it, and messages
 * show it: without what a terminal would take for orders.
 */
function commonNameOf (name: Node): string {
  for (const relative of sequenceOf(name)) {
    for (const attribute of setOf(relative)) {
      const [type, value] = sequenceOf(attribute)
      if (oidOf(type) === OID.commonName) {
        return (textOf(value) ?? '').slice(0, MAX_NAME_CHARS).replace(/[^\x20-\x7e]/g, '?')
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
