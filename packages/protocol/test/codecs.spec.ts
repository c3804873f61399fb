import { expect } from 'aegir/chai'
import { encode } from 'cborg'
import fc from 'fast-check'
import { bytes, record } from '../src/codec.ts'
import { CHUNK_BUCKETS, REQUEST_BUCKETS, bindingAnnouncementCodec, bucketFor, challengeCodec, decodeBinding, decodeChunk, decodeOffer, decodeRequestHeader, decodeRequestPayload, decodeWith, encodeBinding, encodeCbor, encodeChunk, encodeOffer, encodePadded, encodeRequestHeader, encodeRequestPayload, encodeWith, evidenceCodec, inferRequestCodec, inferResponseCodec, payRequestCodec, payResponseCodec, quoteAnswerCodec, quoteAskCodec } from '../src/index.ts'
import { binding, bytes32, bytes64, offer, voucher } from './samples.ts'
import type { Codec } from '../src/index.ts'

const header = { v: 1 as const, vault: bytes32('vault'), vaultOwner: bytes32('owner'), laneEpoch: 5n, quoteHash: bytes32('q'), maxTokens: 10, maxCharge: 2n ** 63n, clientNonce: bytes32('n') }
const frames: Array<[string, Codec<any>, any]> = [
  ['challenge', challengeCodec, { t: 'challenge', networkId: bytes32('network'), nonce: bytes32('n') }],
  ['evidence', evidenceCodec, { t: 'evidence', binding: bytes32('b'), evidence: bytes32('e'), gpu: null, collateral: bytes32('c'), delegation: { cell: bytes32('d'), signature: bytes64('s') }, answer: bytes64('a') }],
  ['refusal', evidenceCodec, { t: 'refusal', code: 'no_room', retryAfterMs: 10 }],
  ['announcement', bindingAnnouncementCodec, { networkId: bytes32('network'), bindingHash: bytes32('b'), evidenceHash: bytes32('e') }],
  ['request', inferRequestCodec, { t: 'request', kem: 0x647a, bindingHash: bytes32('b'), header: encodeRequestHeader(header), ciphertext: bytes64('c') }],
  ['cancel', inferRequestCodec, { t: 'cancel' }],
  ['accept', inferResponseCodec, { t: 'accept', providerNonce: bytes32('n') }],
  ['chunk', inferResponseCodec, { t: 'chunk', sealed: bytes64('s') }],
  ['checkpoint', inferResponseCodec, { t: 'checkpoint', cell: bytes64('c'), signature: bytes64('s') }],
  ['open', payRequestCodec, { t: 'open', vault: bytes32('v'), vaultOwner: bytes32('o'), epoch: 7n, signer: bytes32('s'), signature: bytes64('o') }],
  ['close', payRequestCodec, { t: 'close', vault: bytes32('v'), vaultOwner: bytes32('o'), epoch: 7n, signer: bytes32('s'), signature: bytes64('o'), cumulative: 2n ** 64n - 1n, closeSignature: bytes64('c') }],
  ['pay', payRequestCodec, { t: 'pay', voucher, signature: bytes64('s'), jobs: [[bytes32('n'), 2n ** 64n - 1n]] }],
  ['lane', payResponseCodec, { t: 'lane', state: 'confirmed', capNano: 5n, highest: { voucher, signature: bytes64('s') }, usedNano: 2n, allowanceNano: 0n, debts: [[bytes32('n'), 3n]], settling: false }],
  ['ack', payResponseCodec, { t: 'ack', cumulative: 9n }],
  ['closing', payResponseCodec, { t: 'closing', publicKey: bytes32('k'), signature: bytes64('p'), isSending: true }],
  ['ask', quoteAskCodec, { t: 'ask', networkId: bytes32('network'), model: null, order: null }],
  ['offers', quoteAnswerCodec, { t: 'offers', offers: [encodeOffer(offer)] }]
]

function expectCode (work: () => unknown, ...codes: string[]): void {
  try {
    work()
  } catch (error) {
    expect((error as { code: string }).code).to.be.oneOf(codes)
    return
  }
  expect.fail('nothing was thrown')
}

describe('frames', () => {
  for (const [name, codec, value] of frames) {
    const bytes = encodeWith(codec, value)

    it(`${name}: reads back what was written`, () => {
      expect(decodeWith(codec, bytes, bytes.byteLength, name)).to.deep.equal(value)
    })

    it(`${name}: is refused one byte above its size, cut anywhere, or with a key more or less`, () => {
      expectCode(() => decodeWith(codec, bytes, bytes.byteLength - 1, name), 'frame_too_large')
      for (let at = 0; at < bytes.byteLength; at += Math.max(1, Math.floor(bytes.byteLength / 64))) {
        expectCode(() => decodeWith(codec, bytes.subarray(0, at), 1e6, name), 'frame_malformed')
      }
      const map = codec.encode(value) as Map<string, unknown>
      expectCode(() => decodeWith(codec, encodeCbor(new Map([...map, ['zzz', 1]])), 1e6, name), 'frame_malformed')
      for (const key of map.keys()) {
        expectCode(() => decodeWith(codec, encodeCbor(new Map([...map].filter(([k]) => k !== key))), 1e6, name), 'frame_malformed')
      }
    })

    it(`${name}: a flipped bit is refused or gives another value, and never crashes`, () => {
      fc.assert(fc.property(fc.nat(bytes.byteLength - 1), fc.nat(7), (at, bit) => {
        const changed = bytes.slice()
        changed[at] ^= 1 << bit
        try {
          expect(decodeWith(codec, changed, 1e6, name)).to.not.deep.equal(value)
        } catch (error) {
          expect(error).to.have.property('code').that.is.oneOf(['frame_malformed', 'version_unsupported'])
        }
      }))
    })
  }

  it('are refused in any but the deterministic encoding', () => {
    expectCode(() => decodeWith(payResponseCodec, Uint8Array.from([0xa2, 0x61, 0x74, 0x63, 0x61, 0x63, 0x6b, 0x6a, ...new TextEncoder().encode('cumulative'), 0x18, 0x09]), 100, 'ack'), 'frame_malformed')
    const reversed = encode(new Map([...(challengeCodec.encode({ t: 'challenge', networkId: bytes32('a'), nonce: bytes32('b') }) as Map<string, unknown>)].reverse()), { mapSorter: () => 0 })
    expectCode(() => decodeWith(challengeCodec, reversed, 1_000, 'challenge'), 'frame_malformed')
  })

  it('never crash on arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      for (const [name, codec] of frames) {
        try {
          decodeWith(codec, bytes, 300, name)
        } catch (error) {
          expect(error).to.have.property('code').that.is.oneOf(['frame_malformed', 'version_unsupported'])
        }
      }
    }))
  })
})

describe('binding, offer, header', () => {
  it('read back what was written and refuse another version', () => {
    expect(decodeBinding(encodeBinding(binding))).to.deep.equal(binding)
    expect(decodeOffer(encodeOffer(offer))).to.deep.equal(offer)
    expect(decodeRequestHeader(encodeRequestHeader(header))).to.deep.equal(header)

    for (const [bytes, decode] of [[encodeBinding(binding), decodeBinding], [encodeOffer(offer), decodeOffer], [encodeRequestHeader(header), decodeRequestHeader]] as const) {
      const at = bytes.findIndex((b, i) => b === 0x61 && bytes[i + 1] === 0x76 && bytes[i + 2] === 1)
      const changed = bytes.slice()
      changed[at + 2] = 2
      expectCode(() => decode(changed), 'version_unsupported')
    }
  })

  it('are bounded', () => {
    expectCode(() => decodeBinding(new Uint8Array(16 * 1_024 + 1)), 'frame_too_large')
    expectCode(() => decodeOffer(new Uint8Array(4 * 1_024 + 1)), 'frame_too_large')
    expectCode(() => decodeRequestHeader(new Uint8Array(1_025)), 'frame_too_large')
  })
})

describe('padding', () => {
  const chunk = { firstIndex: 0, ids: [] as number[], utf8: [] as Uint8Array[], classes: new Uint8Array(0), hash: bytes32('h'), counts: null, final: false, flush: false, finish: null, extra: null }

  it('gives every request a bucket\'s size exactly', () => {
    fc.assert(fc.property(fc.nat(70_000), length => {
      const payload = { v: 1 as const, model: bytes32('m'), endpoint: 'chat' as const, body: 'x'.repeat(length), prefix: [] }
      const bytes = encodeRequestPayload(payload)
      expect(REQUEST_BUCKETS).to.include(bytes.byteLength)
      expect(decodeRequestPayload(bytes).body.length).to.equal(length)
    }), { numRuns: 50 })
  })

  it('makes one token and a handful look the same', () => {
    const sizes = [1, 2, 5, 10].map(n => encodeChunk({ ...chunk, ids: Array.from({ length: n }, (_, i) => i), utf8: Array.from({ length: n }, () => Uint8Array.of(97)), classes: new Uint8Array(n).fill(2) }).byteLength)
    expect(new Set(sizes).size).to.equal(1)
    expect(CHUNK_BUCKETS).to.include(sizes[0])
  })

  it('refuses chunks whose parts contradict each other', () => {
    expectCode(() => decodeChunk(encodeChunk({ ...chunk, ids: [1] })), 'frame_malformed')
    expectCode(() => decodeChunk(encodeChunk({ ...chunk, final: true })), 'frame_malformed')
    expectCode(() => decodeChunk(encodeChunk({ ...chunk, finish: 'stop' })), 'frame_malformed')
    expectCode(() => decodeChunk(encodeChunk({ ...chunk, ids: [1], utf8: [Uint8Array.of(1)], classes: Uint8Array.of(0) })), 'frame_malformed')
    expect(decodeChunk(encodeChunk({ ...chunk, final: true, finish: 'stop' })).finish).to.equal('stop')
  })

  it('reaches a bucket from any size, through every head of a byte string (exhaustive)', () => {
    const codec = record({ pad: bytes(70_000) })
    const bare = encodeWith(codec, { pad: new Uint8Array(0) }).byteLength
    // a byte string's head grows by one or two bytes at these lengths, so these sizes cannot be met
    const unreachable = [24, 257, 65_538, 65_539]
    for (const [from, to] of [[0, 300], [65_500, 65_600]]) {
      for (let missing = from; missing < to; missing++) {
        const padded = encodePadded(codec, {}, [bare - 1, bare + missing, bare + missing + 1_000]).byteLength
        expect(padded, `${missing}`).to.equal(unreachable.includes(missing) ? bare + missing + 1_000 : bare + missing)
      }
    }
  })

  it('reads answers of both classes and refuses counts that differ', () => {
    const two = { ...chunk, ids: [1, 2], utf8: [Uint8Array.of(97), Uint8Array.of(98)], classes: Uint8Array.of(2, 3) }
    expect(decodeChunk(encodeChunk(two)).classes).to.deep.equal(Uint8Array.of(2, 3))
    expectCode(() => decodeChunk(encodeChunk({ ...two, classes: Uint8Array.of(2) })), 'frame_malformed')
    expectCode(() => decodeChunk(encodeChunk({ ...two, utf8: [Uint8Array.of(97)] })), 'frame_malformed')
    for (const unknown of [0, 1, 4]) {
      expectCode(() => decodeChunk(encodeChunk({ ...two, classes: Uint8Array.of(2, unknown) })), 'frame_malformed')
    }
  })

  it('picks the smallest bucket and refuses what fits none', () => {
    expect(bucketFor(256, CHUNK_BUCKETS)).to.equal(256)
    expect(bucketFor(257, CHUNK_BUCKETS)).to.equal(1_024)
    expectCode(() => bucketFor(65_537, CHUNK_BUCKETS), 'frame_too_large')
    expectCode(() => encodeChunk({ ...chunk, extra: 'x'.repeat(70_000) }), 'frame_too_large')
  })
})
