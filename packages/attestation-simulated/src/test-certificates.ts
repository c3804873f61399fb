import { simulationSecret } from '@cocoon-net/attestation'
import { fromHex, sha256 } from '@cocoon-net/protocol'
import { p256, p384 } from '@noble/curves/nist.js'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier, AttributeTypeAndValue, AttributeValue, BasicConstraints, Certificate, CertificateList, Extension, Extensions, KeyUsage, KeyUsageFlags, Name,
  RelativeDistinguishedName, RevokedCertificate, SubjectPublicKeyInfo, TBSCertList, TBSCertificate, Time, Validity, Version,
  id_ce_basicConstraints as idBasicConstraints, id_ce_keyUsage as idKeyUsage
} from '@peculiar/asn1-x509'

const COMMON_NAME = '2.5.4.3'
const DELTA_CRL = '2.5.29.27'
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const CURVES = Object.freeze({
  'P-256': { curve: p256, algorithm: '1.2.840.10045.4.3.2', parameters: fromHex('06082a8648ce3d030107'), secretBytes: 32 },
  'P-384': { curve: p384, algorithm: '1.2.840.10045.4.3.3', parameters: fromHex('06052b81040022'), secretBytes: 48 }
})

/** A key that signs certificates. */
export interface TestIssuerKey {
  /** Object identifier of the signature algorithm. */
  readonly algorithm: string
  readonly publicKeyInfo: SubjectPublicKeyInfo
  /** As certificates hold signatures. */
  sign(message: Uint8Array): Uint8Array
}

/** An EC key made of a seed and a label, so that a test's evidence is the same in every run. */
export interface TestKey extends TestIssuerKey {
  /** Uncompressed point. */
  readonly point: Uint8Array
  /** r ‖ s. */
  signRaw(message: Uint8Array): Uint8Array
}

export function testKey (seed: Uint8Array, label: string, name: keyof typeof CURVES = 'P-256'): TestKey {
  const { curve, algorithm, parameters, secretBytes } = CURVES[name]
  const secret = simulationSecret(seed, label, secretBytes)
  const point = curve.getPublicKey(secret, false)
  return {
    algorithm,
    point,
    publicKeyInfo: new SubjectPublicKeyInfo({
      algorithm: new AlgorithmIdentifier({ algorithm: EC_PUBLIC_KEY, parameters: buffer(parameters) }),
      subjectPublicKey: buffer(point)
    }),
    sign: message => curve.sign(message, secret, { prehash: true, lowS: false, format: 'der' }),
    signRaw: message => curve.sign(message, secret, { prehash: true, lowS: false, format: 'compact' })
  }
}

export interface TestIssuer { readonly name: string, readonly key: TestIssuerKey }

export interface TestCertificateInit {
  readonly name: string
  readonly key: TestIssuerKey
  readonly issuer: TestIssuer
  readonly serial: number
  readonly isCa: boolean
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly extensions?: ReadonlyArray<{ readonly id: string, readonly value: Uint8Array, readonly critical?: boolean }>
  /** How many issuers may follow; none of it unless told otherwise. */
  readonly pathLength?: number
  /** Flags of RFC 5280 §4.2.1.3 as `KeyUsageFlags` has them; what the role needs unless told otherwise. */
  readonly keyUsage?: number
}

// A copy, so that the buffer holds nothing else.
function buffer (bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

export function nameOf (commonName: string): Name {
  const attribute = new AttributeTypeAndValue({ type: COMMON_NAME, value: new AttributeValue({ utf8String: commonName }) })
  return new Name([new RelativeDistinguishedName([attribute])])
}

function algorithmOf (issuer: TestIssuer): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: issuer.key.algorithm })
}

/** SHA-256 of the key as roots are pinned by. */
export function spkiHashOf (key: TestIssuerKey): Uint8Array {
  return sha256(new Uint8Array(AsnConvert.serialize(key.publicKeyInfo)))
}

function extension (id: string, value: ArrayBuffer, critical = false): Extension {
  const out = new Extension({ extnID: id, critical })
  out.extnValue.buffer = value
  return out
}

/** A certificate in DER, signed by its issuer's key. */
export function testCertificate (init: TestCertificateInit): Uint8Array {
  const flags = init.keyUsage ?? (init.isCa ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature)
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: buffer(Uint8Array.of(init.serial)),
    signature: algorithmOf(init.issuer),
    issuer: nameOf(init.issuer.name),
    validity: new Validity({ notBefore: new Date(init.notBeforeMs), notAfter: new Date(init.notAfterMs) }),
    subject: nameOf(init.name),
    subjectPublicKeyInfo: init.key.publicKeyInfo
  })
  tbsCertificate.extensions = new Extensions([
    extension(idBasicConstraints, AsnConvert.serialize(new BasicConstraints({ cA: init.isCa, pathLenConstraint: init.pathLength }))),
    extension(idKeyUsage, AsnConvert.serialize(new KeyUsage(flags))),
    ...(init.extensions ?? []).map(({ id, value, critical }) => extension(id, buffer(value), critical))
  ])
  const tbs = new Uint8Array(AsnConvert.serialize(tbsCertificate))
  return new Uint8Array(AsnConvert.serialize(new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithmOf(init.issuer),
    signatureValue: buffer(init.issuer.key.sign(tbs))
  })))
}

export interface TestCrlInit {
  readonly issuer: TestIssuer
  readonly revoked: readonly number[]
  readonly thisUpdateMs: number
  /** Left out when null. */
  readonly nextUpdateMs: number | null
  /** With a critical extension that says that it is a list of changes only. */
  readonly delta?: boolean
}

/** A revocation list in DER. */
export function testCrl (init: TestCrlInit): Uint8Array {
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: algorithmOf(init.issuer),
    issuer: nameOf(init.issuer.name),
    thisUpdate: new Time(new Date(init.thisUpdateMs)),
    nextUpdate: init.nextUpdateMs == null ? undefined : new Time(new Date(init.nextUpdateMs))
  })
  if (init.delta === true) {
    tbsCertList.crlExtensions = [extension(DELTA_CRL, Uint8Array.of(0x02, 0x01, 0x01).buffer, true)]
  }
  if (init.revoked.length > 0) {
    tbsCertList.revokedCertificates = init.revoked.map(serial => new RevokedCertificate({
      userCertificate: buffer(Uint8Array.of(serial)),
      revocationDate: new Time(new Date(init.thisUpdateMs))
    }))
  }
  const tbs = new Uint8Array(AsnConvert.serialize(tbsCertList))
  return new Uint8Array(AsnConvert.serialize(new CertificateList({
    tbsCertList,
    signatureAlgorithm: algorithmOf(init.issuer),
    signature: buffer(init.issuer.key.sign(tbs))
  })))
}

export function toPem (...certificates: readonly Uint8Array[]): string {
  return certificates.map(der => `-----BEGIN CERTIFICATE-----\n${btoa(String.fromCharCode(...der)).replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`).join('')
}
