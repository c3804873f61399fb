import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { devnetPolicy } from '@cocoon-net/attestation'
import { devnetPreset } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { followRegistry } from '../src/registry-follow.ts'
import { TestReader, registryData } from './registry-chain.ts'
import { hash } from './registry-samples.ts'

describe('the registry of a node', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cocoon-follow-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('is read and remembered in the home, and allows what it lists', async () => {
    const network = devnetPreset(hash(1), hash(2))
    const reader = new TestReader(registryData(1, [{ kind: 'measurement', hash: hash(5) }]))
    const registry = await followRegistry({ network, folder, reader })
    await registry.stop()
    const rules = registry.rules(devnetPolicy(network))
    expect(rules.policy().measurements).to.deep.equal(['05'.repeat(32)])
    expect(rules.refusal()?.message).to.match(/the vault code [0-9a-f]{64} is not listed$/)
    expect(await readdir(folder)).to.deep.equal(['registry.json'])
  })

  it('asks nobody on a network that has none', async () => {
    const network = devnetPreset(hash(1))
    const reader = new TestReader(registryData(1))
    const registry = await followRegistry({ network, folder, reader })
    const policy = devnetPolicy(network)
    expect([registry.rules(policy).policy(), reader.reads]).to.deep.equal([policy, 0])
    await registry.stop()
    expect(await readdir(folder)).to.deep.equal([])
  })

  it('lets no node start from a memory that was damaged', async () => {
    await writeFile(join(folder, 'registry.json'), '{}')
    await expect(followRegistry({ network: devnetPreset(hash(1), hash(2)), folder, reader: new TestReader(registryData(1)) }))
      .to.eventually.be.rejected().with.property('code', 'file_unusable')
  })
})
