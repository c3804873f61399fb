import { KEMS, concat, utf8 } from '@cocoon-net/protocol'
import { Aes256Gcm, AeadId, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, KdfId } from '@hpke/core'
import { XWing } from '@hpke/hybridkem-x-wing'
import { XWing as nobleXWing } from '@noble/post-quantum/hybrid.js'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import * as hpke from 'hpke'
import { exportHpkePrivateKey, generateHpkeKeyPair, importHpkeKeyPair, openRequest, sealRequest } from '../src/index.ts'
import { infoOf } from '../src/suite.ts'
import { xWing } from '../src/x-wing.ts'

const BINDING_BYTES = 32
const RUNS = 8

const job = fc.record({
  bindingHash: fc.uint8Array({ minLength: BINDING_BYTES, maxLength: BINDING_BYTES }),
  header: fc.uint8Array({ maxLength: 200 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 2_048 })
})

describe('against a second implementation of HPKE', () => {
  for (const [name, kem] of [['X-Wing', KEMS.xWing], ['X25519', KEMS.x25519]] as const) {
    const other = new CipherSuite({ kem: kem === KEMS.xWing ? new XWing() : new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

    it(`${name}: what it seals opens here, with the same exports`, async () => {
      expect(other.aead.id).to.equal(AeadId.Aes256Gcm)
      expect(other.kdf.id).to.equal(KdfId.HkdfSha256)
      const keyPair = await generateHpkeKeyPair(kem)
      const recipientPublicKey = await other.kem.deserializePublicKey(keyPair.publicKey.slice().buffer)
      await fc.assert(fc.asyncProperty(job, async ({ bindingHash, header, payload }) => {
        const sender = await other.createSenderContext({ recipientPublicKey, info: infoOf(bindingHash) })
        const ct = new Uint8Array(await sender.seal(payload, header))
        const opened = await openRequest({ keyPair, bindingHash, header, ciphertext: concat(new Uint8Array(sender.enc), ct) })
        expect(opened.payload).to.deep.equal(payload)
        expect(opened.reqSalt()).to.deep.equal(new Uint8Array(await sender.export(utf8('cocoon/export/request-salt/v1'), 32)))
        expect(opened.ansSalt()).to.deep.equal(new Uint8Array(await sender.export(utf8('cocoon/export/answer-salt/v1'), 32)))
      }), { numRuns: RUNS })
    })

    it(`${name}: what is sealed here opens there, with the same exports`, async () => {
      const keyPair = await generateHpkeKeyPair(kem, { extractable: true })
      const encBytes = kem === KEMS.xWing ? 1_120 : 32
      const privateKey = await exportHpkePrivateKey(keyPair)
      const recipientKey = await other.kem.deserializePrivateKey(privateKey.slice().buffer)
      const again = await importHpkeKeyPair({ kem, privateKey, publicKey: keyPair.publicKey })
      await fc.assert(fc.asyncProperty(job, async ({ bindingHash, header, payload }) => {
        const sealed = await sealRequest({ kem, publicKey: keyPair.publicKey, bindingHash, header, payload })
        const recipient = await other.createRecipientContext({ recipientKey, enc: sealed.ciphertext.slice(0, encBytes).buffer, info: infoOf(bindingHash) })
        expect(new Uint8Array(await recipient.open(sealed.ciphertext.slice(encBytes), header))).to.deep.equal(payload)
        expect(sealed.reqSalt()).to.deep.equal(new Uint8Array(await recipient.export(utf8('cocoon/export/request-salt/v1'), 32)))
        expect((await openRequest({ keyPair: again, bindingHash, header, ciphertext: sealed.ciphertext })).payload).to.deep.equal(payload)
      }), { numRuns: RUNS })
    })
  }

  it('X-Wing alone, beside one more implementation, in both directions', async () => {
    const kem = xWing() as hpke.KEM
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 64, maxLength: 64 }), async (seed, eseed) => {
      const { publicKey, secretKey } = nobleXWing.keygen(seed)
      const theirs = nobleXWing.encapsulate(publicKey, eseed)
      expect(await kem.Decap(theirs.cipherText, await kem.DeserializePrivateKey(seed, false), undefined)).to.deep.equal(theirs.sharedSecret)
      const ours = await kem.Encap(await kem.DeserializePublicKey(publicKey))
      expect(nobleXWing.decapsulate(ours.enc, secretKey)).to.deep.equal(ours.shared_secret)
    }), { numRuns: RUNS })
  })
})
