import { encodeWith } from './cbor.ts'
import { CocoonError } from './errors.ts'
import type { Codec } from './codec.ts'

/** Sizes in bytes that a chunk's plaintext takes: one token and a handful of tokens look the same from outside. */
export const CHUNK_BUCKETS: readonly number[] = Object.freeze([256, 1_024, 4_096, 16_384, 65_536])

/** Sizes in bytes that a request's plaintext takes. */
export const REQUEST_BUCKETS: readonly number[] = Object.freeze([
  1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144, 524_288, 1_048_576, 2_097_152, 4_194_304 - 4_096
])

/**
 * The smallest bucket that holds `sizeBytes`.
 *
 * @throws {CocoonError} frame_too_large
 */
export function bucketFor (sizeBytes: number, buckets: readonly number[]): number {
  for (const bucket of buckets) {
    if (sizeBytes <= bucket) {
      return bucket
    }
  }
  throw new CocoonError('frame_too_large', `${sizeBytes} bytes do not fit the largest size, ${buckets[buckets.length - 1]}`)
}

/** Bytes that CBOR needs before a byte string of this length. */
function headBytes (length: number): number {
  return length < 24 ? 1 : length < 256 ? 2 : length < 65_536 ? 3 : 5
}

/**
 * Encodes a record whose field `pad` is a byte string, with as much zero padding as brings the whole encoding to a
 * bucket's size exactly. (Where a head's own growth leaves a size unreachable, the next bucket is taken.)
 */
export function encodePadded<T extends { readonly pad: Uint8Array }> (codec: Codec<T>, value: Omit<T, 'pad'>, buckets: readonly number[]): Uint8Array {
  const bare = encodeWith(codec, { ...value, pad: new Uint8Array(0) } as unknown as T).byteLength - headBytes(0)
  for (const bucket of buckets) {
    for (const head of [1, 2, 3, 5]) {
      const length = bucket - bare - head
      if (length >= 0 && headBytes(length) === head) {
        return encodeWith(codec, { ...value, pad: new Uint8Array(length) } as unknown as T)
      }
    }
  }
  throw new CocoonError('frame_too_large', `${bare} bytes do not fit the largest size, ${buckets[buckets.length - 1]}`)
}
