import { simulationRsaKey, simulationRsaPublicKey } from '@cocoon-net/attestation'
import { concat, fromHex, toHex } from '@cocoon-net/protocol'
import { invert, pow } from '@noble/curves/abstract/modular.js'
import { sha384 } from '@noble/hashes/sha2.js'
import { AsnConvert } from '@peculiar/asn1-schema'
import { SubjectPublicKeyInfo } from '@peculiar/asn1-x509'
import type { TestIssuerKey } from './test-certificates.ts'
import type { SimulationRsaKey } from '@cocoon-net/attestation'
import type * as NodeCrypto from 'node:crypto'

const RSA_PSS = '1.2.840.113549.1.1.10'
const HASH_BYTES = 48
/** A platform's issuers sign the same certificates and lists again and again. */
const MAX_REMEMBERED = 16
const SALT = new Uint8Array(HASH_BYTES).fill(0x53)

/** MGF1 (RFC 8017 B.2.1). */
function mgf1 (seed: Uint8Array, lengthBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(lengthBytes / HASH_BYTES) }, (_, i) => sha384(concat(seed, Uint8Array.of(0, 0, 0, i))))
  return concat(...blocks).subarray(0, lengthBytes)
}

/** EMSA-PSS (RFC 8017 §9.1.1) with SHA-384, for a modulus whose bit length is a multiple of eight; the salt is always the same, since the key is no secret. */
function encodePss (message: Uint8Array, modulusBytes: number): Uint8Array {
  const hash = sha384(concat(new Uint8Array(8), sha384(message), SALT))
  const db = concat(new Uint8Array(modulusBytes - 2 * HASH_BYTES - 2), Uint8Array.of(1), SALT)
  const masked = mgf1(hash, db.byteLength).map((byte, i) => byte ^ db[i])
  masked[0] &= 0x7f
  return concat(masked, hash, Uint8Array.of(0xbc))
}

function toBytes (value: bigint, lengthBytes: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * lengthBytes, '0'))
}

/** RSASP1 (RFC 8017 §5.2.1) with the primes: the bare private-key operation on an encoded message. */
type PrivateOperation = (encoded: Uint8Array) => Uint8Array

export function portableOperation ({ p, q, exponent }: SimulationRsaKey): PrivateOperation {
  const [dp, dq, qInverse] = [invert(exponent, p - 1n), invert(exponent, q - 1n), invert(q, p)]
  return (encoded) => {
    const m = BigInt(`0x${toHex(encoded)}`)
    const s = pow(m, dq, q)
    const h = (qInverse * (pow(m, dp, p) - s) % p + p) % p
    return toBytes(s + q * h, encoded.byteLength)
  }
}

interface ProcessLike { getBuiltinModule?(name: string): unknown }

/** Node's own cryptography is several times as fast; its result is the same to the bit. */
function operationOf (key: SimulationRsaKey): PrivateOperation {
  const crypto = ((globalThis as { process?: ProcessLike }).process?.getBuiltinModule?.('node:crypto')) as typeof NodeCrypto | undefined
  if (crypto == null) {
    return portableOperation(key)
  }
  const { p, q, exponent } = key
  const text = (value: bigint): string => {
    const hex = value.toString(16)
    return Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex').toString('base64url')
  }
  const d = invert(exponent, (p - 1n) * (q - 1n))
  const parts = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: invert(q, p) }
  const jwk = { kty: 'RSA', ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, text(value)])) }
  const privateKey = crypto.createPrivateKey({ key: jwk, format: 'jwk' })
  return encoded => new Uint8Array(crypto.privateEncrypt({ key: privateKey, padding: crypto.constants.RSA_NO_PADDING }, encoded))
}

/** An RSA key made of a seed and a label, that signs as AMD's roots do: RSASSA-PSS with SHA-384. */
export function rsaTestKey (seed: Uint8Array, label: string, operation = operationOf): TestIssuerKey {
  const key = simulationRsaKey(seed, label)
  const modulusBytes = (key.p * key.q).toString(16).length / 2
  const sign = operation(key)
  const signed = new Map<string, Uint8Array>()
  return {
    algorithm: RSA_PSS,
    publicKeyInfo: AsnConvert.parse(simulationRsaPublicKey(key), SubjectPublicKeyInfo),
    sign: (message) => {
      const name = toHex(sha384(message))
      const signature = signed.get(name) ?? sign(encodePss(message, modulusBytes))
      if (signed.size < MAX_REMEMBERED) {
        signed.set(name, signature)
      }
      return signature
    }
  }
}
