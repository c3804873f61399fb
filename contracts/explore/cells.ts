/**
 * A small reader of bags of cells. The emulator answers every transition with two of them, and reading those with
 * `@ton/core`, which hashes each cell in JavaScript at once, costs more than the transition itself.
 */
import { hash as digest } from 'node:crypto'

/** An ordinary cell; `refs` are shared, never copied. */
export interface RawCell { readonly data: Buffer, readonly bits: number, readonly refs: readonly RawCell[] }

interface Digested { readonly hash: Buffer, readonly depth: number }

const digests = new WeakMap<RawCell, Digested>()

/**
 * Parses a bag of cells with one root (serialized_boc#b5ee9c72, block.tlb). For the emulator's own answers: the input is
 * trusted, and exotic cells are refused.
 */
export function parseBoc (boc: Buffer): RawCell {
  if (boc.readUInt32BE(0) !== 0xb5ee9c72) {
    throw new Error('not a bag of cells')
  }
  const hasIndex = (boc[4] & 0x80) !== 0
  const size = boc[4] & 7
  const offsetBytes = boc[5]
  const count = boc.readUIntBE(6, size)
  const roots = boc.readUIntBE(6 + size, size)
  let at = 6 + 3 * size + offsetBytes
  const root = boc.readUIntBE(at, size)
  at += roots * size + (hasIndex ? count * offsetBytes : 0)
  const cells: Array<{ data: Buffer, bits: number, refs: RawCell[] }> = []
  const links: number[][] = []
  for (let i = 0; i < count; i++) {
    const d1 = boc[at]
    const d2 = boc[at + 1]
    if ((d1 & 0xf8) !== 0) {
      throw new Error('exotic cell')
    }
    const bytes = (d2 + 1) >> 1
    const data = boc.subarray(at + 2, at + 2 + bytes)
    at += 2 + bytes
    let bits = bytes * 8
    if ((d2 & 1) === 1) {
      const last = data[bytes - 1]
      bits -= 32 - Math.clz32(last & -last)
    }
    const own: number[] = []
    for (let r = 0; r < (d1 & 7); r++) {
      own.push(boc.readUIntBE(at, size))
      at += size
    }
    cells.push({ data, bits, refs: [] })
    links.push(own)
  }
  cells.forEach((cell, i) => {
    for (const link of links[i]) {
      cell.refs.push(cells[link])
    }
  })
  return cells[root]
}

function digested (cell: RawCell): Digested {
  const known = digests.get(cell)
  if (known != null) {
    return known
  }
  const below = cell.refs.map(digested)
  const whole = cell.bits % 8 === 0
  const head = Buffer.of(cell.refs.length, (cell.bits >> 3) + ((cell.bits + 7) >> 3))
  const depths = Buffer.alloc(2 * below.length)
  below.forEach(({ depth }, i) => depths.writeUInt16BE(depth, 2 * i))
  // the last byte of an uneven cell already carries its completion bit
  const data = whole ? cell.data.subarray(0, cell.bits >> 3) : cell.data
  const out = {
    hash: digest('sha256', Buffer.concat([head, data, depths, ...below.map(child => child.hash)]), 'buffer'),
    depth: below.reduce((max, child) => Math.max(max, child.depth + 1), 0)
  }
  digests.set(cell, out)
  return out
}

/** Representation hash of an ordinary cell, in hex. */
export function cellHash (cell: RawCell): string {
  return digested(cell).hash.toString('hex')
}

/** Reads one cell from its first bit on. */
export class Reader {
  private readonly cell: RawCell
  private bit = 0
  private ref = 0

  constructor (cell: RawCell) {
    this.cell = cell
  }

  /** At most 48 bits. */
  uint (bits: number): number {
    let out = 0
    for (let left = bits; left > 0;) {
      const inByte = 8 - (this.bit & 7)
      const take = Math.min(inByte, left)
      const part = (this.cell.data[this.bit >> 3] >> (inByte - take)) & ((1 << take) - 1)
      out = out * 2 ** take + part
      this.bit += take
      left -= take
    }
    return out
  }

  big (bits: number): bigint {
    let out = 0n
    for (let left = bits; left > 0;) {
      const take = Math.min(48, left)
      out = (out << BigInt(take)) | BigInt(this.uint(take))
      left -= take
    }
    return out
  }

  int32 (): number {
    return this.uint(32) | 0
  }

  flag (): boolean {
    return this.uint(1) === 1
  }

  skip (bits: number): this {
    this.bit += bits
    return this
  }

  /** VarUInteger 16: nanoTON. */
  coins (): bigint {
    return this.big(8 * this.uint(4))
  }

  /** Coins followed by the (here always empty) dictionary of other currencies. */
  currency (): bigint {
    const out = this.coins()
    if (this.flag()) {
      this.next()
    }
    return out
  }

  /** Hex of an internal address's 32 bytes; empty for addr_none. */
  address (): string {
    if (this.uint(2) === 0) {
      return ''
    }
    this.skip(9)
    return this.hex(32)
  }

  hex (bytes: number): string {
    const out = Buffer.alloc(bytes)
    for (let i = 0; i < bytes; i++) {
      out[i] = this.uint(8)
    }
    return out.toString('hex')
  }

  get bitsLeft (): number {
    return this.cell.bits - this.bit
  }

  /** The next reference. */
  next (): RawCell {
    return this.cell.refs[this.ref++]
  }

  maybeNext (): RawCell | undefined {
    return this.flag() ? this.next() : undefined
  }

  /** Hashmap label (hml_short, hml_long, hml_same); the bits as a string of 0 and 1. */
  label (max: number): string {
    if (!this.flag()) {
      let length = 0
      while (this.flag()) {
        length++
      }
      return length === 0 ? '' : this.big(length).toString(2).padStart(length, '0')
    }
    const width = 32 - Math.clz32(max)
    if (!this.flag()) {
      const length = this.uint(width)
      return length === 0 ? '' : this.big(length).toString(2).padStart(length, '0')
    }
    return String(this.uint(1)).repeat(this.uint(width))
  }
}

/** Every entry of a Hashmap with keys of `keyBits`: the key, and a reader that stands at the value. */
export function hashmap (root: RawCell | undefined, keyBits: number): Array<{ key: bigint, value: Reader }> {
  const out: Array<{ key: bigint, value: Reader }> = []
  const walk = (cell: RawCell, prefix: string): void => {
    const reader = new Reader(cell)
    const key = prefix + reader.label(keyBits - prefix.length)
    if (key.length === keyBits) {
      out.push({ key: BigInt(`0b${key}`), value: reader })
      return
    }
    walk(reader.next(), `${key}0`)
    walk(reader.next(), `${key}1`)
  }
  if (root != null) {
    walk(root, '')
  }
  return out
}
