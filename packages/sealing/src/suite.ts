import { CocoonError, KEMS, concat, utf8 } from '@cocoon-net/protocol'
import { CipherSuite, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke'
import { aeadFactory, kdfFactory } from './native-suite.ts'
import { X_WING_ENC_BYTES } from './x-wing-sizes.ts'
import { xWing } from './x-wing.ts'
import type { Key, KeyPair } from 'hpke'

/** A provider's HPKE key. The private part stays inside this object, and inside the guest that made it. */
export interface HpkeKeyPair {
  /** 0x647a (X-Wing) or 0x0020 (X25519). */
  readonly kem: number
  /** 1,216 bytes for X-Wing, 32 for X25519. */
  readonly publicKey: Uint8Array
  readonly keys: KeyPair<Key>
}

const suites = new Map<number, CipherSuite>()

/**
 * KEM as given, KDF 0x0001 (HKDF-SHA256), AEAD 0x0002 (AES-256-GCM).
 *
 * @throws {CocoonError} seal_failed for an unknown KEM
 */
export function suiteOf (kem: number): CipherSuite {
  let suite = suites.get(kem)
  if (suite == null) {
    if (kem !== KEMS.xWing && kem !== KEMS.x25519) {
      throw new CocoonError('seal_failed', 'unknown key encapsulation')
    }
    suite = new CipherSuite(kem === KEMS.xWing ? xWing : KEM_DHKEM_X25519_HKDF_SHA256, kdfFactory, aeadFactory)
    suites.set(kem, suite)
  }
  return suite
}

/**
 * Makes a key pair, X-Wing unless told otherwise. Its private key cannot be exported unless `extractable` is set, which
 * is for tests only.
 *
 * @throws {CocoonError} seal_failed for an unknown KEM
 */
export async function generateHpkeKeyPair (kem: number = KEMS.xWing, options: { extractable?: boolean } = {}): Promise<HpkeKeyPair> {
  const suite = suiteOf(kem)
  const keys = await suite.GenerateKeyPair(options.extractable ?? false)
  return { kem, keys, publicKey: await suite.SerializePublicKey(keys.publicKey) }
}

/**
 * The private key as 32 bytes.
 *
 * @throws {CocoonError} seal_failed when the pair was not made extractable
 */
export async function exportHpkePrivateKey (keyPair: HpkeKeyPair): Promise<Uint8Array> {
  try {
    return await suiteOf(keyPair.kem).SerializePrivateKey(keyPair.keys.privateKey)
  } catch (error) {
    throw new CocoonError('seal_failed', 'the private key cannot be exported', { cause: error })
  }
}

/**
 * A pair of what `exportHpkePrivateKey` gave and its public key.
 *
 * @throws {CocoonError} seal_failed
 */
export async function importHpkeKeyPair (init: { kem: number, privateKey: Uint8Array, publicKey: Uint8Array }): Promise<HpkeKeyPair> {
  const suite = suiteOf(init.kem)
  try {
    const keys = {
      privateKey: await suite.DeserializePrivateKey(init.privateKey, false),
      publicKey: await suite.DeserializePublicKey(init.publicKey)
    }
    return { kem: init.kem, keys, publicKey: init.publicKey.slice() }
  } catch (error) {
    throw new CocoonError('seal_failed', 'the key cannot be imported', { cause: error })
  }
}

/** HPKE `info` = "cocoon/infer/v1\0" ‖ bindingHash. */
export function infoOf (bindingHash: Uint8Array): Uint8Array {
  return concat(utf8('cocoon/infer/v1\0'), bindingHash)
}

/** Length in bytes of the encapsulated key. */
export function encBytesOf (kem: number): number {
  return kem === KEMS.xWing ? X_WING_ENC_BYTES : 32
}
