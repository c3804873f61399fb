import { sha256, utf8 } from '@cocoon-net/protocol'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha384 } from '@noble/hashes/sha2.js'
import { AsnConvert } from '@peculiar/asn1-schema'
import * as asn1js from 'asn1js'
import { nameOf } from './test-certificates.ts'
import type { TestIssuer, TestIssuerKey } from './test-certificates.ts'

const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1'
const NONCE = '1.3.6.1.5.5.7.48.1.2'
const HASHES = Object.freeze({
  'SHA-1': { id: '1.3.14.3.2.26', hash: sha1 },
  'SHA-256': { id: '2.16.840.1.101.3.4.2.1', hash: sha256 },
  'SHA-384': { id: '2.16.840.1.101.3.4.2.2', hash: sha384 }
})
const TAG_CONTEXT = 3

export interface TestOcspInit {
  /** Who issued the certificate. */
  readonly issuer: TestIssuer
  readonly serial: number
  /** `good` unless told otherwise. */
  readonly status?: 'good' | 'revoked' | 'unknown'
  readonly thisUpdateMs: number
  /** Left out when null. */
  readonly nextUpdateMs: number | null
  /** Who signs; the issuer itself unless told otherwise, and then with no certificate. */
  readonly responder?: TestIssuer & { readonly certificate: Uint8Array }
  /** By the hash of its key instead of its name. */
  readonly byKey?: boolean
  /** Of the certificate's id; SHA-384 unless told otherwise. */
  readonly hash?: keyof typeof HASHES
  /** A critical extension of an unknown kind. */
  readonly unknownCritical?: boolean
}

function pointOf (key: TestIssuerKey): Uint8Array {
  return new Uint8Array(key.publicKeyInfo.subjectPublicKey)
}

function nameBytes ({ name }: TestIssuer): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(nameOf(name)))
}

function time (ms: number): asn1js.GeneralizedTime {
  return new asn1js.GeneralizedTime({ valueDate: new Date(ms) })
}

function parsed (der: Uint8Array): asn1js.BaseBlock {
  return asn1js.fromBER(der).result
}

function tagged (tagNumber: number, ...value: readonly asn1js.BaseBlock[]): asn1js.Constructed {
  return new asn1js.Constructed({ idBlock: { tagClass: TAG_CONTEXT, tagNumber }, value: [...value] as asn1js.AsnType[] })
}

function sequence (...value: readonly asn1js.BaseBlock[]): asn1js.Sequence {
  return new asn1js.Sequence({ value: [...value] as asn1js.AsnType[] })
}

function statusOf (init: TestOcspInit): asn1js.BaseBlock {
  switch (init.status ?? 'good') {
    case 'good':
      return new asn1js.Primitive({ idBlock: { tagClass: TAG_CONTEXT, tagNumber: 0 } })
    case 'revoked':
      return tagged(1, time(init.thisUpdateMs))
    default:
      return new asn1js.Primitive({ idBlock: { tagClass: TAG_CONTEXT, tagNumber: 2 } })
  }
}

/** An OCSP response (RFC 6960) about one certificate, in DER. */
export function testOcsp (init: TestOcspInit): Uint8Array {
  const { id, hash } = HASHES[init.hash ?? 'SHA-384']
  const responder = init.responder ?? init.issuer
  const octets = (bytes: Uint8Array): asn1js.OctetString => new asn1js.OctetString({ valueHex: Uint8Array.from(bytes).buffer })
  const oid = (value: string): asn1js.ObjectIdentifier => new asn1js.ObjectIdentifier({ value })
  const certId = sequence(sequence(oid(id)), octets(hash(nameBytes(init.issuer))), octets(hash(pointOf(init.issuer.key))), new asn1js.Integer({ value: init.serial }))
  const next = init.nextUpdateMs == null ? [] : [tagged(0, time(init.nextUpdateMs))]
  const extension = sequence(oid(init.unknownCritical === true ? `${NONCE}.9` : NONCE), new asn1js.Boolean({ value: true }), octets(utf8('nonce')))
  const data = sequence(
    init.byKey === true ? tagged(2, octets(sha1(pointOf(responder.key)))) : tagged(1, parsed(nameBytes(responder))),
    time(init.thisUpdateMs),
    sequence(sequence(certId, statusOf(init), time(init.thisUpdateMs), ...next)),
    tagged(1, sequence(extension))
  )
  const tbs = new Uint8Array(data.toBER())
  const certificates = init.responder == null ? [] : [tagged(0, sequence(parsed(init.responder.certificate)))]
  const basic = sequence(parsed(tbs), sequence(oid(responder.key.algorithm)), new asn1js.BitString({ valueHex: Uint8Array.from(responder.key.sign(tbs)).buffer }), ...certificates)
  const response = sequence(oid(BASIC_RESPONSE), octets(new Uint8Array(basic.toBER())))
  return new Uint8Array(sequence(new asn1js.Enumerated({ value: 0 }), tagged(0, response)).toBER())
}

/** What a responder answers that gives none: `tryLater`. */
export function testOcspRefusal (): Uint8Array {
  return Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x03)
}
