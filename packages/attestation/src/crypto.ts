import { concat, equalBytes } from '@cocoon-net/protocol'
import { p256, p384 } from '@noble/curves/nist.js'
import { sha384 as nobleSha384 } from '@noble/hashes/sha2.js'
import type * as NodeCrypto from 'node:crypto'

interface ProcessLike { getBuiltinModule?(name: string): unknown }

/** Node's own cryptography, or undefined in browsers, which use noble and BigInt. All of it is synchronous. */
const nodeCrypto = ((globalThis as { process?: ProcessLike }).process?.getBuiltinModule?.('node:crypto')) as typeof NodeCrypto | undefined

export type Curve = 'P-256' | 'P-384'

/** A public key as it stands in a certificate: an EC point (uncompressed) or an RSA modulus and exponent. */
export type PublicKey =
  | { readonly type: 'ec', readonly curve: Curve, readonly point: Uint8Array }
  | { readonly type: 'rsa', readonly modulus: Uint8Array, readonly exponent: Uint8Array }

const FIELD_BYTES = { 'P-256': 32, 'P-384': 48 } as const

/** ECDSA with the curve's own hash (SHA-256 on P-256, SHA-384 on P-384). False for anything malformed. */
export function verifyEcdsa (key: PublicKey, message: Uint8Array, signature: Uint8Array, encoding: 'raw' | 'der'): boolean {
  if (key.type !== 'ec') {
    return false
  }
  try {
    if (encoding === 'raw' && signature.byteLength !== 2 * FIELD_BYTES[key.curve]) {
      return false
    }
    if (nodeCrypto != null) {
      const nodeKey = nodeKeyOf(nodeCrypto, key)
      return nodeCrypto.verify(key.curve === 'P-256' ? 'sha256' : 'sha384', message, { key: nodeKey, dsaEncoding: encoding === 'raw' ? 'ieee-p1363' : 'der' }, signature)
    }
    return portableEcdsa(key, message, signature, encoding)
  } catch {
    return false
  }
}

/** The same in JavaScript, for browsers. The vendors do not normalise s. */
export function portableEcdsa (key: Extract<PublicKey, { type: 'ec' }>, message: Uint8Array, signature: Uint8Array, encoding: 'raw' | 'der'): boolean {
  const format = encoding === 'raw' ? 'compact' : 'der'
  return (key.curve === 'P-256' ? p256 : p384).verify(signature, message, key.point, { lowS: false, prehash: true, format })
}

function ecJwk (curve: Curve, point: Uint8Array): NodeCrypto.JsonWebKey {
  const size = FIELD_BYTES[curve]
  return { kty: 'EC', crv: curve, x: base64Url(point.subarray(1, 1 + size)), y: base64Url(point.subarray(1 + size)) }
}

// A key's import costs as much as a verification; certificates' keys live as long as their parse.
const nodeKeys = new WeakMap<PublicKey, NodeCrypto.KeyObject>()

function nodeKeyOf (crypto: typeof NodeCrypto, key: PublicKey): NodeCrypto.KeyObject {
  let nodeKey = nodeKeys.get(key)
  if (nodeKey == null) {
    const jwk = key.type === 'ec' ? ecJwk(key.curve, key.point) : { kty: 'RSA', n: base64Url(key.modulus), e: base64Url(key.exponent) }
    nodeKey = crypto.createPublicKey({ key: jwk, format: 'jwk' })
    nodeKeys.set(key, nodeKey)
  }
  return nodeKey
}

function base64Url (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

const PSS_SALT_BYTES = 48
/** AMD's roots have 4,096 bits. */
const MAX_RSA_BYTES = 512

/** RSASSA-PSS with SHA-384, MGF1-SHA-384 and a salt of 48 bytes (RFC 8017 §8.1.2), as AMD signs. False for anything malformed. */
export function verifyRsaPssSha384 (key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.type !== 'rsa' || key.modulus.byteLength > MAX_RSA_BYTES || key.modulus.byteLength < 256 || key.exponent.byteLength > 4) {
    return false
  }
  try {
    if (nodeCrypto != null) {
      const nodeKey = nodeKeyOf(nodeCrypto, key)
      return nodeCrypto.verify('sha384', message, { key: nodeKey, padding: nodeCrypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_BYTES }, signature)
    }
    return portableRsaPssSha384(key, message, signature)
  } catch {
    return false
  }
}

function toBigInt (bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) {
    value = (value << 8n) | BigInt(byte)
  }
  return value
}

function fromBigInt (value: bigint, lengthBytes: number): Uint8Array {
  const out = new Uint8Array(lengthBytes)
  let rest = value
  for (let i = lengthBytes - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return out
}

function powMod (base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base
  for (let e = exponent; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) {
      result = result * square % modulus
    }
    square = square * square % modulus
  }
  return result
}

/** MGF1 (RFC 8017 B.2.1). */
function mgf1 (seed: Uint8Array, lengthBytes: number): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let counter = 0; counter * 48 < lengthBytes; counter++) {
    blocks.push(nobleSha384(concat(seed, Uint8Array.of(0, 0, 0, counter))))
  }
  return concat(...blocks).subarray(0, lengthBytes)
}

/** The same in BigInt, for browsers. Only public values are touched, so its timing may depend on them. */
export function portableRsaPssSha384 (key: Extract<PublicKey, { type: 'rsa' }>, message: Uint8Array, signature: Uint8Array): boolean {
  const modulus = toBigInt(key.modulus)
  const value = toBigInt(signature)
  if (signature.byteLength !== key.modulus.byteLength || value >= modulus || (modulus & 1n) === 0n) {
    return false
  }
  // RFC 8017 §9.1.2, with the modulus' bit length a multiple of eight: emBits = modBits - 1.
  const em = fromBigInt(powMod(value, toBigInt(key.exponent), modulus), key.modulus.byteLength)
  const hashBytes = 48
  const dbBytes = em.byteLength - hashBytes - 1
  if (em[em.byteLength - 1] !== 0xbc || (em[0] & 0x80) !== 0) {
    return false
  }
  const hash = em.subarray(dbBytes, dbBytes + hashBytes)
  const mask = mgf1(hash, dbBytes)
  const db = em.slice(0, dbBytes).map((byte, i) => byte ^ mask[i])
  db[0] &= 0x7f
  const zeros = dbBytes - PSS_SALT_BYTES - 1
  if (db.subarray(0, zeros).some(byte => byte !== 0) || db[zeros] !== 1) {
    return false
  }
  return equalBytes(hash, nobleSha384(concat(new Uint8Array(8), nobleSha384(message), db.subarray(zeros + 1))))
}
