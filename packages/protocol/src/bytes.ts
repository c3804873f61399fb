import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js'

const encoder = new TextEncoder()

export function utf8 (text: string): Uint8Array {
  return encoder.encode(text)
}

export function concat (...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) {
    length += part.byteLength
  }
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.byteLength
  }
  return out
}

/** Byte equality. Not constant-time: only for public values. */
export function equalBytes (a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) {
    return false
  }
  for (let i = 0; i < a.byteLength; i++) {
    if (a[i] !== b[i]) {
      return false
    }
  }
  return true
}

/** Lexicographic order, shorter first on a tie: negative, zero or positive. */
export function compareBytes (a: Uint8Array, b: Uint8Array): number {
  for (const [i, byte] of a.subarray(0, b.byteLength).entries()) {
    if (byte !== b[i]) {
      return byte - b[i]
    }
  }
  return a.byteLength - b.byteLength
}

export function toHex (bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) {
    out += byte.toString(16).padStart(2, '0')
  }
  return out
}

/** Parses lower- or upper-case hex. Throws RangeError on anything else. */
export function fromHex (hex: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex)) {
    throw new RangeError('not a hex string')
  }
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16))
}

/**
 * Names, ids and keys have one length: a shorter one, padded, would be another's.
 *
 * @throws {RangeError} not exactly `length` bytes
 */
export function assertBytes (value: Uint8Array, length: number, name: string): void {
  if (value.byteLength !== length) {
    throw new RangeError(`${name} must have ${length} bytes, got ${value.byteLength}`)
  }
}

/** @throws {RangeError} not an unsigned 32-bit integer; a DataView alone would wrap it */
export function u32be (value: number): Uint8Array {
  if (value >>> 0 !== value) {
    throw new RangeError(`an unsigned 32-bit integer is expected, got ${value}`)
  }
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value)
  return out
}

/** @throws {RangeError} not an unsigned 64-bit integer; a DataView alone would wrap it */
export function assertUint64 (value: bigint): void {
  if (BigInt.asUintN(64, value) !== value) {
    throw new RangeError(`an unsigned 64-bit integer is expected, got ${value}`)
  }
}

/** @throws {RangeError} not an unsigned 64-bit integer */
export function u64be (value: bigint): Uint8Array {
  assertUint64(value)
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, value)
  return out
}

interface HashBuiltin { hash(name: string, data: Uint8Array, encoding: 'buffer'): Uint8Array }
interface ProcessLike { getBuiltinModule?(name: string): unknown }

// Node's own hash is several times faster than JavaScript; browsers have no process object and use noble.
const native = ((globalThis as { process?: ProcessLike }).process?.getBuiltinModule?.('node:crypto')) as HashBuiltin | undefined

function nativeDigest (name: string, data: Uint8Array): Uint8Array | undefined {
  const digest = native?.hash(name, data, 'buffer')
  return digest && new Uint8Array(digest)
}

export function sha256 (...parts: readonly Uint8Array[]): Uint8Array {
  const data = parts.length === 1 ? parts[0] : concat(...parts)
  return nativeDigest('sha256', data) ?? nobleSha256(data)
}

export function sha512 (...parts: readonly Uint8Array[]): Uint8Array {
  const data = parts.length === 1 ? parts[0] : concat(...parts)
  return nativeDigest('sha512', data) ?? nobleSha512(data)
}
