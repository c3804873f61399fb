import { createHash } from 'node:crypto'
import { expect } from 'aegir/chai'
import { assertBytes, compareBytes, concat, digestFromHex, equalBytes, fromHex, sha256, sha512, toHex, u32be, u64be } from '../src/index.ts'

const SHORT = [[], [0], [1], [0, 0], [0, 1], [1, 0], [255]].map(values => Uint8Array.from(values))

describe('bytes', () => {
  it('compares as Buffer does (exhaustive over short ones)', () => {
    for (const a of SHORT) {
      for (const b of SHORT) {
        expect(Math.sign(compareBytes(a, b))).to.equal(Buffer.compare(a, b))
        expect(equalBytes(a, b)).to.equal(Buffer.compare(a, b) === 0)
      }
    }
  })

  it('reads hex of whole bytes and nothing else', () => {
    expect(fromHex('00fFa0')).to.deep.equal(Uint8Array.of(0, 255, 160))
    expect(fromHex('')).to.deep.equal(new Uint8Array(0))
    for (const text of ['0', '000', '0g', '0x00', ' 00', '00\n']) {
      expect(() => fromHex(text), text).to.throw(RangeError)
    }
    for (const digits of [0, 62, 66]) {
      expect(() => digestFromHex('a'.repeat(digits))).to.throw(RangeError)
    }
    expect(toHex(digestFromHex('ab'.repeat(32)))).to.equal('ab'.repeat(32))
  })

  it('hashes any number of parts as one', () => {
    const parts = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]
    for (const count of [0, 1, 2, 3]) {
      const some = parts.slice(0, count)
      expect(toHex(sha256(...some))).to.equal(createHash('sha256').update(concat(...some)).digest('hex'))
      expect(toHex(sha512(...some))).to.equal(createHash('sha512').update(concat(...some)).digest('hex'))
    }
  })

  it('writes integers whole or not at all', () => {
    expect([toHex(u32be(0)), toHex(u32be(0xffffffff))]).to.deep.equal(['00000000', 'ffffffff'])
    expect([toHex(u64be(1n)), toHex(u64be(2n ** 64n - 1n))]).to.deep.equal(['0000000000000001', 'ffffffffffffffff'])
    for (const value of [-1, 0.5, 2 ** 32, NaN]) {
      expect(() => u32be(value), String(value)).to.throw(RangeError)
    }
    for (const value of [-1n, 2n ** 64n]) {
      expect(() => u64be(value), String(value)).to.throw(RangeError)
    }
    expect(() => { assertBytes(new Uint8Array(2), 2, 'it') }).to.not.throw()
    for (const length of [1, 3]) {
      expect(() => { assertBytes(new Uint8Array(length), 2, 'it') }).to.throw(RangeError, 'it must have 2 bytes')
    }
  })
})
