import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256, KEM_MLKEM768_X25519 } from 'hpke'
import { CocoonError, KEMS, concat, utf8 } from '@cocoon-net/protocol'
import type { Key, KeyPair } from 'hpke'

/** A provider's HPKE key. The private part stays inside this object. */
export interface HpkeKeyPair {
  /** 0x647a (X-Wing) or 0x0020 (X25519). */
  readonly kem: number
  readonly publicKey: Uint8Array
  readonly keys: KeyPair<Key>
}

const suites = new Map<number, CipherSuite>()

/** KEM as given, KDF 0x0001 (HKDF-SHA256), AEAD 0x0002 (AES-256-GCM). @throws {CocoonError} seal_failed for an unknown KEM */
export function suiteOf (kem: number): CipherSuite {
  let suite = suites.get(kem)
  if (suite == null) {
    if (kem !== KEMS.xWing && kem !== KEMS.x25519) {
      throw new CocoonError('seal_failed', 'unknown key encapsulation')
    }
    suite = new CipherSuite(kem === KEMS.xWing ? KEM_MLKEM768_X25519 : KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM)
    suites.set(kem, suite)
  }
  return suite
}

/** Makes a key pair whose private key cannot be exported. X-Wing unless told otherwise. */
export async function generateHpkeKeyPair (kem: number = KEMS.xWing): Promise<HpkeKeyPair> {
  const suite = suiteOf(kem)
  const keys = await suite.GenerateKeyPair(false)
  return { kem, keys, publicKey: await suite.SerializePublicKey(keys.publicKey) }
}

/** HPKE `info` = "cocoon/infer/v1\0" ‖ bindingHash. */
export function infoOf (bindingHash: Uint8Array): Uint8Array {
  return concat(utf8('cocoon/infer/v1\0'), bindingHash)
}

/** Lengths in bytes of the encapsulated key. */
export function encBytesOf (kem: number): number {
  return kem === KEMS.xWing ? 1_120 : 32
}
