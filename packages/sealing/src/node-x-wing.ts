import { concat, fromHex } from '@cocoon-net/protocol'
import { nodeCrypto } from './platform.ts'
import { ML_KEM_PUBLIC_BYTES, X25519_BYTES, X25519_PKCS8_HEAD } from './x-wing-sizes.ts'
import type { XWingPlatform } from './x-wing-platform.ts'
import type * as NodeCrypto from 'node:crypto'

// DER heads of fixed length: SubjectPublicKeyInfo and PKCS #8 with a seed (RFC 9935 for ML-KEM-768, RFC 8410 for X25519).
const DER = Object.freeze({
  mlKemPublic: fromHex('308204b2300b0609608648016503040402038204a100'),
  mlKemSeed: fromHex('3054020100300b060960864801650304040204428040'),
  x25519Public: fromHex('302a300506032b656e032100'),
  x25519Private: X25519_PKCS8_HEAD
})

interface NodeParts { readonly mlKem: NodeCrypto.KeyObject, readonly x25519: NodeCrypto.KeyObject }

type Crypto = typeof NodeCrypto & {
  encapsulate(key: NodeCrypto.KeyObject): { sharedKey: Uint8Array, ciphertext: Uint8Array }
  decapsulate(key: NodeCrypto.KeyObject, ciphertext: Uint8Array): Uint8Array
}

function spki (crypto: Crypto, head: Uint8Array, raw: Uint8Array): NodeCrypto.KeyObject {
  return crypto.createPublicKey({ key: Buffer.from(concat(head, raw)), format: 'der', type: 'spki' })
}

function pkcs8 (crypto: Crypto, head: Uint8Array, raw: Uint8Array): NodeCrypto.KeyObject {
  const der = Buffer.from(concat(head, raw))
  try {
    return crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

function rawPublic (crypto: Crypto, key: NodeCrypto.KeyObject, bytes: number): Uint8Array {
  const der = (key.type === 'public' ? key : crypto.createPublicKey(key)).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(der.byteLength - bytes))
}

function platformOf (crypto: Crypto): XWingPlatform<NodeParts> {
  return {
    privateParts: async (mlKemSeed, scalar) => {
      const parts = { mlKem: pkcs8(crypto, DER.mlKemSeed, mlKemSeed), x25519: pkcs8(crypto, DER.x25519Private, scalar) }
      return { parts, mlKemPublic: rawPublic(crypto, parts.mlKem, ML_KEM_PUBLIC_BYTES), x25519Public: rawPublic(crypto, parts.x25519, X25519_BYTES) }
    },
    publicParts: async (mlKemPublic, x25519Public) => ({ mlKem: spki(crypto, DER.mlKemPublic, mlKemPublic), x25519: spki(crypto, DER.x25519Public, x25519Public) }),
    encapsulate: async ({ mlKem, x25519 }) => {
      const { sharedKey, ciphertext } = crypto.encapsulate(mlKem)
      const ephemeral = crypto.generateKeyPairSync('x25519')
      return {
        ssMlKem: sharedKey,
        ctMlKem: ciphertext,
        ssX25519: crypto.diffieHellman({ privateKey: ephemeral.privateKey, publicKey: x25519 }),
        ctX25519: rawPublic(crypto, ephemeral.publicKey, X25519_BYTES)
      }
    },
    decapsulate: async ({ mlKem, x25519 }, ctMlKem, ctX25519) => ({
      ssMlKem: crypto.decapsulate(mlKem, ctMlKem),
      ssX25519: crypto.diffieHellman({ privateKey: x25519, publicKey: spki(crypto, DER.x25519Public, ctX25519) })
    }),
    sha3: (input) => new Uint8Array(crypto.createHash('sha3-256').update(input).digest()),
    shake256: (input, lengthBytes) => new Uint8Array(crypto.createHash('shake256', { outputLength: lengthBytes }).update(input).digest())
  }
}

/** Node 24's own ML-KEM, synchronous underneath; undefined elsewhere. */
export const nodeXWing: XWingPlatform<NodeParts> | undefined = (() => {
  const crypto = nodeCrypto as Crypto | undefined
  return typeof crypto?.encapsulate === 'function' ? platformOf(crypto) : undefined
})()
