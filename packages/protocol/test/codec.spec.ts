import { expect } from 'aegir/chai'
import { decodeWith, encodeCbor } from '../src/cbor.ts'
import { bool, bytes, fixedBytes, list, nullable, oneOf, record, text, tuple, uint, uint64, union, version } from '../src/codec.ts'
import type { Codec } from '../src/codec.ts'

const MAX_U64 = 2n ** 64n - 1n

function codeOf (action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return (error as { code?: string }).code ?? `not coded: ${String(error)}`
  }
  return 'none'
}

interface Case { readonly name: string, readonly codec: Codec<any>, readonly good: readonly unknown[], readonly bad: readonly unknown[] }

const CASES: readonly Case[] = [
  { name: 'fixedBytes', codec: fixedBytes(2), good: [new Uint8Array(2)], bad: [new Uint8Array(1), new Uint8Array(3), 'ab', [1, 2], { byteLength: 2 }, null] },
  { name: 'bytes', codec: bytes(2), good: [new Uint8Array(0), new Uint8Array(1), new Uint8Array(2)], bad: [new Uint8Array(3), '', { byteLength: 1 }, null] },
  { name: 'text', codec: text(2), good: ['', 'ab'], bad: ['abc', 5, ['a'], null] },
  { name: 'uint', codec: uint(5), good: [0, 1, 4, 5], bad: [-1, 6, 1.5, NaN, '1', 1n, null] },
  { name: 'uint without a maximum', codec: uint(), good: [0, Number.MAX_SAFE_INTEGER], bad: [-1, Number.MAX_SAFE_INTEGER + 1] },
  { name: 'uint64', codec: uint64, good: [0n, 1n, BigInt(Number.MAX_SAFE_INTEGER), MAX_U64], bad: [-1n, MAX_U64 + 1n, -1, 1.5, '1', true, null] },
  { name: 'bool', codec: bool, good: [true, false], bad: [0, 1, 'true', null] },
  { name: 'oneOf', codec: oneOf('a', 'b'), good: ['a', 'b'], bad: ['c', '', 1, null] },
  { name: 'list', codec: list(uint(9), 3, 1), good: [[1], [1, 2, 3]], bad: [[], [1, 2, 3, 4], [10], { length: 2 }, 'ab', null] },
  { name: 'tuple', codec: tuple(uint(9), text(1)), good: [[1, 'a']], bad: [[1], [1, 'a', 2], [1, 2], { 0: 1, 1: 'a', length: 2 }, null] },
  { name: 'nullable', codec: nullable(uint(9)), good: [null, 3], bad: [10, undefined, 'x'] }
]

describe('codec', () => {
  for (const { name, codec, good, bad } of CASES) {
    it(`${name}: takes what it names up to its last value, and nothing beyond`, () => {
      for (const value of good) {
        expect(codec.decode(codec.encode(value))).to.deep.equal(value)
      }
      for (const value of bad) {
        expect(codeOf(() => codec.decode(value)), String(value)).to.equal('frame_malformed')
      }
    })
  }

  it('refuses to write what it would not read', () => {
    const wrong: Array<[Codec<any>, unknown]> = [
      [fixedBytes(2), new Uint8Array(3)], [uint(5), 6], [uint(5), -1], [uint(5), 0.5], [uint64, -1n], [uint64, MAX_U64 + 1n], [uint64, 1],
      [list(uint(9), 2, 1), []], [list(uint(9), 2, 1), [1, 2, 3]]
    ]
    for (const [codec, value] of wrong) {
      expect(codeOf(() => codec.encode(value)), String(value)).to.equal('frame_malformed')
    }
    expect(codeOf(() => list(uint(9), 2, 1).encode([1, 2]))).to.equal('none')
  })

  it('writes one encoding of an amount, whatever its size', () => {
    for (const value of [0n, 23n, 24n, 255n, 256n, 65_536n, BigInt(Number.MAX_SAFE_INTEGER)]) {
      expect(encodeCbor(uint64.encode(value))).to.deep.equal(encodeCbor(Number(value)))
    }
    expect(uint64.decode(7)).to.equal(7n)
  })

  it('names the place of a fault', () => {
    const codec = union({ item: record({ list: list(record({ n: uint(9) }), 3), pair: tuple(uint(9), uint(9)) }) })
    const item = (list: unknown[], pair: unknown[]): unknown => new Map<string, unknown>([['t', 'item'], ['list', list], ['pair', pair]])
    const message = (value: unknown): string => {
      try {
        decodeWith(codec, encodeCbor(value), 1_000, 'it')
        return 'none'
      } catch (error) {
        return (error as Error).message
      }
    }
    const n = (value: unknown): unknown => new Map([['n', value]])
    expect(message(item([n(1)], [2, 3]))).to.equal('none')
    expect(message(item([n(1), n(10)], [2, 3]))).to.equal('it.list[1].n: expected an integer from 0 to 9')
    expect(message(item([], [2, 10]))).to.equal('it.pair[1]: expected an integer from 0 to 9')
    expect(message(new Map([['t', 'other']]))).to.equal('it.t: expected one of item')
    expect(message(new Map([['t', 'item']]))).to.equal('it.list: expected a value')
    expect(message(7)).to.equal('it: expected a map')
  })

  it('knows its version, its keys and its variants', () => {
    expect(codeOf(() => version(1).decode(2))).to.equal('version_unsupported')
    expect(version(1).decode(1)).to.equal(1)
    const pair = record({ a: uint(9), b: uint(9) })
    const maps: Array<[Array<[string, number]>, string]> = [
      [[['a', 1], ['b', 2]], 'none'], [[['a', 1]], 'frame_malformed'], [[['a', 1], ['b', 2], ['c', 3]], 'frame_malformed'], [[['a', 1], ['c', 2]], 'frame_malformed']
    ]
    for (const [entries, code] of maps) {
      expect(codeOf(() => pair.decode(new Map(entries)))).to.equal(code)
    }
    expect(codeOf(() => pair.decode({ a: 1, b: 2 }))).to.equal('frame_malformed')
    const either = union({ one: record({ a: uint(9) }), two: record({}) })
    for (const t of ['three', 'toString', 5, undefined]) {
      expect(codeOf(() => either.decode(new Map<string, unknown>([['t', t], ['a', 1]]))), String(t)).to.equal('frame_malformed')
    }
    expect(codeOf(() => either.decode([]))).to.equal('frame_malformed')
    expect(either.decode(new Map<string, unknown>([['t', 'one'], ['a', 1]]))).to.deep.equal({ t: 'one', a: 1 })
  })
})
