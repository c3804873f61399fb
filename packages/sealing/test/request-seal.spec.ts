import { KEMS, concat } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { exportHpkePrivateKey, generateHpkeKeyPair, openRequest, sealRequest } from '../src/index.ts'

const bindingHash = new Uint8Array(32).fill(1)
const header = new Uint8Array(100).fill(2)
const payload = new Uint8Array(1_024).fill(3)
const providerNonce = new Uint8Array(32).fill(4)

describe('request seal', () => {
  for (const [name, kem] of [['X-Wing', KEMS.xWing], ['X25519', KEMS.x25519]] as const) {
    it(`${name}: opens to the same payload, salts and response keys`, async () => {
      const keyPair = await generateHpkeKeyPair(kem)
      const sealed = await sealRequest({ kem, publicKey: keyPair.publicKey, bindingHash, header, payload })
      const opened = await openRequest({ keyPair, bindingHash, header, ciphertext: sealed.ciphertext })
      expect(opened.payload).to.deep.equal(payload)
      expect(opened.reqSalt()).to.deep.equal(sealed.reqSalt())
      expect(opened.ansSalt()).to.deep.equal(sealed.ansSalt())
      expect(opened.reqSalt()).to.not.deep.equal(opened.ansSalt())
      const sealer = await opened.sealer(providerNonce)
      const opener = await sealed.response(providerNonce)
      expect(opener.open(sealer.seal(payload, { final: false }))).to.deep.equal(payload)
      expect(opener.open(sealer.seal(header, { final: true }))).to.deep.equal(header)
      expect(opener.finished).to.be.true()
    })

    it(`${name}: a flipped bit in every byte, and every cut, is refused`, async () => {
      const keyPair = await generateHpkeKeyPair(kem)
      const { ciphertext } = await sealRequest({ kem, publicKey: keyPair.publicKey, bindingHash, header, payload: payload.slice(0, 16) })
      const refused = async (changed: Uint8Array): Promise<void> => {
        await expect(openRequest({ keyPair, bindingHash, header, ciphertext: changed })).to.eventually.be.rejected.with.property('code', 'seal_failed')
      }
      // X25519's few bytes: every bit. X-Wing's thousand: one in each byte, each of a byte's bits in turn, and all of what follows the KEM.
      const encBytes = kem === KEMS.xWing ? 1_120 : 0
      for (let at = 0; at < ciphertext.byteLength; at++) {
        for (const bit of at < encBytes ? [at % 8] : [0, 1, 2, 3, 4, 5, 6, 7]) {
          const changed = ciphertext.slice()
          changed[at] ^= 1 << bit
          await refused(changed)
        }
      }
      const step = kem === KEMS.xWing ? 16 : 1
      for (let length = 0; length < ciphertext.byteLength; length += length < encBytes ? step : 1) {
        await refused(ciphertext.slice(0, length))
      }
      await refused(concat(ciphertext, Uint8Array.of(0)))
      await refused(concat(Uint8Array.of(0), ciphertext))
    })
  }

  it('another binding, header, key or provider nonce does not open', async () => {
    const keyPair = await generateHpkeKeyPair()
    const other = await generateHpkeKeyPair()
    const sealed = await sealRequest({ kem: keyPair.kem, publicKey: keyPair.publicKey, bindingHash, header, payload })
    const { ciphertext } = sealed
    for (const changed of [{ bindingHash: new Uint8Array(32) }, { header: new Uint8Array(100) }, { header: concat(header, header) }, { keyPair: other }]) {
      await expect(openRequest({ keyPair, bindingHash, header, ciphertext, ...changed })).to.eventually.be.rejected.with.property('code', 'seal_failed')
    }
    const opened = await openRequest({ keyPair, bindingHash, header, ciphertext })
    const sealer = await opened.sealer(new Uint8Array(32))
    const opener = await sealed.response(providerNonce)
    expect(() => opener.open(sealer.seal(payload, { final: true }))).to.throw().with.property('code', 'seal_failed')
  })

  it('two seals of one payload have nothing in common', async () => {
    const keyPair = await generateHpkeKeyPair()
    const init = { kem: keyPair.kem, publicKey: keyPair.publicKey, bindingHash, header, payload }
    const [a, b] = await Promise.all([sealRequest(init), sealRequest(init)])
    expect(a.ciphertext).to.not.deep.equal(b.ciphertext)
    expect(a.reqSalt()).to.not.deep.equal(b.reqSalt())
  })

  it('gives response keys once, and none after wiping', async () => {
    const keyPair = await generateHpkeKeyPair()
    const init = { kem: keyPair.kem, publicKey: keyPair.publicKey, bindingHash, header, payload }
    const first = await sealRequest(init)
    const opened = await openRequest({ keyPair, bindingHash, header, ciphertext: first.ciphertext })
    await opened.sealer(providerNonce)
    await expect(opened.sealer(providerNonce)).to.eventually.be.rejected.with.property('code', 'seal_failed')
    await first.response(providerNonce)
    await expect(first.response(providerNonce)).to.eventually.be.rejected.with.property('code', 'seal_failed')
    const second = await sealRequest(init)
    second.wipe()
    await expect(second.response(providerNonce)).to.eventually.be.rejected.with.property('code', 'seal_failed')
  })

  it('refuses an unknown KEM, a malformed key, a short binding hash or nonce', async () => {
    const keyPair = await generateHpkeKeyPair(KEMS.x25519)
    const init = { kem: keyPair.kem, publicKey: keyPair.publicKey, bindingHash, header, payload }
    await expect(sealRequest({ ...init, kem: 0x10 })).to.eventually.be.rejected.with.property('code', 'seal_failed')
    await expect(sealRequest({ ...init, kem: KEMS.xWing })).to.eventually.be.rejected.with.property('code', 'seal_failed')
    // RFC 7748 §6.1: the all-zero result of a low-order point is refused.
    await expect(sealRequest({ ...init, publicKey: new Uint8Array(32) })).to.eventually.be.rejected.with.property('code', 'seal_failed')
    await expect(sealRequest({ ...init, bindingHash: new Uint8Array(31) })).to.eventually.be.rejected.with.property('code', 'seal_failed')
    const sealed = await sealRequest(init)
    await expect(sealed.response(new Uint8Array(31))).to.eventually.be.rejected.with.property('code', 'seal_failed')
  })

  it('keeps the private key inside unless told otherwise', async () => {
    for (const kem of [KEMS.xWing, KEMS.x25519]) {
      await expect(exportHpkePrivateKey(await generateHpkeKeyPair(kem))).to.eventually.be.rejected.with.property('code', 'seal_failed')
    }
  })
})
