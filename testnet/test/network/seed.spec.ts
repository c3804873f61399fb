import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadHostKey, openHostDatastore } from '@cocoon-net/node'
import { expect } from 'aegir/chai'
import { seedHome, seedPeerDatabase } from '../../src/network/seed-home.ts'
import { seededBytes, seededSequence } from '../../src/network/seed.ts'

async function keysOf (home: string): Promise<string[]> {
  const { datastore, close } = await openHostDatastore(join(home, 'peers'))
  const peer = (await loadHostKey(datastore)).publicKey.toString()
  await close()
  return [peer, ...await Promise.all(['wallet', 'receipt', 'voucher'].map(async name => readFile(join(home, 'keys', `${name}.key`), 'utf8')))]
}

describe('seed', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cocoon-seed-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('gives the same bytes and the same row for the same purpose, and others for any other', () => {
    expect(seededBytes('7', 'genesis')).to.deep.equal(seededBytes('7', 'genesis')).and.have.lengthOf(32)
    expect(seededBytes('7', 'genesis')).to.not.deep.equal(seededBytes('8', 'genesis'))
    expect(seededBytes('7', 'genesis')).to.not.deep.equal(seededBytes('7', 'genesis2'))
    const [one, again] = [seededSequence('7', 'x'), seededSequence('7', 'x')]
    const row = [one(), one(), one()]
    expect([again(), again(), again()]).to.deep.equal(row)
    expect(new Set(row).size).to.equal(3)
  })

  it('gives a node the same keys in any folder, and every node its own', async () => {
    await seedHome(join(folder, 'a'), '7', 'provider-1')
    await seedHome(join(folder, 'b'), '7', 'provider-1')
    await seedHome(join(folder, 'c'), '7', 'provider-2')
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(async name => keysOf(join(folder, name))))
    expect(a).to.deep.equal(b)
    expect(new Set([...a, ...c]).size).to.equal(8)
  })

  it('refuses a folder that has another key already', async () => {
    await seedPeerDatabase(folder, '7', 'provider-1')
    await seedPeerDatabase(folder, '7', 'provider-1')
    const code = await seedPeerDatabase(folder, '8', 'provider-1').then(() => 'done', (error: { code: string }) => error.code)
    expect(code).to.equal('file_unusable')
  })
})
