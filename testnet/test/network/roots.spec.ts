import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { claimControl } from '../../src/network/control-file.ts'
import { makeOnceFolder, sweepOnceFolders, testnetRoot } from '../../src/network/roots.ts'

describe('folders', () => {
  let root: string
  beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'cocoon-roots-')) })
  afterEach(async () => { await rm(root, { recursive: true, force: true }) })

  it('lie in the home, away from its keys', () => {
    expect(testnetRoot({ COCOON_HOME: '/h' })).to.equal('/h/testnet')
    expect(testnetRoot({ COCOON_HOME: '' })).to.match(/\/\.cocoon\/testnet$/)
    expect(testnetRoot({})).to.match(/\/\.cocoon\/testnet$/)
  })

  it('of runs that ended without tidying up are removed, and no others', async () => {
    const nowMs = 1_000_000_000_000
    const atMs = async (name: string, ms: number): Promise<void> => { await utimes(join(root, name), ms / 1_000, ms / 1_000) }
    const running = await makeOnceFolder(root)
    const control = await claimControl(running, { folder: running, startedAtMs: nowMs })
    const kept = await makeOnceFolder(root, 'kept-')
    for (const name of ['once-old', 'once-fresh', 'network']) {
      await mkdir(join(root, name))
    }
    await atMs('once-old', nowMs - 3_600_001)
    await atMs('once-fresh', nowMs - 3_600_000)
    await sweepOnceFolders(root, nowMs)
    expect((await readdir(root)).map(name => join(root, name))).to.have.members([running, kept, join(root, 'once-fresh'), join(root, 'network')])
    await control.release()
    await sweepOnceFolders(join(root, 'nowhere'), nowMs)
  })
})
