import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect } from 'aegir/chai'
import { changePassphrase, importKey, loadKey, loadOrCreateKey } from '../src/key-file.ts'
import { isSealed, openSeed, sealSeed } from '../src/key-seal.ts'
import { ed25519Signer, seedFromMnemonic } from '../src/signer.ts'
import { createWallet } from '../src/wallet.ts'
import { LedgerChain, manualClock } from './fixtures.ts'

/** Made by `mnemonicNew` of @ton/crypto, with the key that its `mnemonicToPrivateKey` gives. */
const MNEMONIC = 'method lemon spatial prevent provide pattern vanish bargain crazy truly impact decide neck joy grief emotion curious price palm invite unique panther stem crash'
const MNEMONIC_PUBLIC_KEY = '1a25895f0bcd72179d017c10a4d304e3e7cb211deaedfd07c49541e0667d93cd'
/** Cheap enough for tests. */
const cheap = { log2Cost: 4 }
const seed = new Uint8Array(32).fill(0xa7)
const seedHex = Buffer.from(seed).toString('hex')

describe('keys', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'settlement-keys-')) })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  it('opens a protected seed with its passphrase only, however it is typed', async () => {
    const text = await sealSeed(seed, 'pass\u00e9', cheap)
    expect(isSealed(text) && !text.includes(seedHex)).to.equal(true)
    expect(await openSeed(text, 'passe\u0301')).to.deep.equal(seed)
    for (const wrong of ['', 'pass', 'pass\u00e9 ']) {
      await expect(openSeed(text, wrong)).to.eventually.be.rejected.with.property('code', 'key_locked')
    }
    expect(await sealSeed(seed, 'passe', cheap)).to.not.equal(await sealSeed(seed, 'passe', cheap))
  })

  it('refuses a changed file and one that asks for too much work', async () => {
    const text = await sealSeed(seed, 'pass', cheap)
    for (const at of [text.length - 1, text.length - 40, text.length - 120]) {
      const flipped = text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1)
      await expect(openSeed(flipped, 'pass')).to.eventually.be.rejected.with.property('code', 'key_locked')
    }
    for (const bad of [text.replace('$4$', '$21$'), text.slice(1), `${text}0`, '']) {
      await expect(openSeed(bad, 'pass')).to.eventually.be.rejected.with.property('code', 'file_unusable')
    }
  })

  it('keeps a protected key in a file of its owner, and never replaces a key', async () => {
    const path = join(folder, 'wallet.key')
    await importKey(path, seed, { passphrase: 'pass', ...cheap })
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readFile(path, 'utf8')).to.not.include(seedHex)
    await expect(importKey(path, new Uint8Array(32), {})).to.eventually.be.rejected.with.property('code', 'key_exists')
    await expect(importKey(join(folder, 'short'), new Uint8Array(31))).to.eventually.be.rejectedWith(RangeError)
    await expect(loadOrCreateKey(path)).to.eventually.be.rejected.with.property('code', 'key_locked')
    await expect(loadKey(path, { passphrase: 'other' })).to.eventually.be.rejected.with.property('code', 'key_locked')
    expect(await loadOrCreateKey(path, { passphrase: 'pass' })).to.deep.equal(seed)
    expect(await readdir(folder)).to.deep.equal(['wallet.key'])
  })

  it('changes and removes a passphrase without a moment without the key', async () => {
    const path = join(folder, 'wallet.key')
    await importKey(path, seed)
    await changePassphrase(path, {}, { passphrase: 'one', ...cheap })
    await expect(changePassphrase(path, { passphrase: 'wrong' }, {})).to.eventually.be.rejected.with.property('code', 'key_locked')
    await changePassphrase(path, { passphrase: 'one' }, { passphrase: 'two', ...cheap })
    expect(await loadKey(path, { passphrase: 'two' })).to.deep.equal(seed)
    await changePassphrase(path, { passphrase: 'two' }, {})
    expect(await loadKey(path)).to.deep.equal(seed)
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readdir(folder)).to.deep.equal(['wallet.key'])
    await expect(loadKey(join(folder, 'none'))).to.eventually.be.rejected.with.property('code', 'file_unusable')
  })

  it('refuses a file that others may read', async () => {
    const path = join(folder, 'open.key')
    await writeFile(path, `${seedHex}\n`, { mode: 0o644 })
    await expect(loadKey(path)).to.eventually.be.rejected.with.property('code', 'file_unusable')
  })

  it('takes a wallet\'s 24 words as every TON wallet does', async () => {
    const words = MNEMONIC.split(' ')
    const imported = await seedFromMnemonic(words.map(word => ` ${word.toUpperCase()} `), { isDevnet: false })
    expect(Buffer.from(ed25519Signer(imported).publicKey).toString('hex')).to.equal(MNEMONIC_PUBLIC_KEY)
    for (const bad of [words.slice(1), [...words.slice(1), 'nonsense'], []]) {
      const error: any = await seedFromMnemonic(bad, { isDevnet: false }).catch((err: unknown) => err)
      expect(error).to.have.property('code', 'usage')
      expect(words.filter(word => word.length > 4).some(word => error.message.includes(word))).to.equal(false)
    }
  })

  it('shows no secret, however signers, wallets and errors are printed', async () => {
    const signer = ed25519Signer(seed)
    const wallet = createWallet({ signer, port: new LedgerChain(manualClock()).port(), globalId: -1_217 })
    const path = join(folder, 'wallet.key')
    await importKey(path, seed, { passphrase: 'open sesame', ...cheap })
    const locked: unknown = await loadKey(path, { passphrase: 'close sesame' }).catch((err: unknown) => err)
    const malformed = join(folder, 'malformed.key')
    await writeFile(malformed, `${seedHex}a\n`, { mode: 0o600 })
    const unusable: unknown = await loadKey(malformed).catch((err: unknown) => err)
    for (const value of [signer, wallet, locked, unusable]) {
      const printed = `${inspect(value, { depth: 9, showHidden: true })} ${String(value)} ${JSON.stringify(value)} ${(value as Error).stack ?? ''}`
      for (const secret of [seedHex, Buffer.from(seed).toString('base64'), '167, 167, 167', 'a7 a7 a7', 'sesame']) {
        expect(printed).to.not.include(secret)
      }
    }
  })
})
