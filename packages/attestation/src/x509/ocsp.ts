import { equalBytes, fromHex, sha256 } from '@cocoon-net/protocol'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha384 } from '@noble/hashes/sha2.js'
import * as asn1js from 'asn1js'
import { parseOnce } from '../parse-once.ts'
import { parseCertificate, serialOf, signedBy } from './certificate.ts'
import { bitsOf, extensionsOf, integerBytes, isTime, nullOf, octetsOf, oidOf, parseDer, rawOf, sequenceOf, tagged, timeOf } from './der.ts'
import type { Certificate } from './certificate.ts'
import type { Node } from './der.ts'

/** An answer with its responder's certificate has some 1,500 bytes. */
const MAX_OCSP_BYTES = 8_192
/** The wrapper has six nodes; what is in it some hundred and fifty, most of them the responder's certificate. */
const MAX_NODES = Object.freeze({ wrapper: 16, response: 512 })
const MAX_ANSWERS = 16
const MAX_CERTIFICATES = 4

const OID = Object.freeze({ basic: '1.3.6.1.5.5.7.48.1.1', nonce: '1.3.6.1.5.5.7.48.1.2', basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15', extendedKeyUsage: '2.5.29.37', ocspSigning: '1.3.6.1.5.5.7.3.9' })
const SHA384 = '2.16.840.1.101.3.4.2.2'
const HASHES: Readonly<Record<string, (data: Uint8Array) => Uint8Array>> = Object.freeze({
  '1.3.14.3.2.26': sha1,
  '2.16.840.1.101.3.4.2.1': sha256,
  [SHA384]: sha384
})

/** What a responder says of one certificate. */
interface SingleAnswer {
  /** Of the issuer's name and key; the algorithm's object identifier. */
  readonly hash: string
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  /** Hex, without leading zeros. */
  readonly serial: string
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly thisUpdateMs: number
  /** Null when absent: such an answer never is in date. */
  readonly nextUpdateMs: number | null
}

/** An OCSP response (RFC 6960 §4.2.1). Parsed, not verified. */
export interface OcspResponse {
  /** Hex of SHA-256 of the whole. */
  readonly id: string
  readonly tbs: Uint8Array
  /** Raw name, or SHA-1 of the key: one of them is null. */
  readonly responderName: Uint8Array | null
  readonly responderKeyHash: Uint8Array | null
  readonly answers: readonly SingleAnswer[]
  /** Whether it has a critical extension that is not read here. */
  readonly unknownCritical: boolean
  readonly certificates: readonly Certificate[]
  readonly algorithm: string
  readonly signature: Uint8Array
}

/** DER of `OCSPResponse` begins with an enumerated status, as no certificate and no list does. */
export function looksLikeOcsp (der: Uint8Array): boolean {
  const head = der[1] < 0x80 ? 2 : 2 + (der[1] & 0x7f)
  return der[0] === 0x30 && der[head] === 0x0a && der[head + 1] === 0x01
}

/** @throws {CocoonError} evidence_malformed */
export const parseOcsp = parseOnce({ what: 'an OCSP response', maxBytes: MAX_OCSP_BYTES, maxKept: 128 }, convert)

/** OCSPResponse ::= SEQUENCE { responseStatus, responseBytes [0] { responseType, response } } */
function convert (der: Uint8Array, id: string): OcspResponse {
  const [status, bytes, ...none] = sequenceOf(parseDer(der, MAX_NODES.wrapper))
  if (!equalBytes(rawOf(status), Uint8Array.of(0x0a, 0x01, 0x00)) || none.length > 0) {
    throw new TypeError('the responder gave no answer')
  }
  const [type, content] = sequenceOf(tagged(bytes, 0)?.[0])
  if (oidOf(type) !== OID.basic) {
    throw new TypeError('not a basic response')
  }
  // BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature, certs [0] OPTIONAL }
  const [tbs, algorithm, signature, certs] = sequenceOf(parseDer(octetsOf(content), MAX_NODES.response))
  const certificates = certs == null ? [] : sequenceOf(tagged(certs, 0)?.[0])
  if (certificates.length > MAX_CERTIFICATES) {
    throw new RangeError('too many certificates')
  }
  return {
    id,
    tbs: rawOf(tbs),
    ...dataOf(tbs),
    certificates: certificates.map(node => parseCertificate(rawOf(node))),
    algorithm: oidOf(sequenceOf(algorithm)[0]),
    signature: bitsOf(signature)
  }
}

/** ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt, responses, responseExtensions [1] OPTIONAL } */
function dataOf (tbs: Node): Pick<OcspResponse, 'responderName' | 'responderKeyHash' | 'answers' | 'unknownCritical'> {
  const fields = [...sequenceOf(tbs)]
  if (tagged(fields[0], 0) != null) {
    fields.shift()
  }
  const [responder, producedAt, responses, extensions] = fields
  timeOf(producedAt)
  const name = tagged(responder, 1)?.[0]
  const answers = sequenceOf(responses)
  if (answers.length > MAX_ANSWERS) {
    throw new RangeError('too many answers')
  }
  const ofAll = extensions == null ? [] : extensionsOf(tagged(extensions, 1)?.[0])
  const ofEach = answers.flatMap(one => sequenceOf(one).slice(3)).flatMap(node => {
    const inner = tagged(node, 1)?.[0]
    return inner == null ? [] : extensionsOf(inner)
  })
  return {
    responderName: name == null ? null : rawOf(name),
    responderKeyHash: name == null ? octetsOf(tagged(responder, 2)?.[0]) : null,
    answers: answers.map(answerOf),
    unknownCritical: [...ofAll, ...ofEach].some(one => one.critical && one.id !== OID.nonce)
  }
}

/** SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0] OPTIONAL, singleExtensions [1] OPTIONAL } */
function answerOf (node: Node): SingleAnswer {
  const [certId, status, thisUpdate, ...rest] = sequenceOf(node)
  const [algorithm, nameHash, keyHash, serial] = sequenceOf(certId)
  const next = rest.map(one => tagged(one, 0)).find(nodes => nodes != null)?.[0]
  if (next != null && !isTime(next)) {
    throw new TypeError('not a time')
  }
  return {
    hash: oidOf(sequenceOf(algorithm)[0]),
    issuerNameHash: octetsOf(nameHash),
    issuerKeyHash: octetsOf(keyHash),
    serial: serialOf(integerBytes(serial)),
    status: statusOf(status),
    thisUpdateMs: timeOf(thisUpdate),
    nextUpdateMs: next == null ? null : timeOf(next)
  }
}

/** CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT NULL } */
function statusOf (node: Node): SingleAnswer['status'] {
  if (nullOf(node, 0)) {
    return 'good'
  }
  return tagged(node, 1) == null ? 'unknown' : 'revoked'
}

/** CertID: hashes of the issuer's name and key, and the serial number. */
function isOf (answer: SingleAnswer, certificate: Certificate, issuer: Certificate): boolean {
  const hash = HASHES[answer.hash]
  return hash != null && issuer.publicKey.type === 'ec' && answer.serial === certificate.serial &&
    equalBytes(hash(issuer.subject), answer.issuerNameHash) && equalBytes(hash(issuer.publicKey.point), answer.issuerKeyHash)
}

/**
 * RFC 6960 §4.2.2.2: the response is signed by the certificate's issuer, or by a responder whose certificate "MUST be
 * issued directly by the CA that is identified in the request" and has id-kp-OCSPSigning.
 */
function signerOf (response: OcspResponse, issuer: Certificate, atMs: number): Certificate | null {
  const isResponder = (one: Certificate): boolean => response.responderName != null
    ? equalBytes(response.responderName, one.subject)
    : response.responderKeyHash != null && one.publicKey.type === 'ec' && equalBytes(sha1(one.publicKey.point), response.responderKeyHash)
  const delegated = response.certificates.filter(one => isDelegate(one, issuer, atMs))
  return [issuer, ...delegated].find(one => isResponder(one) && signedBy(response, one)) ?? null
}

function isDelegate (one: Certificate, issuer: Certificate, atMs: number): boolean {
  const usages = one.extensions.get(OID.extendedKeyUsage)
  const known: readonly string[] = [OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage]
  return usages != null && usageIds(usages).includes(OID.ocspSigning) && one.criticalExtensions.every(id => known.includes(id)) &&
    one.notBeforeMs <= atMs && atMs <= one.notAfterMs && equalBytes(one.issuer, issuer.subject) && signedBy(one, issuer)
}

function usageIds (der: Uint8Array): string[] {
  try {
    return sequenceOf(parseDer(der)).map(oidOf)
  } catch {
    return []
  }
}

/** What responses say of one certificate. */
export type OcspVerdict =
  | { readonly state: 'good', readonly endMs: number }
  /** No response is about it. */
  | { readonly state: 'missing' }
  /** Responses are, and none of them proves that it is good. */
  | { readonly state: 'refused', readonly message: string }

/** The newest answer about a certificate, of those that its issuer answers for: an older one rolls nothing back. */
export function ocspVerdict (responses: readonly OcspResponse[], certificate: Certificate, issuer: Certificate, atMs: number): OcspVerdict {
  const about = responses.flatMap(response => response.answers.filter(answer => isOf(answer, certificate, issuer)).map(answer => ({ response, answer })))
  if (about.length === 0) {
    return { state: 'missing' }
  }
  const refused = (message: string): OcspVerdict => ({ state: 'refused', message: `${certificate.commonName}: ${message}` })
  const authentic = about.filter(({ response }) => !response.unknownCritical && signerOf(response, issuer, atMs) != null)
  if (authentic.length === 0) {
    return refused('the OCSP response is not signed by its issuer or a responder of its issuer')
  }
  const begun = authentic.filter(({ answer }) => answer.thisUpdateMs <= atMs)
  const newest = Math.max(...begun.map(({ answer }) => answer.thisUpdateMs))
  // Of several of one moment, the worst.
  const answers = begun.filter(({ answer }) => answer.thisUpdateMs === newest)
  const bad = answers.find(({ answer }) => answer.status !== 'good')
  if (bad != null) {
    return refused(bad.answer.status === 'revoked' ? 'revoked' : 'unknown to its issuer')
  }
  const endMs = Math.max(-Infinity, ...answers.map(({ answer }) => answer.nextUpdateMs ?? -Infinity))
  if (atMs > endMs) {
    return refused('the OCSP response is out of date')
  }
  // A newer one that begins later is another judgement.
  const laterMs = Math.min(Infinity, ...authentic.map(({ answer }) => answer.thisUpdateMs).filter(ms => ms > atMs))
  return { state: 'good', endMs: Math.min(endMs, laterMs - 1, ...answers.map(({ response }) => signerOf(response, issuer, atMs)?.notAfterMs ?? endMs)) }
}

/** OCSPRequest ::= SEQUENCE { tbsRequest { requestList { reqCert } } } (RFC 6960 §4.1.1), in DER; null for an issuer without an EC key. */
export function ocspRequest (certificate: Certificate, issuer: Certificate): Uint8Array | null {
  if (issuer.publicKey.type !== 'ec') {
    return null
  }
  const sequence = (...value: asn1js.AsnType[]): asn1js.Sequence => new asn1js.Sequence({ value })
  const octets = (bytes: Uint8Array): asn1js.OctetString => new asn1js.OctetString({ valueHex: Uint8Array.from(bytes).buffer })
  // A serial number is positive: where its first bit is set a zero stands before it.
  const serial = fromHex(/^[89a-f]/.test(certificate.serial) ? `00${certificate.serial}` : certificate.serial)
  const certId = sequence(
    sequence(new asn1js.ObjectIdentifier({ value: SHA384 })),
    octets(sha384(issuer.subject)),
    octets(sha384(issuer.publicKey.point)),
    new asn1js.Integer({ valueHex: Uint8Array.from(serial).buffer })
  )
  return new Uint8Array(sequence(sequence(sequence(sequence(certId)))).toBER())
}
