import { CocoonError, equalBytes, fromHex } from '@cocoon-net/protocol'
import { RSAPublicKey } from '@peculiar/asn1-rsa'
import { AsnConvert } from '@peculiar/asn1-schema'
import type { PublicKey } from '../crypto.ts'
import type { SubjectPublicKeyInfo } from '@peculiar/asn1-x509'

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
/** DER of the named curves' object identifiers (RFC 5480 §2.1.1.1). */
const CURVES = Object.freeze([
  { curve: 'P-256', der: fromHex('06082a8648ce3d030107'), pointBytes: 65 },
  { curve: 'P-384', der: fromHex('06052b81040022'), pointBytes: 97 }
] as const)

/** @throws {CocoonError} evidence_malformed for any other kind of key */
export function publicKeyOf (info: SubjectPublicKeyInfo): PublicKey {
  const bits = new Uint8Array(info.subjectPublicKey)
  if (info.algorithm.algorithm === EC_PUBLIC_KEY && info.algorithm.parameters != null) {
    const parameters = new Uint8Array(info.algorithm.parameters)
    const found = CURVES.find(({ der, pointBytes }) => equalBytes(der, parameters) && bits.byteLength === pointBytes && bits[0] === 4)
    if (found != null) {
      return { type: 'ec', curve: found.curve, point: bits }
    }
  }
  if (info.algorithm.algorithm === RSA_ENCRYPTION) {
    const key = AsnConvert.parse(bits, RSAPublicKey)
    return { type: 'rsa', modulus: withoutLeadingZeros(key.modulus), exponent: withoutLeadingZeros(key.publicExponent) }
  }
  throw new CocoonError('evidence_malformed', 'a certificate has an unknown kind of key')
}

function withoutLeadingZeros (buffer: ArrayBuffer): Uint8Array {
  const bytes = new Uint8Array(buffer)
  const start = bytes.findIndex(byte => byte !== 0)
  return bytes.subarray(Math.max(start, 0))
}
