import { readFileSync } from 'node:fs'
import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { TIERS, buildCloseCell, buildDelegationCell, buildQuoteCell, buildReceiptCell, buildVoucherCell, cellToBytes, closeHash, delegationHash, parseDelegation, parseQuote, parseReceipt, quoteHash, receiptHash, tierFromNumber, toHex, voucherHash } from '../src/index.ts'
import { bytes32, close, delegation, quote, receipt, voucher } from './samples.ts'
import type { Quote, Receipt, Voucher } from '../src/index.ts'

const golden: Record<string, string> = JSON.parse(readFileSync(new URL('./vectors/golden.json', import.meta.url), 'utf8'))
const b32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const u32 = fc.integer({ min: 0, max: 0xffffffff })

const vouchers: fc.Arbitrary<Voucher> = fc.record({ networkId: b32, vault: b32, payee: b32, epoch: u64, cumulative: u64 })
const quotes: fc.Arbitrary<Quote> = fc.record({
  networkId: b32,
  stake: b32,
  model: b32,
  prices: fc.record({ prompt: u64, cached: u64, completion: u64, reasoning: u64 }),
  maxTokens: u32,
  windowNano: u64,
  hedgeFeeNano: u64,
  slaClass: fc.integer({ min: 0, max: 255 }),
  orderHash: b32,
  validUntilMs: u64,
  feeBps: fc.integer({ min: 0, max: 0xffff })
})
const receipts: fc.Arbitrary<Receipt> = fc.record({
  networkId: b32,
  stake: b32,
  vault: b32,
  payee: b32,
  laneEpoch: u64,
  jobId: b32,
  seq: u32,
  bindingHash: b32,
  tier: fc.constantFrom(...TIERS),
  tokens: fc.record({ prompt: u32, cached: u32, completion: u32, reasoning: u32 }),
  chargeNano: u64,
  quoteHash: b32,
  mcSeqno: u32,
  reqCommit: b32,
  ansCommit: b32,
  auditRoot: b32
})

/** Every copy of `value` in which exactly one field, at any depth, differs. */
function mutations (value: unknown): unknown[] {
  if (value instanceof Uint8Array) {
    const copy = value.slice()
    copy[copy.length - 1] ^= 1
    return [copy]
  }
  if (typeof value === 'bigint') {
    return [value + 1n]
  }
  if (typeof value === 'number') {
    return [value + 1]
  }
  if (typeof value === 'string') {
    return [value === 'open' ? 'silver' : 'open']
  }
  return Object.entries(value as Record<string, unknown>).flatMap(([key, inner]) => mutations(inner).map(changed => ({ ...(value as object), [key]: changed })))
}

describe('signed objects', () => {
  it('have the hashes of the golden vectors', () => {
    expect(toHex(voucherHash(voucher))).to.equal(golden.voucher)
    expect(toHex(closeHash(close))).to.equal(golden.close)
    expect(toHex(delegationHash(delegation))).to.equal(golden.delegation)
    expect(toHex(quoteHash(quote))).to.equal(golden.quote)
    expect(toHex(receiptHash(receipt))).to.equal(golden.receipt)
  })

  it('computes a voucher\'s hash as @ton/core hashes its cell', () => {
    fc.assert(fc.property(vouchers, value => {
      expect(toHex(voucherHash(value))).to.equal(buildVoucherCell(value).hash().toString('hex'))
    }))
    expect(buildVoucherCell(voucher).bits.length).to.equal(928)
    expect(buildCloseCell(close).bits.length).to.equal(928)
    // the same facts, yet neither signature stands for the other
    expect(toHex(closeHash(close))).to.not.equal(toHex(voucherHash(voucher)))
  })

  it('read back what was built', () => {
    fc.assert(fc.property(quotes, value => {
      expect(parseQuote(cellToBytes(buildQuoteCell(value)))).to.deep.equal(value)
    }), { numRuns: 40 })
    fc.assert(fc.property(receipts, value => {
      expect(parseReceipt(cellToBytes(buildReceiptCell(value)))).to.deep.equal(value)
    }), { numRuns: 40 })
    expect(parseDelegation(cellToBytes(buildDelegationCell(delegation)))).to.deep.equal(delegation)
  })

  it('change their hash with every single field', () => {
    const cases: Array<[object, (value: any) => Uint8Array]> = [[voucher, voucherHash], [close, closeHash], [delegation, delegationHash], [quote, quoteHash], [receipt, receiptHash]]

    for (const [value, hash] of cases) {
      const hashes = [value, ...mutations(value)].map(changed => toHex(hash(changed)))
      expect(new Set(hashes).size).to.equal(hashes.length)
    }
  })

  it('differ in kind: no object reads as another', () => {
    const boc = cellToBytes(buildQuoteCell(quote))
    expect(() => parseReceipt(boc)).to.throw().with.property('code', 'frame_malformed')
    expect(() => parseDelegation(boc)).to.throw().with.property('code', 'frame_malformed')
    expect(() => parseQuote(cellToBytes(buildReceiptCell(receipt)))).to.throw().with.property('code', 'frame_malformed')
  })

  it('refuse bytes that were cut, flipped, enlarged or have content left over', () => {
    const boc = cellToBytes(buildReceiptCell(receipt))

    for (let at = 0; at < boc.length; at++) {
      expect(() => parseReceipt(boc.subarray(0, at))).to.throw().with.property('code', 'frame_malformed')
      const flipped = boc.slice()
      flipped[at] ^= 1

      let read: Receipt | undefined

      try {
        read = parseReceipt(flipped)
      } catch (error) {
        expect(error).to.have.property('code', 'frame_malformed')
      }

      // the bag's own header has spare flags, the cells after it have none
      if (read != null && at >= 16) {
        expect(toHex(receiptHash(read))).to.not.equal(toHex(receiptHash(receipt)))
      }
    }

    expect(() => parseReceipt(new Uint8Array(1_025))).to.throw().with.property('code', 'frame_too_large')
    const extra = beginCell().storeSlice(buildQuoteCell(quote).beginParse()).storeUint(1, 1).endCell()
    expect(() => parseQuote(cellToBytes(extra))).to.throw().with.property('code', 'frame_malformed')
  })

  it('know only their tiers', () => {
    expect(() => tierFromNumber(0)).to.throw(RangeError)
    expect(() => tierFromNumber(TIERS.length + 1)).to.throw(RangeError)
    expect(TIERS.map((_, i) => tierFromNumber(i + 1))).to.deep.equal([...TIERS])
  })

  it('refuse ids and amounts of another length, in the hash as in the cell', () => {
    for (const field of ['networkId', 'vault', 'payee'] as const) {
      for (const length of [0, 31, 33, 64]) {
        const wrong = { ...voucher, [field]: new Uint8Array(length) }
        expect(() => voucherHash(wrong), `${field} ${length}`).to.throw(RangeError)
        expect(() => buildVoucherCell(wrong), `${field} ${length}`).to.throw(RangeError)
      }
    }
    // what leaves one field and enters its neighbour would otherwise hash alike
    expect(() => voucherHash({ ...voucher, networkId: new Uint8Array(31), vault: new Uint8Array(33) })).to.throw(RangeError)
    for (const field of ['epoch', 'cumulative'] as const) {
      for (const value of [-1n, 2n ** 64n, 2n ** 64n + voucher[field]]) {
        expect(() => voucherHash({ ...voucher, [field]: value }), `${field} ${value}`).to.throw(RangeError)
      }
      expect(() => voucherHash({ ...voucher, [field]: 2n ** 64n - 1n })).to.not.throw()
    }
    expect(() => parseReceipt(new Uint8Array(1_024))).to.throw().with.property('code', 'frame_malformed')
  })

  it('refuse amounts that do not fit', () => {
    expect(() => buildVoucherCell({ ...voucher, cumulative: 2n ** 64n })).to.throw()
    expect(() => buildQuoteCell({ ...quote, feeBps: 0x10000 })).to.throw()
    expect(() => buildReceiptCell({ ...receipt, jobId: new Uint8Array([...bytes32('job'), 1]).reverse(), seq: -1 })).to.throw()
  })
})
