import { concat } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { fixedBytes, list, record, tuple, uint64 } from './codec.ts'
import { LIMITS } from './limits.ts'
import type { ValueOf } from './codec.ts'

const ID_BYTES = 32
const SIGNATURE_BYTES = 64

export const voucherCodec = record({
  networkId: fixedBytes(ID_BYTES),
  vault: fixedBytes(ID_BYTES),
  payee: fixedBytes(ID_BYTES),
  epoch: uint64,
  cumulative: uint64
})

export const payFrameCodec = record({
  voucher: voucherCodec,
  signature: fixedBytes(SIGNATURE_BYTES),
  jobs: list(tuple(fixedBytes(ID_BYTES), uint64), LIMITS.maxJobsPerPayFrame)
})

export type PayFrame = { readonly t: 'pay' } & ValueOf<typeof payFrameCodec>

/** RFC 8949 §3.1: heads of an array of two, of short byte strings, and of what says that one more byte has the count. */
const PAIR = 0x82
const COUNT_IN_NEXT = 24
const MAJOR_BYTES = 0x40
const MAJOR_ARRAY = 0x80
const MAJOR_MAP = 0xa0

const bytesHead = (length: number): Uint8Array => Uint8Array.of(MAJOR_BYTES + COUNT_IN_NEXT, length)

// What stands between the fields of a frame, in the one order that deterministic encoding allows.
const BEFORE_JOBS = concat(Uint8Array.of(MAJOR_MAP + 4), ...['t', 'pay', 'jobs'].map(encodeCbor))
const BEFORE_NONCE = concat(Uint8Array.of(PAIR), bytesHead(ID_BYTES))
const BEFORE_EPOCH = concat(encodeCbor('voucher'), Uint8Array.of(MAJOR_MAP + 5), encodeCbor('epoch'))
const BEFORE_PAYEE = concat(encodeCbor('payee'), bytesHead(ID_BYTES))
const BEFORE_VAULT = concat(encodeCbor('vault'), bytesHead(ID_BYTES))
const BEFORE_NETWORK = concat(encodeCbor('networkId'), bytesHead(ID_BYTES))
const BEFORE_CUMULATIVE = encodeCbor('cumulative')
const BEFORE_SIGNATURE = concat(encodeCbor('signature'), bytesHead(SIGNATURE_BYTES))

/** Reads front to back. Once something else stands there than what is asked for, `isOther` is set and values mean nothing. */
class Reader {
  isOther = false
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor (bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd (): boolean {
    return this.#at === this.#bytes.byteLength
  }

  expect (expected: Uint8Array): void {
    for (let i = 0; i < expected.byteLength; i++) {
      this.isOther ||= this.#bytes[this.#at + i] !== expected[i]
    }
    this.#at += expected.byteLength
  }

  /** A view, not a copy. */
  take (length: number): Uint8Array {
    const start = this.#at
    this.#at += length
    this.isOther ||= this.#at > this.#bytes.byteLength
    return this.#bytes.subarray(start, this.#at)
  }

  /** The number of items of an array of at most 255. */
  count (): number {
    const head = this.#next() - MAJOR_ARRAY
    if (head >= 0 && head < COUNT_IN_NEXT) {
      return head
    }
    const count = this.#next()
    this.isOther ||= head !== COUNT_IN_NEXT || count < COUNT_IN_NEXT
    return count
  }

  /** An unsigned integer in the shortest of its encodings. */
  uint64 (): bigint {
    const head = this.#next()
    if (head < COUNT_IN_NEXT) {
      return BigInt(head)
    }
    const width = 2 ** (head - COUNT_IN_NEXT)
    const start = this.#at
    this.#at += width
    if (!(width <= 8) || this.#at > this.#view.byteLength) {
      this.isOther = true
      return 0n
    }
    if (width === 8) {
      const value = this.#view.getBigUint64(start)
      this.isOther ||= value < 2n ** 32n
      return value
    }
    let value = 0
    for (let at = start; at < this.#at; at++) {
      value = value * 256 + this.#bytes[at]
    }
    // what fits half the width must not take all of it
    this.isOther ||= value < (width === 1 ? COUNT_IN_NEXT : 256 ** (width / 2))
    return BigInt(value)
  }

  /** The next byte; NaN after the last. */
  #next (): number {
    const byte = this.#bytes[this.#at++]
    this.isOther ||= byte === undefined
    return byte ?? Number.NaN
  }
}

/**
 * Reads the deterministic encoding of a `pay` frame, of which a busy provider takes hundreds a second. It knows where
 * each field must stand, so that there is nothing to encode again for comparison. Null for anything else, which
 * `payRequestCodec` then reads or refuses with the reason.
 */
export function readPayFrame (frame: Uint8Array): PayFrame | null {
  // what is kept of it must not hold on to the network's buffer
  const reader = new Reader(new Uint8Array(frame))
  reader.expect(BEFORE_JOBS)
  const count = reader.count()
  if (reader.isOther || count > LIMITS.maxJobsPerPayFrame) {
    return null
  }
  const jobs: Array<readonly [Uint8Array, bigint]> = []
  for (let i = 0; i < count && !reader.isOther; i++) {
    reader.expect(BEFORE_NONCE)
    jobs.push([reader.take(ID_BYTES), reader.uint64()])
  }
  reader.expect(BEFORE_EPOCH)
  const epoch = reader.uint64()
  reader.expect(BEFORE_PAYEE)
  const payee = reader.take(ID_BYTES)
  reader.expect(BEFORE_VAULT)
  const vault = reader.take(ID_BYTES)
  reader.expect(BEFORE_NETWORK)
  const networkId = reader.take(ID_BYTES)
  reader.expect(BEFORE_CUMULATIVE)
  const cumulative = reader.uint64()
  reader.expect(BEFORE_SIGNATURE)
  const signature = reader.take(SIGNATURE_BYTES)
  return reader.isOther || !reader.isAtEnd ? null : { t: 'pay', jobs, voucher: { networkId, vault, payee, epoch, cumulative }, signature }
}
