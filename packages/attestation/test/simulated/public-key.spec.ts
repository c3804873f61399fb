import { createPublicKey } from 'node:crypto'
import { fromHex, toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parseDer } from '../../src/x509/der.ts'
import { publicKeyOf } from '../../src/x509/public-key.ts'
import type { PublicKey } from '../../src/crypto.ts'
import type { JsonWebKey } from 'node:crypto'

function keyOf (jwk: JsonWebKey): PublicKey {
  return publicKeyOf(parseDer(new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }))))
}

const base64Url = (hex: string): string => Buffer.from(fromHex(hex)).toString('base64url')
/** Points of the NIST curves: their generators (SEC 2, §2.4.2 and §2.5.1). */
const P256 = { crv: 'P-256', x: '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', y: '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5' }
const P384 = { crv: 'P-384', x: 'aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7', y: '3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f' }

describe('public keys', () => {
  it('are points of two curves, whole and uncompressed', () => {
    for (const { crv, x, y } of [P256, P384]) {
      const key = keyOf({ kty: 'EC', crv, x: base64Url(x), y: base64Url(y) })
      expect(key).to.deep.equal({ type: 'ec', curve: crv, point: fromHex(`04${x}${y}`) })
    }
  })

  it('are moduli and exponents without the zero that DER puts before a high bit', () => {
    for (const modulus of [`${'c1'.repeat(255)}01`, `${'41'.repeat(255)}01`]) {
      const key = keyOf({ kty: 'RSA', n: base64Url(modulus), e: base64Url('010001') })
      expect(key.type === 'rsa' && [toHex(key.modulus), toHex(key.exponent)]).to.deep.equal([modulus, '010001'])
    }
  })

  it('are nothing else', () => {
    const others: JsonWebKey[] = [
      { kty: 'OKP', crv: 'Ed25519', x: base64Url('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a') },
      { kty: 'EC', crv: 'secp256k1', x: base64Url('79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'), y: base64Url('483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8') }
    ]
    for (const jwk of others) {
      expect(() => keyOf(jwk)).to.throw().with.property('code', 'evidence_malformed')
    }
  })
})
