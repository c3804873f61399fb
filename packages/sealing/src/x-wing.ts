import { CocoonError, concat, fromHex, utf8 } from '@cocoon-net/protocol'
import { KEM_MLKEM768_X25519 as portableXWing } from '@panva/hpke-noble'
import { LabeledDerive, KDF_SHAKE256 } from 'hpke'
import { nodeCrypto } from './platform.ts'
import type { KEM, KEMFactory, Key } from 'hpke'
import type * as NodeCrypto from 'node:crypto'

/**
 * X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 in one KEM, on Node's own ML-KEM where there is one.
 * The portable implementation takes about ten times as long.
 */

const SEED_BYTES = 32
const ML_KEM_SEED_BYTES = 64
const ML_KEM_PUBLIC_BYTES = 1_184
const ML_KEM_CIPHERTEXT_BYTES = 1_088
const X25519_BYTES = 32
export const X_WING_PUBLIC_BYTES = ML_KEM_PUBLIC_BYTES + X25519_BYTES
export const X_WING_ENC_BYTES = ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES

/** draft-connolly-cfrg-xwing-kem §5.3: the label is "\.//^\". */
const LABEL = utf8('\\.//^\\')

// DER heads of fixed length: SubjectPublicKeyInfo and PKCS #8 with a seed (RFC 9935 for ML-KEM-768, RFC 8410 for X25519).
const DER = Object.freeze({
  mlKemPublic: fromHex('308204b2300b0609608648016503040402038204a100'),
  mlKemSeed: fromHex('3054020100300b060960864801650304040204428040'),
  x25519Public: fromHex('302a300506032b656e032100'),
  x25519Private: fromHex('302e020100300506032b656e04220420')
})

interface PublicParts { readonly mlKem: NodeCrypto.KeyObject, readonly x25519: NodeCrypto.KeyObject }

/** A key whose material only this file reaches. */
class XWingKey implements Key {
  readonly algorithm = { name: 'MLKEM768-X25519' }
  readonly type: 'private' | 'public'
  readonly extractable: boolean
  readonly #parts: PublicParts
  readonly #publicBytes: Uint8Array
  readonly #seed: Uint8Array | undefined

  constructor (init: { type: 'private' | 'public', extractable: boolean, parts: PublicParts, publicBytes: Uint8Array, seed?: Uint8Array }) {
    this.type = init.type
    this.extractable = init.extractable
    this.#parts = init.parts
    this.#publicBytes = init.publicBytes
    this.#seed = init.extractable ? init.seed : undefined
  }

  static of (key: Key, type: 'private' | 'public'): { parts: PublicParts, publicBytes: Uint8Array, seed: Uint8Array | undefined } {
    if (!(key instanceof XWingKey) || key.type !== type) {
      throw new TypeError(`an X-Wing ${type} key is needed`)
    }
    return { parts: key.#parts, publicBytes: key.#publicBytes, seed: key.#seed }
  }
}

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

/** §5.2: SHAKE256(seed, 96) gives the ML-KEM seed (64) and the X25519 scalar (32). */
function keysOfSeed (crypto: Crypto, seed: Uint8Array): { parts: PublicParts, publicBytes: Uint8Array } {
  if (seed.byteLength !== SEED_BYTES) {
    throw new TypeError(`an X-Wing seed has ${SEED_BYTES} bytes`)
  }
  const expanded = new Uint8Array(crypto.createHash('shake256', { outputLength: ML_KEM_SEED_BYTES + X25519_BYTES }).update(seed).digest())
  const mlKem = pkcs8(crypto, DER.mlKemSeed, expanded.subarray(0, ML_KEM_SEED_BYTES))
  const x25519 = pkcs8(crypto, DER.x25519Private, expanded.subarray(ML_KEM_SEED_BYTES))
  expanded.fill(0)
  return {
    parts: { mlKem, x25519 },
    publicBytes: concat(rawPublic(crypto, mlKem, ML_KEM_PUBLIC_BYTES), rawPublic(crypto, x25519, X25519_BYTES))
  }
}

/** §5.3: SHA3-256(ss_M ‖ ss_X ‖ ct_X ‖ pk_X ‖ label). */
function combine (crypto: Crypto, ssMlKem: Uint8Array, ssX25519: Uint8Array, ctX25519: Uint8Array, pkX25519: Uint8Array): Uint8Array {
  const hash = crypto.createHash('sha3-256')
  for (const part of [ssMlKem, ssX25519, ctX25519, pkX25519, LABEL]) {
    hash.update(part)
  }
  ssMlKem.fill(0)
  ssX25519.fill(0)
  return new Uint8Array(hash.digest())
}

function privateKey (crypto: Crypto, seed: Uint8Array, extractable: boolean): { privateKey: XWingKey, publicKey: XWingKey } {
  const { parts, publicBytes } = keysOfSeed(crypto, seed)
  return {
    privateKey: new XWingKey({ type: 'private', extractable, parts, publicBytes, seed: seed.slice() }),
    publicKey: publicKey(crypto, publicBytes)
  }
}

function publicKey (crypto: Crypto, raw: Uint8Array): XWingKey {
  if (raw.byteLength !== X_WING_PUBLIC_BYTES) {
    throw new TypeError(`an X-Wing public key has ${X_WING_PUBLIC_BYTES} bytes`)
  }
  const publicBytes = raw.slice()
  const parts = {
    mlKem: spki(crypto, DER.mlKemPublic, publicBytes.subarray(0, ML_KEM_PUBLIC_BYTES)),
    x25519: spki(crypto, DER.x25519Public, publicBytes.subarray(ML_KEM_PUBLIC_BYTES))
  }
  return new XWingKey({ type: 'public', extractable: true, parts, publicBytes })
}

function nativeXWing (crypto: Crypto): KEM {
  const suiteId = concat(utf8('KEM'), Uint8Array.of(0x64, 0x7a))
  return {
    id: 0x647a,
    type: 'KEM',
    name: 'MLKEM768-X25519',
    Nsecret: 32,
    Nenc: X_WING_ENC_BYTES,
    Npk: X_WING_PUBLIC_BYTES,
    Nsk: SEED_BYTES,
    DeriveKeyPair: async (ikm, extractable) => {
      return privateKey(crypto, await LabeledDerive(KDF_SHAKE256(), suiteId, ikm, utf8('DeriveKeyPair'), new Uint8Array(), SEED_BYTES), extractable)
    },
    GenerateKeyPair: async (extractable) => {
      const seed = new Uint8Array(crypto.randomBytes(SEED_BYTES))
      const pair = privateKey(crypto, seed, extractable)
      seed.fill(0)
      return pair
    },
    SerializePublicKey: async (key) => XWingKey.of(key, 'public').publicBytes.slice(),
    DeserializePublicKey: async (raw) => publicKey(crypto, raw),
    SerializePrivateKey: async (key) => {
      const { seed } = XWingKey.of(key, 'private')
      if (seed == null) {
        throw new TypeError('the key is not extractable')
      }
      return seed.slice()
    },
    DeserializePrivateKey: async (seed, extractable) => privateKey(crypto, seed, extractable).privateKey,
    Encap: async (recipient) => {
      const { parts, publicBytes } = XWingKey.of(recipient, 'public')
      const { sharedKey, ciphertext } = crypto.encapsulate(parts.mlKem)
      const ephemeral = crypto.generateKeyPairSync('x25519')
      const ctX25519 = rawPublic(crypto, ephemeral.publicKey, X25519_BYTES)
      const ssX25519 = crypto.diffieHellman({ privateKey: ephemeral.privateKey, publicKey: parts.x25519 })
      return {
        shared_secret: combine(crypto, sharedKey, ssX25519, ctX25519, publicBytes.subarray(ML_KEM_PUBLIC_BYTES)),
        enc: concat(ciphertext, ctX25519)
      }
    },
    Decap: async (enc, recipient) => {
      const { parts, publicBytes } = XWingKey.of(recipient, 'private')
      if (enc.byteLength !== X_WING_ENC_BYTES) {
        throw new CocoonError('seal_failed')
      }
      const ctX25519 = enc.subarray(ML_KEM_CIPHERTEXT_BYTES)
      const ssMlKem = crypto.decapsulate(parts.mlKem, enc.subarray(0, ML_KEM_CIPHERTEXT_BYTES))
      const ssX25519 = crypto.diffieHellman({ privateKey: parts.x25519, publicKey: spki(crypto, DER.x25519Public, ctX25519) })
      return combine(crypto, ssMlKem, ssX25519, ctX25519, publicBytes.subarray(ML_KEM_PUBLIC_BYTES))
    }
  }
}

/** X-Wing on Node 24's ML-KEM, or in JavaScript where the platform has none. */
export const xWing: KEMFactory = (() => {
  const crypto = nodeCrypto as Crypto | undefined
  return crypto != null && typeof crypto.encapsulate === 'function' ? () => nativeXWing(crypto) : portableXWing
})()
