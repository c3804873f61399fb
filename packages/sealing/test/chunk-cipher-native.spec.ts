import * as nodeCrypto from 'node:crypto'
import { createCipheriv, hkdfSync } from 'node:crypto'
import { utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createChunkSealer, responseKeys } from '../src/chunk-cipher.ts'
import { nativeAead, portableAead } from '../src/platform.ts'

const secret = new Uint8Array(32).fill(1)
const enc = new Uint8Array(1_120).fill(2)
const providerNonce = new Uint8Array(32).fill(3)

/** Needs Node's own cryptography, and so is left out in browsers. */
describe('chunk cipher beside Node\'s cryptography', () => {
  it('is AES-256-GCM under HKDF keys with counter nonces, the mark at the end', () => {
    const salt = new Uint8Array([...enc, ...providerNonce])
    const key = new Uint8Array(hkdfSync('sha256', secret, salt, 'cocoon/response/key/v1', 32))
    const nonce = new Uint8Array(hkdfSync('sha256', secret, salt, 'cocoon/response/nonce/v1', 12))
    const texts = [utf8('one'), utf8('two'), utf8('three')]
    const sealer = createChunkSealer(responseKeys(secret, enc, providerNonce))
    texts.forEach((text, i) => {
      const counted = nonce.slice()
      counted[11] ^= i
      const final = i === texts.length - 1
      const sealed = sealer.seal(text, { final })
      const cipher = createCipheriv('aes-256-gcm', key, counted)
      cipher.setAAD(utf8(final ? 'cocoon/chunk/v1/final' : 'cocoon/chunk/v1/more'))
      const expected = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag(), Buffer.from([final ? 1 : 0])])
      expect(sealed).to.deep.equal(new Uint8Array(expected))
    })
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
