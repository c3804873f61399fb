import { createCipheriv, hkdfSync } from 'node:crypto'
import * as nodeCrypto from 'node:crypto'
import { utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createChunkOpener, createChunkSealer, responseKeys } from '../src/chunk-cipher.ts'
import { nativeAead, portableAead } from '../src/platform.ts'
import type { ChunkOpener, ChunkSealer } from '../src/index.ts'

const secret = new Uint8Array(32).fill(1)
const enc = new Uint8Array(1_120).fill(2)
const providerNonce = new Uint8Array(32).fill(3)

function pair (): { sealer: ChunkSealer, opener: ChunkOpener } {
  return {
    sealer: createChunkSealer(responseKeys(secret, enc, providerNonce)),
    opener: createChunkOpener(responseKeys(secret, enc, providerNonce))
  }
}

function sealAll (texts: readonly Uint8Array[]): Uint8Array[] {
  const { sealer } = pair()
  return texts.map((text, i) => sealer.seal(text, { final: i === texts.length - 1 }))
}

const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 12 })
const severalChunks = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 2, maxLength: 12 })

describe('chunk cipher', () => {
  it('is AES-256-GCM under HKDF keys with counter nonces, the mark at the end', () => {
    const salt = new Uint8Array([...enc, ...providerNonce])
    const key = new Uint8Array(hkdfSync('sha256', secret, salt, 'cocoon/response/key/v1', 32))
    const nonce = new Uint8Array(hkdfSync('sha256', secret, salt, 'cocoon/response/nonce/v1', 12))
    const texts = [utf8('one'), utf8('two'), utf8('three')]
    sealAll(texts).forEach((sealed, i) => {
      const counted = nonce.slice()
      counted[11] ^= i
      const final = i === texts.length - 1
      const cipher = createCipheriv('aes-256-gcm', key, counted)
      cipher.setAAD(utf8(final ? 'cocoon/chunk/v1/final' : 'cocoon/chunk/v1/more'))
      const expected = Buffer.concat([cipher.update(texts[i]), cipher.final(), cipher.getAuthTag(), Buffer.from([final ? 1 : 0])])
      expect(sealed).to.deep.equal(new Uint8Array(expected))
    })
  })

  it('opens what was sealed, in order', () => {
    fc.assert(fc.property(chunks, (texts) => {
      const { opener } = pair()
      sealAll(texts).forEach((sealed, i) => {
        expect(opener.finished).to.be.false()
        expect(opener.open(sealed)).to.deep.equal(texts[i])
      })
      expect(opener.finished).to.be.true()
    }), { numRuns: 40 })
  })

  it('refuses any flipped bit, and everything after it', () => {
    fc.assert(fc.property(chunks, fc.nat(), fc.nat(), (texts, which, where) => {
      const sealed = sealAll(texts)
      const index = which % sealed.length
      const bit = where % (sealed[index].byteLength * 8)
      const { opener } = pair()
      sealed.slice(0, index).forEach(chunk => opener.open(chunk))
      const changed = sealed[index].slice()
      changed[bit >> 3] ^= 1 << (bit & 7)
      expect(() => opener.open(changed)).to.throw().with.property('code', 'seal_failed')
      expect(() => opener.open(sealed[index])).to.throw().with.property('code', 'seal_failed')
      expect(opener.finished).to.be.false()
    }), { numRuns: 200 })
  })

  it('refuses a cut or lengthened chunk', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), fc.boolean(), (text, cut, final) => {
      const sealed = pair().sealer.seal(text, { final })
      expect(() => pair().opener.open(sealed.subarray(0, cut % sealed.byteLength))).to.throw().with.property('code', 'seal_failed')
      expect(() => pair().opener.open(new Uint8Array([...sealed, 0]))).to.throw().with.property('code', 'seal_failed')
    }), { numRuns: 100 })
  })

  it('refuses a repeated, a missing and a moved chunk', () => {
    const attack = (stream: Uint8Array[]): void => {
      const { opener } = pair()
      expect(() => stream.forEach(chunk => opener.open(chunk))).to.throw().with.property('code', 'seal_failed')
      expect(opener.finished).to.be.false()
    }
    fc.assert(fc.property(severalChunks, fc.nat(), (texts, at) => {
      const sealed = sealAll(texts)
      const i = at % (sealed.length - 1)
      attack([...sealed.slice(0, i + 1), ...sealed.slice(i)])
      attack([...sealed.slice(0, i), ...sealed.slice(i + 1)])
      attack([...sealed.slice(0, i), sealed[i + 1], sealed[i], ...sealed.slice(i + 2)])
    }), { numRuns: 40 })
  })

  it('is not finished when the end was cut off, and cannot be ended by others', () => {
    const [first, last] = sealAll([utf8('a'), utf8('b')])
    const { opener } = pair()
    opener.open(first)
    expect(opener.finished).to.be.false()
    const forged = first.slice()
    forged[forged.byteLength - 1] = 1
    expect(() => pair().opener.open(forged)).to.throw().with.property('code', 'seal_failed')
    const unmarked = last.slice()
    unmarked[unmarked.byteLength - 1] = 0
    expect(() => opener.open(unmarked)).to.throw().with.property('code', 'seal_failed')
  })

  it('neither seals nor opens after the final chunk', () => {
    const { sealer, opener } = pair()
    const last = sealer.seal(utf8('end'), { final: true })
    expect(() => sealer.seal(utf8('more'), { final: false })).to.throw().with.property('code', 'seal_failed')
    opener.open(last)
    expect(() => opener.open(last)).to.throw().with.property('code', 'seal_failed')
    expect(opener.finished).to.be.true()
  })

  it('is the same in browsers', () => {
    const key = new Uint8Array(32).fill(7)
    const nonce = new Uint8Array(12).fill(8)
    const native = nativeAead(nodeCrypto, key)
    const portable = portableAead(key)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array({ maxLength: 40 }), (text, aad) => {
      const a = new Uint8Array(text.byteLength + 16)
      const b = new Uint8Array(text.byteLength + 16)
      expect(native.sealInto(a, nonce, text, aad)).to.equal(portable.sealInto(b, nonce, text, aad))
      expect(a).to.deep.equal(b)
      expect(native.open(nonce, b, aad)).to.deep.equal(text)
      expect(portable.open(nonce, a, aad)).to.deep.equal(text)
    }), { numRuns: 40 })
    expect(() => portable.open(nonce, new Uint8Array(20), new Uint8Array())).to.throw()
  })
})
