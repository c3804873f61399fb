import { decode, encode } from 'cborg'
import { equalBytes } from './bytes.ts'
import { within } from './codec.ts'
import { CocoonError } from './errors.ts'
import type { Codec } from './codec.ts'

/**
 * Deterministic CBOR of a value (RFC 8949 §4.2.1). Bytes are Uint8Array, amounts bigint, map keys text: for text keys
 * the library's own order (shorter first, then bytewise) is the order of the encoded keys, and its quickest path.
 */
export function encodeCbor (value: unknown): Uint8Array {
  return encode(value)
}

const DECODE_OPTIONS = Object.freeze({
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: true,
  useMaps: true,
  rejectDuplicateMapKeys: true
})

export function encodeWith<T> (codec: Codec<T>, value: T): Uint8Array {
  return encodeCbor(codec.encode(value))
}

/**
 * Decodes and checks: size before parsing, shape, no unknown keys, and that the bytes are the one deterministic
 * encoding of the value.
 *
 * @throws {CocoonError} frame_too_large, frame_malformed
 */
export function decodeWith<T> (codec: Codec<T>, bytes: Uint8Array, maxBytes: number, what: string): T {
  if (bytes.byteLength > maxBytes) {
    throw new CocoonError('frame_too_large', `${what} has ${bytes.byteLength} bytes, at most ${maxBytes} are allowed`)
  }
  const exact = codec.readExact?.(bytes)
  if (exact != null) {
    return exact
  }
  let value: T
  let again: Uint8Array
  try {
    value = codec.decode(decode(bytes, DECODE_OPTIONS))
    again = encodeCbor(codec.encode(value))
  } catch (error) {
    throw error instanceof CocoonError
      ? within(what, error)
      : new CocoonError('frame_malformed', `${what} is not valid CBOR`, { cause: error })
  }
  if (!equalBytes(bytes, again)) {
    throw new CocoonError('frame_malformed', `${what} is not in deterministic encoding`)
  }
  return value
}
