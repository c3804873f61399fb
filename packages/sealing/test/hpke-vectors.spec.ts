import { KEMS, fromHex, toHex, utf8 } from '@cocoon-net/protocol'
import { KEM_MLKEM768_X25519 } from '@panva/hpke-noble'
import { expect } from 'aegir/chai'
import * as hpke from 'hpke'
import { aeadFactory, kdfFactory } from '../src/native-suite.ts'
import { nodeXWing } from '../src/node-x-wing.ts'
import { suiteOf } from '../src/suite.ts'
import { webXWing, webXWingOn } from '../src/web-x-wing.ts'
import { xWing, xWingOn, xWingSource } from '../src/x-wing.ts'
import { INFO, PLAINTEXT, X25519_AES_128_GCM, X25519_AES_256_GCM } from './vectors/rfc-9180.ts'
import { X_WING_VECTORS } from './vectors/x-wing.ts'

/** Where the platform's Web Crypto has ML-KEM, its code is run too: also in Node, whose own goes first. */
const subtle = globalThis.crypto.subtle
const hasWebMlKem = typeof (subtle as { encapsulateBits?: unknown }).encapsulateBits === 'function'

const X_WINGS = [
  ...(nodeXWing == null ? [] : [['Node\'s ML-KEM', xWingOn(nodeXWing)] as const]),
  ...(hasWebMlKem ? [['Web Crypto\'s ML-KEM', xWingOn(webXWingOn(subtle))] as const] : []),
  ['the portable ML-KEM', KEM_MLKEM768_X25519] as const
]

describe('X-Wing vectors (draft-connolly-cfrg-xwing-kem)', () => {
  it('runs on the platform\'s own ML-KEM where there is one', () => {
    const web = webXWing() == null ? 'portable' : 'web'
    expect(xWingSource).to.equal(nodeXWing == null ? web : 'node')
    expect(xWingSource === 'portable').to.equal(X_WINGS.length === 1)
    expect((xWing() as hpke.KEM).id).to.equal(KEMS.xWing)
  })

  for (const [name, factory] of X_WINGS) {
    const suite = new hpke.CipherSuite(factory, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES_256_GCM)
    const kem = factory() as hpke.KEM

    it(`${name}: every vector's shared secret comes out, and its seed goes in and out`, async () => {
      for (const { seed, ss, ct } of X_WING_VECTORS) {
        const key = await suite.DeserializePrivateKey(fromHex(seed), true)
        expect(toHex(await kem.Decap(fromHex(ct), key, undefined))).to.equal(ss)
        expect(toHex(await suite.SerializePrivateKey(key))).to.equal(seed)
      }
    })

    it(`${name}: what it encapsulates to every vector's public key, every other opens`, async () => {
      for (const { seed, pk } of X_WING_VECTORS) {
        const { shared_secret: secret, enc } = await kem.Encap(await kem.DeserializePublicKey(fromHex(pk)))
        for (const [, other] of X_WINGS) {
          const peer = other() as hpke.KEM
          expect(await peer.Decap(enc, await peer.DeserializePrivateKey(fromHex(seed), false), undefined)).to.deep.equal(secret)
        }
      }
    })

    it(`${name}: makes the keys that the others make of the same input`, async () => {
      const portable = KEM_MLKEM768_X25519() as hpke.KEM
      const pair = await kem.DeriveKeyPair(new Uint8Array(32), true)
      const other = await portable.DeriveKeyPair(new Uint8Array(32), true)
      expect(await kem.SerializePrivateKey(pair.privateKey)).to.deep.equal(await portable.SerializePrivateKey(other.privateKey))
      expect(await kem.SerializePublicKey(pair.publicKey)).to.deep.equal(await portable.SerializePublicKey(other.publicKey))
    })

    it(`${name}: refuses keys and ciphertexts of other lengths, and gives no private key away`, async () => {
      const pair = await kem.GenerateKeyPair(false)
      await expect(suite.DeserializePublicKey(new Uint8Array(1_215)).then(async key => kem.Encap(key))).to.eventually.be.rejected()
      await expect(suite.DeserializePrivateKey(new Uint8Array(31), false)).to.eventually.be.rejected()
      await expect(kem.Decap(new Uint8Array(1_119), pair.privateKey, undefined)).to.eventually.be.rejected()
      await expect(kem.Decap(new Uint8Array(1_121), pair.privateKey, undefined)).to.eventually.be.rejected()
      await expect(suite.SerializePrivateKey(pair.privateKey)).to.eventually.be.rejected()
      await expect(kem.Encap(pair.privateKey)).to.eventually.be.rejected()
    })
  }

  it('makes the public key that each vector names, of its seed', async () => {
    for (const { seed, pk } of X_WING_VECTORS) {
      for (const platform of [nodeXWing, hasWebMlKem ? webXWingOn(subtle) : undefined]) {
        if (platform != null) {
          const expanded = platform.shake256(fromHex(seed), 96)
          const { mlKemPublic, x25519Public } = await (platform as typeof nodeXWing & object).privateParts(expanded.subarray(0, 64), expanded.subarray(64))
          expect(toHex(mlKemPublic) + toHex(x25519Public)).to.equal(pk)
        }
      }
    }
  })
})

describe('RFC 9180 vectors', () => {
  /** The KEM of the suite in use, which encapsulates with the vector's ephemeral key. */
  function fixedEncap ({ enc, sharedSecret }: typeof X25519_AES_256_GCM): hpke.KEMFactory {
    const kem = hpke.KEM_DHKEM_X25519_HKDF_SHA256() as hpke.KEM
    return () => ({ ...kem, Encap: async () => ({ enc: fromHex(enc), shared_secret: fromHex(sharedSecret) }) })
  }

  for (const [name, vector, kdf, aead] of [
    ['AES-256-GCM, as in use here', X25519_AES_256_GCM, kdfFactory, aeadFactory],
    ['AES-256-GCM, Web Crypto', X25519_AES_256_GCM, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES_256_GCM],
    ['AES-128-GCM (A.1.1), key schedule as in use here', X25519_AES_128_GCM, kdfFactory, hpke.AEAD_AES_128_GCM]
  ] as const) {
    it(`${name}: the recipient opens every encryption in turn and exports the same`, async () => {
      const suite = new hpke.CipherSuite(hpke.KEM_DHKEM_X25519_HKDF_SHA256, kdf, aead)
      const privateKey = await suite.DeserializePrivateKey(fromHex(vector.skRm), true)
      const publicKey = await suite.DeserializePublicKey(fromHex(vector.pkRm))
      const recipient = await suite.SetupRecipient({ privateKey, publicKey }, fromHex(vector.enc), { info: fromHex(INFO) })
      const sender = (await new hpke.CipherSuite(fixedEncap(vector), kdf, aead).SetupSender(publicKey, { info: fromHex(INFO) })).ctx
      for (const { context, value } of vector.exports) {
        expect(toHex(await recipient.Export(fromHex(context), 32))).to.equal(value)
        expect(toHex(await sender.Export(fromHex(context), 32))).to.equal(value)
      }
      for (let seq = 0; seq <= vector.encryptions[vector.encryptions.length - 1].seq; seq++) {
        const aad = utf8(`Count-${seq}`)
        const ct = await sender.Seal(fromHex(PLAINTEXT), aad)
        const expected = vector.encryptions.find(one => one.seq === seq)
        if (expected != null) {
          expect(toHex(ct)).to.equal(expected.ct)
        }
        expect(toHex(await recipient.Open(expected == null ? ct : fromHex(expected.ct), aad))).to.equal(PLAINTEXT)
      }
    })
  }

  it('are of the suite that requests are sealed with', async () => {
    const suite = suiteOf(KEMS.x25519)
    expect([suite.KEM.id, suite.KDF.id, suite.AEAD.id]).to.deep.equal([KEMS.x25519, 1, X25519_AES_256_GCM.aeadId])
    const kem = hpke.KEM_DHKEM_X25519_HKDF_SHA256() as hpke.KEM
    const key = await kem.DeserializePrivateKey(fromHex(X25519_AES_256_GCM.skRm), false)
    const publicKey = await kem.DeserializePublicKey(fromHex(X25519_AES_256_GCM.pkRm))
    expect(toHex(await kem.Decap(fromHex(X25519_AES_256_GCM.enc), key, publicKey))).to.equal(X25519_AES_256_GCM.sharedSecret)
  })
})
