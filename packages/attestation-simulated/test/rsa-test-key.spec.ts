import { expect } from 'aegir/chai'
import { portableOperation, rsaTestKey } from '../src/rsa-test-key.ts'

describe('RSA keys of a seed', () => {
  it('sign in Node as in browsers, to the bit', () => {
    for (const fill of [1, 2, 3]) {
      const seed = new Uint8Array(32).fill(fill)
      const [native, portable] = [rsaTestKey(seed, 'ark'), rsaTestKey(seed, 'ark', portableOperation)]
      const message = new Uint8Array(100).fill(fill)
      expect(native.sign(message)).to.deep.equal(portable.sign(message))
      expect(native.sign(message)).to.not.deep.equal(rsaTestKey(seed, 'ask').sign(message))
    }
  })
})
