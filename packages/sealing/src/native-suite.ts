import { concat } from '@cocoon-net/protocol'
import { AEAD_AES_256_GCM, KDF_HKDF_SHA256 } from 'hpke'
import { TAG_BYTES, aeadOf, nodeCrypto } from './platform.ts'
import type { AEADFactory, KDFFactory } from 'hpke'
import type * as NodeCrypto from 'node:crypto'

/**
 * HKDF-SHA256 and AES-256-GCM for HPKE on Node's own synchronous cryptography. Web Crypto sends every step to another
 * thread and back; setting up a request takes some thirty steps, and each hop waits its turn on a busy machine.
 */

const HASH_BYTES = 32

function hmac (crypto: typeof NodeCrypto, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = crypto.createHmac('sha256', key)
  for (const part of parts) {
    mac.update(part)
  }
  return new Uint8Array(mac.digest())
}

/** RFC 5869: extract with HMAC(salt, ikm); expand in blocks of 32 bytes. */
function nativeKdf (crypto: typeof NodeCrypto): KDFFactory {
  return () => ({
    ...KDF_HKDF_SHA256(),
    Extract: async (salt, ikm) => hmac(crypto, salt.byteLength === 0 ? new Uint8Array(HASH_BYTES) : salt, ikm),
    Expand: async (prk, info, lengthBytes) => {
      const blocks: Uint8Array[] = []
      for (let i = 0; i * HASH_BYTES < lengthBytes; i++) {
        blocks.push(hmac(crypto, prk, blocks[i - 1] ?? new Uint8Array(), info, Uint8Array.of(i + 1)))
      }
      return concat(...blocks).slice(0, lengthBytes)
    }
  })
}

const nativeAead: AEADFactory = () => ({
  ...AEAD_AES_256_GCM(),
  Seal: async (key, nonce, aad, plaintext) => {
    const out = new Uint8Array(plaintext.byteLength + TAG_BYTES)
    aeadOf(key).sealInto(out, nonce, plaintext, aad)
    return out
  },
  Open: async (key, nonce, aad, sealed) => aeadOf(key).open(nonce, sealed, aad)
})

export const kdfFactory: KDFFactory = nodeCrypto == null ? KDF_HKDF_SHA256 : nativeKdf(nodeCrypto)
export const aeadFactory: AEADFactory = nodeCrypto == null ? AEAD_AES_256_GCM : nativeAead
