import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync } from 'node:crypto'
import { CocoonError, concat, utf8 } from '@cocoon-net/protocol'
import type { KeyObject } from 'node:crypto'

const TAG_BYTES = 16
const NONCE_BYTES = 12
/** Counter of 32 bits in the nonce: a stream ends long before. */
const MAX_CHUNKS = 0xffff_ffff

/** Additional data: the final chunk is another kind of message than the ones before, so that an end cannot be forged or cut. */
const AAD = { more: utf8('cocoon/chunk/v1/more'), final: utf8('cocoon/chunk/v1/final') }

export interface ChunkSealer {
  /** Seals the next chunk. Nothing can be sealed after the final one. */
  seal: (plaintext: Uint8Array, options: { final: boolean }) => Uint8Array
}

export interface ChunkOpener {
  /**
   * Opens the next chunk and says whether it was the final one. Any failure ends the stream for good.
   *
   * @throws {CocoonError} seal_failed
   */
  open: (sealed: Uint8Array) => Uint8Array
  /** True once the final chunk has been opened: an answer without it was cut short. */
  readonly finished: boolean
}

interface ResponseKeys { readonly key: KeyObject, readonly nonce: Uint8Array }

/** Response keys = HKDF-SHA256(HPKE exporter secret, salt = enc ‖ providerNonce). */
export function responseKeys (secret: Uint8Array, enc: Uint8Array, providerNonce: Uint8Array): ResponseKeys {
  const salt = concat(enc, providerNonce)
  return {
    key: createSecretKey(new Uint8Array(hkdfSync('sha256', secret, salt, 'cocoon/response/key/v1', 32))),
    nonce: new Uint8Array(hkdfSync('sha256', secret, salt, 'cocoon/response/nonce/v1', NONCE_BYTES))
  }
}

function nonceFor (base: Uint8Array, counter: number): Uint8Array {
  if (counter > MAX_CHUNKS) {
    throw new CocoonError('seal_failed', 'too many chunks')
  }
  const nonce = base.slice()
  const view = new DataView(nonce.buffer)
  view.setUint32(8, view.getUint32(8) ^ counter)
  return nonce
}

export function createChunkSealer (keys: ResponseKeys): ChunkSealer {
  let counter = 0
  let ended = false
  return {
    seal: (plaintext, { final }) => {
      if (ended) {
        throw new CocoonError('seal_failed', 'the final chunk has been sealed')
      }
      ended = final
      const cipher = createCipheriv('aes-256-gcm', keys.key, nonceFor(keys.nonce, counter++))
      cipher.setAAD(final ? AAD.final : AAD.more)
      const body = cipher.update(plaintext)
      cipher.final()
      return concat(body, cipher.getAuthTag(), Uint8Array.of(final ? 1 : 0))
    }
  }
}

export function createChunkOpener (keys: ResponseKeys): ChunkOpener {
  let counter = 0
  let ended = false
  let finished = false
  return {
    get finished () { return finished },
    open: (sealed) => {
      if (ended) {
        throw new CocoonError('seal_failed', 'the stream has ended')
      }
      // Until the chunk has proven itself the stream counts as ended: no second guess after a failure.
      ended = true
      const mark = sealed[sealed.byteLength - 1]
      if (sealed.byteLength < TAG_BYTES + 1 || mark > 1) {
        throw new CocoonError('seal_failed')
      }
      const end = sealed.byteLength - 1 - TAG_BYTES
      const decipher = createDecipheriv('aes-256-gcm', keys.key, nonceFor(keys.nonce, counter++), { authTagLength: TAG_BYTES })
      decipher.setAAD(mark === 1 ? AAD.final : AAD.more)
      decipher.setAuthTag(sealed.subarray(end, end + TAG_BYTES))
      let plaintext: Uint8Array
      try {
        plaintext = new Uint8Array(decipher.update(sealed.subarray(0, end)))
        decipher.final()
      } catch (error) {
        throw new CocoonError('seal_failed', undefined, { cause: error })
      }
      finished = mark === 1
      ended = finished
      return plaintext
    }
  }
}
