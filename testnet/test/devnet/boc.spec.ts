import { Cell, beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { bocOf } from '../../src/devnet/boc.ts'

const MAX_DEPTH = 3

function cellArbitrary (depth: number): fc.Arbitrary<Cell> {
  const refs = depth === 0 ? fc.constant([]) : fc.array(cellArbitrary(depth - 1), { maxLength: 3 })
  return fc.tuple(fc.array(fc.boolean(), { maxLength: 40 }), refs).map(([bits, children]) => {
    const builder = beginCell()
    bits.forEach(bit => builder.storeBit(bit))
    children.forEach(child => builder.storeRef(child))
    return builder.endCell()
  })
}

describe('bag of cells with several roots', () => {
  it('reads back as the same roots, in order', () => {
    fc.assert(fc.property(fc.array(cellArbitrary(MAX_DEPTH), { minLength: 1, maxLength: 6 }), (roots) => {
      const read = Cell.fromBoc(bocOf(roots))
      expect(read.map(root => root.hash().toString('hex'))).to.deep.equal(roots.map(root => root.hash().toString('hex')))
    }), { numRuns: 100 })
  })

  it('holds more than 256 cells', () => {
    const roots = Array.from({ length: 20 }, (_, i) => {
      let chain = beginCell().storeUint(i, 32).endCell()
      for (let depth = 0; depth < 20; depth++) {
        chain = beginCell().storeUint(depth, 8).storeRef(chain).endCell()
      }
      return chain
    })
    expect(Cell.fromBoc(bocOf(roots)).map(root => root.hash())).to.deep.equal(roots.map(root => root.hash()))
  })
})
