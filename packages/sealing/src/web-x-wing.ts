import { concat } from '@cocoon-net/protocol'
import { sha3_256 as sha3, shake256 } from '@noble/hashes/sha3.js'
import { X25519_PKCS8_HEAD } from './x-wing-sizes.ts'
import type { XWingPlatform } from './x-wing-platform.ts'

const ML_KEM = 'ML-KEM-768'
const X25519 = 'X25519'
const SECRET_BITS = 256

interface WebParts { readonly mlKem: CryptoKey, readonly x25519: CryptoKey }

/** What "Modern Algorithms in the Web Cryptography API" adds; browsers have it or not. */
interface ModernSubtle {
  encapsulateBits(algorithm: string, key: CryptoKey): Promise<{ sharedKey: ArrayBuffer, ciphertext: ArrayBuffer }>
  decapsulateBits(algorithm: string, key: CryptoKey, ciphertext: BufferSource): Promise<ArrayBuffer>
  importKey(format: string, data: BufferSource, algorithm: string, extractable: boolean, usages: readonly string[]): Promise<CryptoKey>
}

function fromBase64Url (text: string | undefined): Uint8Array {
  const binary = atob((text ?? '').replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, character => character.charCodeAt(0))
}

/** ML-KEM and X25519 of Web Crypto; its SHA-3 is too new to be counted on, and the hashes here are short. */
export function webXWingOn (subtle: SubtleCrypto): XWingPlatform<WebParts> {
  const modern = subtle as unknown as ModernSubtle
  const importX25519Public = async (raw: Uint8Array): Promise<CryptoKey> => modern.importKey('raw', raw.slice(), X25519, true, [])
  const agree = async (privateKey: CryptoKey, publicKey: CryptoKey): Promise<Uint8Array> =>
    new Uint8Array(await subtle.deriveBits({ name: X25519, public: publicKey }, privateKey, SECRET_BITS))

  return {
    privateParts: async (mlKemSeed, scalar) => {
      const seed = mlKemSeed.slice()
      const der = concat(X25519_PKCS8_HEAD, scalar).slice()
      try {
        // Only JSON Web Keys name the public half of a private key everywhere, and only extractable keys can be written as one.
        const [openMlKem, openX25519, mlKem, x25519] = await Promise.all([
          modern.importKey('raw-seed', seed, ML_KEM, true, ['decapsulateBits']),
          modern.importKey('pkcs8', der, X25519, true, ['deriveBits']),
          modern.importKey('raw-seed', seed, ML_KEM, false, ['decapsulateBits']),
          modern.importKey('pkcs8', der, X25519, false, ['deriveBits'])
        ])
        const [mlKemJwk, x25519Jwk] = await Promise.all([subtle.exportKey('jwk', openMlKem) as Promise<JsonWebKey & { pub?: string }>, subtle.exportKey('jwk', openX25519)])
        return { parts: { mlKem, x25519 }, mlKemPublic: fromBase64Url(mlKemJwk.pub), x25519Public: fromBase64Url(x25519Jwk.x) }
      } finally {
        seed.fill(0)
        der.fill(0)
      }
    },
    publicParts: async (mlKemPublic, x25519Public) => {
      const [mlKem, x25519] = await Promise.all([modern.importKey('raw-public', mlKemPublic.slice(), ML_KEM, true, ['encapsulateBits']), importX25519Public(x25519Public)])
      return { mlKem, x25519 }
    },
    encapsulate: async ({ mlKem, x25519 }) => {
      const [{ sharedKey, ciphertext }, ephemeral] = await Promise.all([
        modern.encapsulateBits(ML_KEM, mlKem),
        subtle.generateKey(X25519, false, ['deriveBits']) as Promise<CryptoKeyPair>
      ])
      const [ssX25519, ctX25519] = await Promise.all([agree(ephemeral.privateKey, x25519), subtle.exportKey('raw', ephemeral.publicKey)])
      return { ssMlKem: new Uint8Array(sharedKey), ctMlKem: new Uint8Array(ciphertext), ssX25519, ctX25519: new Uint8Array(ctX25519) }
    },
    decapsulate: async ({ mlKem, x25519 }, ctMlKem, ctX25519) => {
      const [ssMlKem, ssX25519] = await Promise.all([
        modern.decapsulateBits(ML_KEM, mlKem, ctMlKem.slice()),
        importX25519Public(ctX25519).then(async (point) => agree(x25519, point))
      ])
      return { ssMlKem: new Uint8Array(ssMlKem), ssX25519 }
    },
    sha3,
    shake256: (input, lengthBytes) => shake256(input, { dkLen: lengthBytes })
  }
}

interface WebPlatform {
  readonly crypto?: Crypto
  readonly SubtleCrypto?: { supports?(operation: string, algorithm: string): boolean }
}

/** The browser's own ML-KEM where it says that it has one; undefined elsewhere, and on pages without a secure context. */
export function webXWing (): XWingPlatform<WebParts> | undefined {
  const { crypto, SubtleCrypto } = globalThis as WebPlatform
  const needed = [['encapsulateBits', ML_KEM], ['decapsulateBits', ML_KEM], ['generateKey', X25519]] as const
  const able = crypto?.subtle != null && needed.every(([operation, algorithm]) => SubtleCrypto?.supports?.(operation, algorithm) === true)
  return able ? webXWingOn(crypto.subtle) : undefined
}
