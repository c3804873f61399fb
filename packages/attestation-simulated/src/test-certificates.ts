import { concat, sha256, utf8 } from '@cocoon-net/protocol'
import { p256 } from '@noble/curves/nist.js'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier, AttributeTypeAndValue, AttributeValue, BasicConstraints, Certificate, CertificateList, Extension, Extensions, KeyUsage, KeyUsageFlags, Name,
  RelativeDistinguishedName, RevokedCertificate, SubjectPublicKeyInfo, TBSCertList, TBSCertificate, Time, Validity, Version,
  id_ce_basicConstraints as idBasicConstraints, id_ce_keyUsage as idKeyUsage
} from '@peculiar/asn1-x509'

const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const COMMON_NAME = '2.5.4.3'
const P256_PARAMETERS = Uint8Array.from([0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07])

/** A P-256 key made of a seed and a label, so that a test's evidence is the same in every run. */
export interface TestKey {
  /** Uncompressed point, 65 bytes. */
  readonly point: Uint8Array
  /** r ‖ s, 64 bytes. */
  signRaw(message: Uint8Array): Uint8Array
  signDer(message: Uint8Array): Uint8Array
}

export function testKey (seed: Uint8Array, label: string): TestKey {
  const secret = sha256(concat(utf8('cocoon/test-pki/v1\0'), seed, utf8(label)))
  return {
    point: p256.getPublicKey(secret, false),
    signRaw: message => p256.sign(message, secret, { prehash: true, lowS: false, format: 'compact' }),
    signDer: message => p256.sign(message, secret, { prehash: true, lowS: false, format: 'der' })
  }
}

export interface TestIssuer { readonly name: string, readonly key: TestKey }

export interface TestCertificateInit {
  readonly name: string
  readonly key: TestKey
  readonly issuer: TestIssuer
  readonly serial: number
  readonly isCa: boolean
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly extensions?: ReadonlyArray<{ readonly id: string, readonly value: Uint8Array }>
}

// A copy, so that the buffer holds nothing else.
function buffer (bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

function nameOf (commonName: string): Name {
  const attribute = new AttributeTypeAndValue({ type: COMMON_NAME, value: new AttributeValue({ utf8String: commonName }) })
  return new Name([new RelativeDistinguishedName([attribute])])
}

function algorithm (): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: ECDSA_SHA256 })
}

function subjectPublicKeyInfo (key: TestKey): SubjectPublicKeyInfo {
  return new SubjectPublicKeyInfo({
    algorithm: new AlgorithmIdentifier({ algorithm: EC_PUBLIC_KEY, parameters: buffer(P256_PARAMETERS) }),
    subjectPublicKey: buffer(key.point)
  })
}

/** SHA-256 of the key as roots are pinned by. */
export function spkiHashOf (key: TestKey): Uint8Array {
  return sha256(new Uint8Array(AsnConvert.serialize(subjectPublicKeyInfo(key))))
}

function extension (id: string, value: ArrayBuffer): Extension {
  const out = new Extension({ extnID: id })
  out.extnValue.buffer = value
  return out
}

/** A certificate in DER, signed with ECDSA and SHA-256. */
export function testCertificate (init: TestCertificateInit): Uint8Array {
  const flags = init.isCa ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: buffer(Uint8Array.of(init.serial)),
    signature: algorithm(),
    issuer: nameOf(init.issuer.name),
    validity: new Validity({ notBefore: new Date(init.notBeforeMs), notAfter: new Date(init.notAfterMs) }),
    subject: nameOf(init.name),
    subjectPublicKeyInfo: subjectPublicKeyInfo(init.key)
  })
  tbsCertificate.extensions = new Extensions([
    extension(idBasicConstraints, AsnConvert.serialize(new BasicConstraints({ cA: init.isCa }))),
    extension(idKeyUsage, AsnConvert.serialize(new KeyUsage(flags))),
    ...(init.extensions ?? []).map(({ id, value }) => extension(id, buffer(value)))
  ])
  const tbs = new Uint8Array(AsnConvert.serialize(tbsCertificate))
  return new Uint8Array(AsnConvert.serialize(new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm(),
    signatureValue: buffer(init.issuer.key.signDer(tbs))
  })))
}

/** A revocation list in DER. */
export function testCrl (init: { issuer: TestIssuer, revoked: readonly number[], thisUpdateMs: number, nextUpdateMs: number }): Uint8Array {
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: algorithm(),
    issuer: nameOf(init.issuer.name),
    thisUpdate: new Time(new Date(init.thisUpdateMs)),
    nextUpdate: new Time(new Date(init.nextUpdateMs))
  })
  if (init.revoked.length > 0) {
    tbsCertList.revokedCertificates = init.revoked.map(serial => new RevokedCertificate({
      userCertificate: buffer(Uint8Array.of(serial)),
      revocationDate: new Time(new Date(init.thisUpdateMs))
    }))
  }
  const tbs = new Uint8Array(AsnConvert.serialize(tbsCertList))
  return new Uint8Array(AsnConvert.serialize(new CertificateList({
    tbsCertList,
    signatureAlgorithm: algorithm(),
    signature: buffer(init.issuer.key.signDer(tbs))
  })))
}

export function toPem (...certificates: readonly Uint8Array[]): string {
  return certificates.map(der => `-----BEGIN CERTIFICATE-----\n${btoa(String.fromCharCode(...der)).replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`).join('')
}
