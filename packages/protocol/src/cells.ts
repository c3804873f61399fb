import { beginCell, Cell } from '@ton/core'
import { assertBytes } from './bytes.ts'
import { CocoonError } from './errors.ts'
import type { Slice } from '@ton/core'

/** 32-bit tags of the signed cell trees: ASCII "CC", a letter, and the version. */
export const CELL_TAGS = Object.freeze({
  voucher: 0x43435631,
  close: 0x43435831,
  delegation: 0x43434431,
  quote: 0x43435131,
  receipt: 0x43435231
})

/** Largest bag of cells that a signed object takes, with room for its header. */
export const MAX_CELL_BYTES = 1_024

/** @throws {RangeError} not 32 bytes: a shorter id, padded, would be another's */
export function bigOf (bytes: Uint8Array): bigint {
  assertBytes(bytes, 32, 'an id')
  let out = 0n
  for (const byte of bytes) {
    out = (out << 8n) | BigInt(byte)
  }
  return out
}

export function loadBytes32 (slice: Slice): Uint8Array {
  return new Uint8Array(slice.loadBuffer(32))
}

export function cellHash (cell: Cell): Uint8Array {
  return new Uint8Array(cell.hash())
}

export function cellToBytes (cell: Cell): Uint8Array {
  return new Uint8Array(cell.toBoc({ idx: false, crc32: false }))
}

/**
 * Parses one signed object's bag of cells, bounded, and checks that `rebuild` of what was read gives the same hash, so
 * that nothing is left over.
 *
 * @throws {CocoonError} frame_too_large, frame_malformed
 */
export function parseCell<T> (bytes: Uint8Array, what: string, read: (slice: Slice) => T, rebuild: (value: T) => Cell): T {
  if (bytes.byteLength > MAX_CELL_BYTES) {
    throw new CocoonError('frame_too_large', `${what} has ${bytes.byteLength} bytes, at most ${MAX_CELL_BYTES} are allowed`)
  }
  try {
    const roots = Cell.fromBoc(Buffer.from(bytes))
    if (roots.length !== 1) {
      throw new Error('one root expected')
    }
    const value = read(roots[0].beginParse())
    if (!rebuild(value).equals(roots[0])) {
      throw new Error('content left over')
    }
    return value
  } catch (error) {
    throw new CocoonError('frame_malformed', `${what} is not a valid cell tree`, { cause: error })
  }
}

export function readTag (slice: Slice, tag: number): void {
  if (slice.loadUint(32) !== tag) {
    throw new Error('another object')
  }
}

export { beginCell }
