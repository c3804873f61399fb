import { CocoonError, equalBytes, fromHex } from '@cocoon-net/protocol'
import { bitsOf, integerBytes, oidOf, parseDer, rawOf, sequenceOf } from './der.ts'
import type { Node } from './der.ts'
import type { PublicKey } from '../crypto.ts'

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
/** DER of the named curves' object identifiers (RFC 5480 §2.1.1.1). */
const CURVES = Object.freeze([
  { curve: 'P-256', der: fromHex('06082a8648ce3d030107'), pointBytes: 65 },
  { curve: 'P-384', der: fromHex('06052b81040022'), pointBytes: 97 }
] as const)

/**
 * SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey } (RFC 5280 §4.1).
 *
 * @throws {CocoonError} evidence_malformed for any other kind of key
 */
export function publicKeyOf (info: Node): PublicKey {
  const [algorithm, key] = sequenceOf(info)
  const [id, parameters] = sequenceOf(algorithm)
  const bits = bitsOf(key)
  if (oidOf(id) === EC_PUBLIC_KEY && parameters != null) {
    const found = CURVES.find(({ der, pointBytes }) => equalBytes(der, rawOf(parameters)) && bits.byteLength === pointBytes && bits[0] === 4)
    if (found != null) {
      return { type: 'ec', curve: found.curve, point: bits }
    }
  }
  if (oidOf(id) === RSA_ENCRYPTION) {
    // RSAPublicKey ::= SEQUENCE { modulus, publicExponent } (RFC 8017 A.1.1)
    const [modulus, exponent] = sequenceOf(parseDer(bits))
    return { type: 'rsa', modulus: withoutLeadingZeros(integerBytes(modulus)), exponent: withoutLeadingZeros(integerBytes(exponent)) }
  }
  throw new CocoonError('evidence_malformed', 'a certificate has an unknown kind of key')
}

function withoutLeadingZeros (bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex(byte => byte !== 0)
  return bytes.subarray(Math.max(start, 0))
}
