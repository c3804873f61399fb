import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { LIMITS, decodeWith, encodeCbor, encodeWith, payRequestCodec } from '../src/index.ts'
import { readPayFrame } from '../src/pay-frame.ts'
import { bytes64, voucher } from './samples.ts'
import type { Codec, PayFrame } from '../src/index.ts'

/** The codec as it reads what it reads slowly. */
const slow: Codec<unknown> = { encode: payRequestCodec.encode as (value: unknown) => unknown, decode: payRequestCodec.decode }

function readSlowly (bytes: Uint8Array): unknown {
  try {
    return decodeWith(slow, bytes, LIMITS.payFrameBytes, 'pay')
  } catch {
    return null
  }
}

const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
/** Every width, and the values next to where one ends. */
const amount = fc.oneof(
  fc.constantFrom(0n, 1n, 23n, 24n, 255n, 256n, 65_535n, 65_536n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
)
const frames: fc.Arbitrary<PayFrame> = fc.record({
  t: fc.constant('pay' as const),
  voucher: fc.record({ networkId: id, vault: id, payee: id, epoch: amount, cumulative: amount }),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  jobs: fc.oneof(fc.array(fc.tuple(id, amount), { maxLength: 3 }), fc.array(fc.tuple(id, amount), { minLength: 22, maxLength: LIMITS.maxJobsPerPayFrame }))
})

describe('the quick reader of pay frames', () => {
  it('reads every frame that the codec writes', () => {
    fc.assert(fc.property(frames, (frame) => {
      expect(readPayFrame(encodeWith(payRequestCodec, frame))).to.deep.equal(frame)
    }), { numRuns: 300 })
  })

  it('never reads anything else, or otherwise, than the codec does: bytes changed, cut off, added or moved', () => {
    const change = fc.record({ at: fc.nat(), remove: fc.nat(2), add: fc.uint8Array({ maxLength: 2 }) })
    fc.assert(fc.property(frames, fc.array(change, { minLength: 1, maxLength: 2 }), (frame, changes) => {
      let bytes = encodeWith(payRequestCodec, frame)
      for (const { at, remove, add } of changes) {
        const place = at % (bytes.byteLength + 1)
        bytes = Uint8Array.from([...bytes.subarray(0, place), ...add, ...bytes.subarray(place + remove)])
      }
      expect(readPayFrame(bytes)).to.deep.equal(readSlowly(bytes))
    }), { numRuns: 2_000 })
  })

  it('refuses each single byte that differs, and each end that comes too early or too late, as the codec does', () => {
    const frame: PayFrame = { t: 'pay', voucher: { ...voucher, epoch: 300n, cumulative: 70_000n }, signature: bytes64('s'), jobs: [[voucher.vault, 2n ** 40n], [voucher.payee, 24n], [voucher.vault, 0n]] }
    const bytes = encodeWith(payRequestCodec, frame)
    for (let at = 0; at < bytes.byteLength; at++) {
      expect(readPayFrame(bytes.subarray(0, at))).to.equal(null)
      for (const byte of [bytes[at] ^ 1, bytes[at] + 1, bytes[at] - 1, 0, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x80, 0xff]) {
        const changed = Uint8Array.from(bytes)
        changed[at] = byte
        expect(readPayFrame(changed), `byte ${at} is ${byte}`).to.deep.equal(readSlowly(changed))
      }
    }
    expect(readPayFrame(Uint8Array.from([...bytes, 0]))).to.equal(null)
  })

  it('leaves other frames, and more jobs than a frame may have, to the codec', () => {
    const open = { t: 'open' as const, vault: voucher.vault, vaultOwner: voucher.payee, epoch: 1n, signer: voucher.payee, signature: bytes64('o') }
    expect(readPayFrame(encodeWith(payRequestCodec, open))).to.equal(null)
    expect(decodeWith(payRequestCodec, encodeWith(payRequestCodec, open), LIMITS.payFrameBytes, 'pay')).to.deep.equal(open)
    const jobs = Array.from({ length: LIMITS.maxJobsPerPayFrame + 1 }, () => [voucher.vault, 1n])
    const map = payRequestCodec.encode({ t: 'pay', voucher, signature: bytes64('s'), jobs: [] }) as Map<string, unknown>
    const tooMany = encodeCbor(map.set('jobs', jobs))
    expect(readPayFrame(tooMany)).to.equal(null)
    expect(() => decodeWith(payRequestCodec, tooMany, LIMITS.payFrameBytes, 'pay')).to.throw().with.property('code', 'frame_malformed')
  })

  it('holds on to no buffer that it read from', () => {
    const frame: PayFrame = { t: 'pay', voucher, signature: bytes64('s'), jobs: [] }
    const received = Buffer.concat([Buffer.alloc(1_000), encodeWith(payRequestCodec, frame)])
    const read = readPayFrame(received.subarray(1_000))
    received.fill(0)
    expect(read).to.deep.equal(frame)
  })
})
