import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { NO_MEMORY, openMemory, readVersions, writeVersions } from '../src/commands/verify-memory.ts'
import { createSandbox } from './fixtures/run-command.ts'

describe('verify memory', () => {
  it('starts empty, comes back as written, and leaves no draft behind', async () => {
    const { home, remove } = await createSandbox()
    try {
      expect(await readVersions(home)).to.deep.equal({})
      await writeVersions(home, { 'qe/TD_QE': 18 })
      expect(await readVersions(home)).to.deep.equal({ 'qe/TD_QE': 18 })
      expect(await readdir(home)).to.deep.equal(['collateral-versions.json'])
      expect(await readFile(join(home, 'collateral-versions.json'), 'utf8')).to.equal('{"qe/TD_QE":18}\n')
      await rm(home, { recursive: true })
    } finally {
      await remove()
    }
  })

  it('keeps what is higher than before, and touches nothing else', async () => {
    const { home, remove } = await createSandbox()
    try {
      const path = join(home, 'collateral-versions.json')
      const first = await openMemory(home)
      expect([first.versions, first.fault]).to.deep.equal([{}, null])
      await first.remember({})
      expect(await readFile(path, 'utf8').catch(() => null)).to.equal(null)
      await first.remember({ a: 18, b: 17 })
      await (await openMemory(home)).remember({ a: 17, b: 19 })
      expect((await openMemory(home)).versions).to.deep.equal({ a: 18, b: 19 })
      await writeFile(path, 'damaged')
      const damaged = await openMemory(home)
      expect(damaged.versions).to.deep.equal({})
      expect(damaged.fault).to.include('is damaged')
      await damaged.remember({ a: 20 })
      expect(await readFile(path, 'utf8')).to.equal('damaged')
      await NO_MEMORY.remember({ a: 20 })
      expect(NO_MEMORY).to.deep.include({ versions: {}, fault: null })
    } finally {
      await remove()
    }
  })

  it('is never lowered by others that write at the same time, nor held up by one that died', async () => {
    const { home, remove } = await createSandbox()
    try {
      // All have read the empty memory before any writes.
      const memories = await Promise.all(Array.from({ length: 12 }, async () => openMemory(home)))
      await Promise.all(memories.map(async (memory, i) => memory.remember({ shared: (i * 7) % 12, [`own${i}`]: i })))
      const own = Object.fromEntries(memories.map((_, i) => [`own${i}`, i]))
      expect(await readVersions(home)).to.deep.equal({ shared: 11, ...own })
      await mkdir(join(home, 'collateral-versions.json.lock'))
      await (await openMemory(home, 0)).remember({ shared: 12 })
      expect(await readVersions(home)).to.include({ shared: 12 })
      expect(await readdir(home)).to.deep.equal(['collateral-versions.json'])
    } finally {
      await remove()
    }
  })

  it('is empty in a home that cannot be, and unreadable where it is no file', async () => {
    expect(await readVersions('/dev/null/home')).to.deep.equal({})
    const { home, remove } = await createSandbox()
    try {
      await mkdir(join(home, 'collateral-versions.json'), { recursive: true })
      expect((await openMemory(home)).fault).to.include('cannot be read')
    } finally {
      await remove()
    }
  })

  it('says so when it cannot be kept', async () => {
    let failure: unknown
    await writeVersions('/dev/null/home', {}).catch((error: unknown) => { failure = error })
    expect(failure).to.have.property('code', 'file_unusable')
  })
})
