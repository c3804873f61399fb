import { constants, createSign, generateKeyPairSync, sign } from 'node:crypto'
import { expect } from 'aegir/chai'
import { portableEcdsa, portableRsaPssSha384, verifyEcdsa, verifyRsaPssSha384 } from '../src/crypto.ts'
import type { PublicKey } from '../src/crypto.ts'
import type { KeyObject } from 'node:crypto'

const message = new TextEncoder().encode('a report')

function base64Url (text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64url'))
}

function ecKey (curve: 'P-256' | 'P-384', key: KeyObject): Extract<PublicKey, { type: 'ec' }> {
  const jwk = key.export({ format: 'jwk' })
  return { type: 'ec', curve, point: new Uint8Array([4, ...base64Url(jwk.x), ...base64Url(jwk.y)]) }
}

describe('signatures', () => {
  for (const [curve, hash] of [['P-256', 'sha256'], ['P-384', 'sha384']] as const) {
    it(`ECDSA ${curve}: Node's and the browsers' way agree`, () => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
      const key = ecKey(curve, publicKey)
      const raw = new Uint8Array(sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
      const der = new Uint8Array(createSign(hash).update(message).sign(privateKey))
      for (const [signature, encoding] of [[raw, 'raw'], [der, 'der']] as const) {
        expect(verifyEcdsa(key, message, signature, encoding)).to.be.true()
        expect(portableEcdsa(key, message, signature, encoding)).to.be.true()
        expect(verifyEcdsa(key, new Uint8Array(3), signature, encoding)).to.be.false()
        expect(portableEcdsa(key, new Uint8Array(3), signature, encoding)).to.be.false()
      }
      for (const bad of [new Uint8Array(), new Uint8Array(raw.byteLength), raw.slice(1), new Uint8Array(raw.byteLength).fill(0xff)]) {
        expect(verifyEcdsa(key, message, bad, 'raw')).to.be.false()
        expect(verifyEcdsa(key, message, bad, 'der')).to.be.false()
      }
      expect(verifyEcdsa({ ...key, point: new Uint8Array(key.point.byteLength).fill(4) }, message, raw, 'raw')).to.be.false()
    })
  }

  it('RSASSA-PSS: Node\'s and the browsers\' way agree, on acceptance and on refusal', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const jwk = publicKey.export({ format: 'jwk' })
    const key: Extract<PublicKey, { type: 'rsa' }> = { type: 'rsa', modulus: base64Url(jwk.n), exponent: base64Url(jwk.e) }
    const pss = (saltLength: number, hash = 'sha384'): Uint8Array => new Uint8Array(sign(hash, message, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }))
    const good = pss(48)
    const flipped = good.slice()
    flipped[100] ^= 1
    const cases: Array<[Uint8Array, boolean]> = [
      [good, true], [pss(48), true], [pss(32), false], [pss(48, 'sha256'), false], [flipped, false], [good.slice(1), false],
      [new Uint8Array(256), false], [new Uint8Array(256).fill(0xff), false], [new Uint8Array(sign('sha384', message, privateKey)), false]
    ]
    for (const [signature, holds] of cases) {
      expect(verifyRsaPssSha384(key, message, signature)).to.equal(holds)
      expect(portableRsaPssSha384(key, message, signature)).to.equal(holds)
    }
    expect(verifyRsaPssSha384({ ...key, modulus: key.modulus.subarray(0, 128) }, message, good)).to.be.false()
    expect(verifyRsaPssSha384(ecKey('P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey), message, good)).to.be.false()
  })
})
