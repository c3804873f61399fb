import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { openSlashEvidence } from '../src/slash-evidence-files.ts'
import type { SlashEvidence } from '@cocoon-net/settlement'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const hex = (n: number): string => Buffer.from(id(n)).toString('hex')
const body = beginCell().storeUint(7, 32).endCell()
const evidence = (job: number, stake = 1): SlashEvidence => ({ kind: 'E2', stake: id(stake), jobId: id(job), body })

describe('slash-evidence-files', () => {
  let folder: string

  beforeEach(async () => { folder = join(await mkdtemp(join(tmpdir(), 'cocoon-')), 'slash-evidence') })
  afterEach(async () => rm(folder, { recursive: true, force: true }))

  it('writes one file for each job, for its owner only, as `cocoon stake report` reads it', async () => {
    const store = await openSlashEvidence(folder, () => 0)
    expect(store.stakes()).to.deep.equal([])
    await store.put(evidence(2), 'peer')
    await store.put(evidence(2), 'another')
    const name = `${hex(1)}-${hex(2)}-E2.json`
    expect(await readdir(folder)).to.deep.equal([name])
    expect((await stat(join(folder, name))).mode & 0o777).to.equal(0o600)
    expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).to.deep.equal({
      version: 1, kind: 'E2', stake: `0:${hex(1)}`, bodyBoc: body.toBoc().toString('base64'), provider: 'peer', foundAt: '1970-01-01T00:00:00.000Z'
    })
    expect(store.stakes()).to.deep.equal([hex(1)])
  })

  it('knows after a restart whom it holds evidence against, and nothing from other files', async () => {
    const store = await openSlashEvidence(folder)
    await store.put(evidence(2), 'peer')
    await store.put(evidence(3), 'peer')
    await store.put(evidence(2, 9), 'peer')
    await writeFile(join(folder, 'notes.txt'), '')
    await writeFile(join(folder, `${hex(5)}-${hex(2)}-E2.json.part`), '')
    expect((await openSlashEvidence(folder)).stakes()).to.have.members([hex(1), hex(9)])
  })

  it('is bounded', async () => {
    const store = await openSlashEvidence(folder)
    for (let job = 0; job < 256; job++) {
      await store.put(evidence(job), 'peer')
    }
    await expect(store.put(evidence(0, 2), 'peer')).to.eventually.be.rejected().with.property('code', 'no_room')
    await store.put(evidence(255), 'peer')
    expect((await readdir(folder)).length).to.equal(256)
  })

  it('says when it cannot read or write', async () => {
    const store = await openSlashEvidence(folder)
    await rm(folder, { recursive: true })
    await expect(store.put(evidence(1), 'peer')).to.eventually.be.rejected().with.property('code', 'file_unusable')
    expect(store.stakes()).to.deep.equal([])
    await writeFile(folder, '')
    await expect(openSlashEvidence(folder)).to.eventually.be.rejected().with.property('code', 'file_unusable')
  })
})
