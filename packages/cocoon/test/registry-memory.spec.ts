import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRegistryState } from '@cocoon-net/contracts'
import { expect } from 'aegir/chai'
import { registryFile } from '../src/registry-memory.ts'
import { registryData } from './registry-chain.ts'
import { hash } from './registry-samples.ts'

describe('what a home remembers of its registry', () => {
  let folder: string
  let path: string
  const data = registryData(5, [{ kind: 'model', hash: hash(3) }])
  const seen = { data, state: parseRegistryState(data), seenAtMs: 1_234 }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cocoon-registry-'))
    path = join(folder, 'registry.json')
  })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('is read back as it was written, by its owner only', async () => {
    const memory = registryFile(path)
    expect(await memory.load(hash(1))).to.equal(null)
    await memory.save(hash(1), seen)
    const again = await memory.load(hash(1))
    expect([again?.state, again?.seenAtMs, again?.data.equals(data)]).to.deep.equal([seen.state, 1_234, true])
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readdir(folder)).to.deep.equal(['registry.json'])
  })

  it('says nothing of another registry', async () => {
    const memory = registryFile(path)
    await memory.save(hash(1), seen)
    expect(await memory.load(hash(2))).to.equal(null)
  })

  it('is refused when it was damaged, so that nothing is forgotten in silence', async () => {
    const memory = registryFile(path)
    await memory.save(hash(1), seen)
    const whole = await readFile(path, 'utf8')
    for (const text of ['', '{}', whole.slice(0, -10), whole.replace('"v":1', '"v":2'), whole.replace(/"data":"[^"]*"/, '"data":"AAAA"'), whole + ' '.repeat(1_048_577)]) {
      await writeFile(path, text)
      await expect(memory.load(hash(1))).to.eventually.be.rejected().with.property('code', 'file_unusable')
    }
  })

  it('says so when it cannot be written or read', async () => {
    await expect(registryFile(join(folder, 'none', 'registry.json')).save(hash(1), seen)).to.eventually.be.rejected().with.property('code', 'file_unusable')
    await expect(registryFile(folder).load(hash(1))).to.eventually.be.rejected().with.property('code', 'file_unusable')
  })
})
