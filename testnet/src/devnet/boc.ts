import { BitBuilder } from '@ton/core'
import type { Cell } from '@ton/core'

/** serialized_boc#b5ee9c72 of the TL-B schema block.tlb. */
const MAGIC = 0xb5ee9c72

function dataOf (cell: Cell): Buffer {
  const bits = new BitBuilder()
  bits.writeBits(cell.bits)
  if (cell.bits.length % 8 !== 0) {
    bits.writeBit(true)
    while (bits.length % 8 !== 0) {
      bits.writeBit(false)
    }
  }
  return bits.buffer()
}

/** Parents before children, each cell once. */
function ordered (roots: readonly Cell[]): Map<string, { cell: Cell, index: number }> {
  const seen = new Set<string>()
  const after: Cell[] = []
  const visit = (cell: Cell): void => {
    const key = cell.hash().toString('hex')
    if (!seen.has(key)) {
      seen.add(key)
      cell.refs.forEach(visit)
      after.push(cell)
    }
  }
  roots.forEach(visit)
  return new Map(after.reverse().map((cell, index) => [cell.hash().toString('hex'), { cell, index }]))
}

function unsigned (value: number, bytes: number): Buffer {
  const out = Buffer.alloc(bytes)
  out.writeUIntBE(value, 0, bytes)
  return out
}

/** A bag of cells with several roots, which `Cell.toBoc()` does not make. */
export function bocOf (roots: readonly Cell[]): Buffer {
  const all = ordered(roots)
  const indexOf = (cell: Cell): number => all.get(cell.hash().toString('hex'))?.index ?? 0
  const size = Math.ceil(all.size.toString(16).length / 2)
  const cells = Buffer.concat([...all.values()].flatMap(({ cell }) => {
    const length = cell.bits.length
    const descriptors = Buffer.from([
      cell.refs.length + (cell.isExotic ? 8 : 0) + 32 * cell.mask.value,
      Math.ceil(length / 8) + Math.floor(length / 8)
    ])
    return [descriptors, dataOf(cell), ...cell.refs.map(ref => unsigned(indexOf(ref), size))]
  }))
  return Buffer.concat([
    unsigned(MAGIC, 4),
    // No index, no checksum, no cache bits; sizes of cell numbers and of offsets.
    Buffer.from([size, 4]),
    unsigned(all.size, size),
    unsigned(roots.length, size),
    unsigned(0, size),
    unsigned(cells.length, 4),
    ...roots.map(root => unsigned(indexOf(root), size)),
    cells
  ])
}
