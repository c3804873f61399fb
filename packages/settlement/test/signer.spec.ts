import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { loadOrCreateKey } from '../src/key-file.ts'
import { ed25519Signer, seedFromMnemonic, verifyEd25519 } from '../src/signer.ts'

const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

describe('signer', () => {
  it('gives RFC 8032 §7.1 test 1', () => {
    const signer = ed25519Signer(fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
    expect(Buffer.from(signer.publicKey).toString('hex')).to.equal('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
    const signature = signer.sign(new Uint8Array(0))
    expect(Buffer.from(signature).toString('hex').slice(0, 32)).to.equal('e5564300c360ac729086e2cc806e828a')
    expect(verifyEd25519(signer.publicKey, new Uint8Array(0), signature)).to.equal(true)
    expect(verifyEd25519(signer.publicKey, Uint8Array.of(1), signature)).to.equal(false)
    expect(verifyEd25519(new Uint8Array(5), new Uint8Array(0), signature)).to.equal(false)
  })

  it('refuses a mnemonic on a devnet', async () => {
    await expect(seedFromMnemonic([], { isDevnet: true })).to.eventually.be.rejected.with.property('code', 'config_invalid')
  })

  it('keeps one key per file, for its owner only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'settlement-'))
    try {
      const path = join(folder, 'a', 'key')
      const [one, two] = await Promise.all([loadOrCreateKey(path), loadOrCreateKey(path)])
      expect(one).to.deep.equal(two)
      expect((await stat(path)).mode & 0o777).to.equal(0o600)
      const bad = join(folder, 'bad')
      await writeFile(bad, 'nonsense', { mode: 0o600 })
      await expect(loadOrCreateKey(bad)).to.eventually.be.rejected.with.property('code', 'file_unusable')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
