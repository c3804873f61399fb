import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { openHome } from '../src/home.ts'

describe('home', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cocoon-home-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('belongs to one process at a time', async () => {
    const first = await openHome(folder)
    await expect(openHome(folder)).to.eventually.be.rejected().with.property('code', 'home_locked')
    await first.close()
    await (await openHome(folder)).close()
  })

  it('keeps separate keys, each in a file that only its owner can read', async () => {
    const home = await openHome(folder)
    const keys = await Promise.all((['wallet', 'receipt', 'voucher'] as const).map(async name => (await home.signer(name)).publicKey.join()))
    expect(new Set(keys).size).to.equal(3)
    const again = (await home.signer('wallet')).publicKey.join()
    expect(again).to.equal(keys[0])
    for (const file of await readdir(join(folder, 'keys'))) {
      expect((await stat(join(folder, 'keys', file))).mode & 0o777).to.equal(0o600)
    }
    await home.close()
  })

  it('opens protected keys with their passphrase only', async () => {
    const first = await openHome(folder, { passphrase: 'open sesame' })
    const key = (await first.signer('wallet')).publicKey.join()
    await first.close()
    for (const keys of [{}, { passphrase: 'another' }]) {
      const home = await openHome(folder, keys)
      await expect(home.signer('wallet')).to.eventually.be.rejected().with.property('code', 'key_locked')
      await home.close()
    }
    const again = await openHome(folder, { passphrase: 'open sesame' })
    expect((await again.signer('wallet')).publicKey.join()).to.equal(key)
    await again.close()
  }).timeout(60_000)

  it('keeps its identity over a restart', async () => {
    const first = await openHome(folder)
    const key = first.privateKey.publicKey.toString()
    await first.close()
    const second = await openHome(folder)
    expect(second.privateKey.publicKey.toString()).to.equal(key)
    await second.close()
  })
})
