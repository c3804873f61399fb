import { KEMS, concat, fromHex, toHex, utf8 } from '@cocoon-net/protocol'
import { AeadId, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, KdfId, Aes256Gcm } from '@hpke/core'
import { XWing as OtherXWing } from '@hpke/hybridkem-x-wing'
import { XWing as nobleXWing } from '@noble/post-quantum/hybrid.js'
import { KEM_MLKEM768_X25519 } from '@panva/hpke-noble'
import { expect } from 'aegir/chai'
import * as hpke from 'hpke'
import { exportHpkePrivateKey, generateHpkeKeyPair, importHpkeKeyPair, openRequest, sealRequest } from '../src/index.ts'
import { xWing } from '../src/x-wing.ts'

const bindingHash = new Uint8Array(32).fill(9)
const info = concat(utf8('cocoon/infer/v1\0'), bindingHash)
const header = utf8('header')
const payload = utf8('a padded payload')

// draft-connolly-cfrg-xwing-kem-06 and later, appendix C: seeds, encapsulation seeds and shared secrets of the three vectors. The shared
// secret hashes the ciphertext's and the key's X25519 parts, and ML-KEM's secret the rest.
const X_WING_VECTORS = [
  ['7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26', '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2', 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384'],
  ['badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea', '17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdefaee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d', 'f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150'],
  ['ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9', '22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b', '953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f']
] as const

describe('X-Wing vectors (draft-connolly-cfrg-xwing-kem)', () => {
  for (const [name, factory] of [['the platform\'s own', xWing], ['the portable', KEM_MLKEM768_X25519]] as const) {
    it(`decapsulates with ${name} implementation`, async () => {
      const suite = new hpke.CipherSuite(factory, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES_256_GCM)
      const kem = factory() as hpke.KEM
      for (const [seed, eseed, expected] of X_WING_VECTORS) {
        const { publicKey } = nobleXWing.keygen(fromHex(seed))
        const { cipherText, sharedSecret } = nobleXWing.encapsulate(publicKey, fromHex(eseed))
        expect(toHex(sharedSecret)).to.equal(expected)
        const key = await suite.DeserializePrivateKey(fromHex(seed), true)
        expect(toHex(await kem.Decap(cipherText, key, undefined))).to.equal(expected)
        expect(toHex(await suite.SerializePrivateKey(key))).to.equal(seed)
      }
    })
  }

  it('makes the public key that the vectors name', async () => {
    const kem = xWing() as hpke.KEM
    const pair = await kem.DeriveKeyPair(new Uint8Array(32), true)
    const seed = await kem.SerializePrivateKey(pair.privateKey)
    expect(await kem.SerializePublicKey(pair.publicKey)).to.deep.equal(nobleXWing.keygen(seed).publicKey)
    const portable = KEM_MLKEM768_X25519() as hpke.KEM
    const other = await portable.DeriveKeyPair(new Uint8Array(32), true)
    expect(await portable.SerializePrivateKey(other.privateKey)).to.deep.equal(seed)
    const first = nobleXWing.keygen(fromHex(X_WING_VECTORS[0][0])).publicKey
    expect(toHex(first.subarray(0, 16))).to.equal('e2236b35a8c24b39b10aa1323a96a919')
  })

  it('refuses keys and ciphertexts of other lengths', async () => {
    const kem = xWing() as hpke.KEM
    const pair = await kem.GenerateKeyPair(false)
    await expect(kem.DeserializePublicKey(new Uint8Array(1_215))).to.eventually.be.rejected()
    await expect(kem.DeserializePrivateKey(new Uint8Array(31), false)).to.eventually.be.rejected()
    await expect(kem.Decap(new Uint8Array(1_119), pair.privateKey, undefined)).to.eventually.be.rejected()
    await expect(kem.SerializePrivateKey(pair.privateKey)).to.eventually.be.rejected()
    await expect(kem.Encap(pair.privateKey)).to.eventually.be.rejected()
  })
})

describe('RFC 9180 vectors', () => {
  it('A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, base mode', async () => {
    const suite = new hpke.CipherSuite(hpke.KEM_DHKEM_X25519_HKDF_SHA256, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES_128_GCM)
    const key = await suite.DeserializePrivateKey(fromHex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'), true)
    const publicKey = await suite.DeserializePublicKey(fromHex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d'))
    const context = await suite.SetupRecipient({ privateKey: key, publicKey }, fromHex('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431'), {
      info: fromHex('4f6465206f6e2061204772656369616e2055726e')
    })
    const opened = await context.Open(fromHex('f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a'), fromHex('436f756e742d30'))
    expect(toHex(opened)).to.equal('4265617574792069732074727574682c20747275746820626561757479')
    expect(toHex(await context.Export(new Uint8Array(), 32))).to.equal('3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee')
  })
})

describe('against a second implementation of HPKE', () => {
  for (const [name, kem] of [['X-Wing', KEMS.xWing], ['X25519', KEMS.x25519]] as const) {
    const other = new CipherSuite({ kem: kem === KEMS.xWing ? new OtherXWing() : new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

    it(`${name}: what it seals opens here, with the same exports`, async () => {
      expect(other.aead.id).to.equal(AeadId.Aes256Gcm)
      expect(other.kdf.id).to.equal(KdfId.HkdfSha256)
      const keyPair = await generateHpkeKeyPair(kem)
      const sender = await other.createSenderContext({
        recipientPublicKey: await other.kem.deserializePublicKey(keyPair.publicKey.slice().buffer),
        info
      })
      const ct = new Uint8Array(await sender.seal(payload, header))
      const opened = await openRequest({ keyPair, bindingHash, header, ciphertext: concat(new Uint8Array(sender.enc), ct) })
      expect(opened.payload).to.deep.equal(payload)
      expect(opened.reqSalt()).to.deep.equal(new Uint8Array(await sender.export(utf8('cocoon/export/request-salt/v1'), 32)))
      expect(opened.ansSalt()).to.deep.equal(new Uint8Array(await sender.export(utf8('cocoon/export/answer-salt/v1'), 32)))
    })

    it(`${name}: what is sealed here opens there`, async () => {
      const keyPair = await generateHpkeKeyPair(kem, { extractable: true })
      const sealed = await sealRequest({ kem, publicKey: keyPair.publicKey, bindingHash, header, payload })
      const encBytes = kem === KEMS.xWing ? 1_120 : 32
      const privateKey = await exportHpkePrivateKey(keyPair)
      const recipient = await other.createRecipientContext({
        recipientKey: await other.kem.deserializePrivateKey(privateKey.slice().buffer),
        enc: sealed.ciphertext.slice(0, encBytes).buffer,
        info
      })
      const opened = await recipient.open(sealed.ciphertext.slice(encBytes), header)
      expect(new Uint8Array(opened)).to.deep.equal(payload)
      const again = await importHpkeKeyPair({ kem, privateKey, publicKey: keyPair.publicKey })
      expect((await openRequest({ keyPair: again, bindingHash, header, ciphertext: sealed.ciphertext })).payload).to.deep.equal(payload)
    })
  }
})
