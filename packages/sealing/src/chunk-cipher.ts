import { CocoonError, concat, utf8 } from '@cocoon-net/protocol'
import { TAG_BYTES, aeadOf, hkdfSha256 } from './platform.ts'
import type { Aead } from './platform.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const PROVIDER_NONCE_BYTES = 32
/** The counter takes the nonce's last 32 bits; a stream ends long before. */
const MAX_CHUNKS = 2 ** 32

/** Additional data: the final chunk is another kind of message than the ones before, so that no end can be forged or cut off. */
const AAD = Object.freeze([utf8('cocoon/chunk/v1/more'), utf8('cocoon/chunk/v1/final')])
const KEY_INFO = utf8('cocoon/response/key/v1')
const NONCE_INFO = utf8('cocoon/response/nonce/v1')

/** Seals the chunks of one response, in order. Synchronous. */
export interface ChunkSealer {
  /**
   * Seals the next chunk: ciphertext ‖ tag ‖ mark, where the mark is 1 on the final chunk and 0 before it.
   *
   * @throws {CocoonError} seal_failed: nothing can be sealed after the final chunk
   */
  seal(plaintext: Uint8Array, options: { final: boolean }): Uint8Array
}

/** Opens the chunks of one response, in order. Synchronous. */
export interface ChunkOpener {
  /**
   * Opens the next chunk. Any failure ends the stream for good: a changed, missing, repeated or reordered chunk, and
   * anything after the final one.
   *
   * @throws {CocoonError} seal_failed
   */
  open(sealed: Uint8Array): Uint8Array
  /** True once the final chunk has been opened: an answer that ends without it was cut short. */
  readonly finished: boolean
}

/** Keys of one direction of one job, for one sealer or opener, which wipes them at its end. */
export interface ResponseKeys { readonly aead: Aead, readonly nonce: Uint8Array }

function wipe (keys: ResponseKeys): void {
  keys.aead.wipe()
  keys.nonce.fill(0)
}

/**
 * Response keys = HKDF-SHA256(HPKE exporter secret, salt = enc ‖ providerNonce).
 *
 * @throws {CocoonError} seal_failed
 */
export function responseKeys (secret: Uint8Array, enc: Uint8Array, providerNonce: Uint8Array): ResponseKeys {
  if (providerNonce.byteLength !== PROVIDER_NONCE_BYTES) {
    throw new CocoonError('seal_failed', `a provider nonce has ${PROVIDER_NONCE_BYTES} bytes`)
  }
  const expand = hkdfSha256(secret, concat(enc, providerNonce))
  const key = expand(KEY_INFO, KEY_BYTES)
  const keys = { aead: aeadOf(key), nonce: expand(NONCE_INFO, NONCE_BYTES) }
  key.fill(0)
  return keys
}

/** Counter nonces as in RFC 9180 §5.2: base nonce XOR counter. */
function counterNonce (base: Uint8Array): () => Uint8Array {
  const nonce = base.slice()
  const view = new DataView(nonce.buffer)
  const word = view.getUint32(NONCE_BYTES - 4)
  let counter = 0
  return () => {
    if (counter >= MAX_CHUNKS) {
      throw new CocoonError('seal_failed', 'too many chunks')
    }
    view.setUint32(NONCE_BYTES - 4, (word ^ counter++) >>> 0)
    return nonce
  }
}

export function createChunkSealer (keys: ResponseKeys): ChunkSealer {
  const nextNonce = counterNonce(keys.nonce)
  let ended = false
  return {
    seal: (plaintext, { final }) => {
      if (ended) {
        throw new CocoonError('seal_failed', 'the final chunk has been sealed')
      }
      ended = final
      const mark = final ? 1 : 0
      const out = new Uint8Array(plaintext.byteLength + TAG_BYTES + 1)
      out[keys.aead.sealInto(out, nextNonce(), plaintext, AAD[mark])] = mark
      if (final) {
        wipe(keys)
      }
      return out
    }
  }
}

export function createChunkOpener (keys: ResponseKeys): ChunkOpener {
  const nextNonce = counterNonce(keys.nonce)
  let ended = false
  let finished = false
  const openNext = (sealed: Uint8Array): Uint8Array => {
    const mark = sealed[sealed.byteLength - 1]
    if (sealed.byteLength < TAG_BYTES + 1 || mark > 1) {
      throw new CocoonError('seal_failed', 'a chunk is malformed')
    }
    try {
      return keys.aead.open(nextNonce(), sealed.subarray(0, sealed.byteLength - 1), AAD[mark])
    } catch (error) {
      throw new CocoonError('seal_failed', 'a chunk does not open', { cause: error })
    }
  }
  return {
    get finished () { return finished },
    open: (sealed) => {
      if (ended) {
        throw new CocoonError('seal_failed', finished ? 'the final chunk has been opened' : 'an earlier chunk did not open')
      }
      // Until the chunk has proven itself the stream counts as ended: there is no second guess after a failure.
      ended = true
      try {
        const plaintext = openNext(sealed)
        finished = sealed[sealed.byteLength - 1] === 1
        ended = finished
        return plaintext
      } finally {
        if (ended) {
          wipe(keys)
        }
      }
    }
  }
}
