import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { readVersions, writeVersions } from '../src/commands/verify-memory.ts'
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

  it('says so when it cannot be kept', async () => {
    let failure: unknown
    await writeVersions('/dev/null/home', {}).catch((error: unknown) => { failure = error })
    expect(failure).to.have.property('code', 'file_unusable')
  })
})
