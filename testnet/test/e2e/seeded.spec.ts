import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadHostKey, openHostDatastore } from '@cocoon-net/node'
import { expect } from 'aegir/chai'
import { seedPeerDatabase } from '../../src/network/seed-home.ts'
import { seededBytes } from '../../src/network/seed.ts'
import { chat, finish, killEverything, leftOver, listens, run } from './program.ts'

/** `cocoon testnet`: a network of the size asked for, with everybody's keys decided by a seed. */
describe('cocoon testnet up', function () {
  this.timeout(120_000)
  let home: string

  before(async () => { home = await mkdtemp(join(tmpdir(), 'cocoon-seeded-')) })
  after(async () => {
    await killEverything(home)
    await rm(home, { recursive: true, force: true })
  })

  const peerIdOf = async (name: string): Promise<string> => {
    const folder = join(home, 'expected', name)
    await seedPeerDatabase(folder, '7', name)
    const { datastore, close } = await openHostDatastore(folder)
    const peerId = (await loadHostKey(datastore)).publicKey.toString()
    await close()
    return peerId
  }

  it('has the clients, providers and keys that were asked for, and ends when told to', async () => {
    const program = run('cocoon', ['testnet', 'up', '--seed', '7', '--providers', '4', '--clients', '2', '--gateway-port', '0', '--chain-port', '0', '--json'], { home })
    const ready = JSON.parse(await program.line(/^\{"ready":true/))
    expect(ready.genesis.slice(0, 64), 'the registry follows').to.equal(Buffer.from(seededBytes('7', 'genesis')).toString('hex'))
    const names = ['provider-1', 'provider-2', 'provider-3', 'provider-4']
    expect(ready.providers.map((provider: { peerId: string }) => provider.peerId)).to.deep.equal(await Promise.all(names.map(peerIdOf)))
    expect(ready.gateways.map((gateway: { name: string }) => gateway.name)).to.deep.equal(['gateway', 'gateway-2'])
    const answers = await Promise.all(ready.gateways.map(async ({ url }: { url: string }) => chat(url, ready.model, { seed: 1 })))
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200])
    // the same model and seed
    expect(answers[0].text).to.equal(answers[1].text).and.include('fox')

    const { code, last } = await finish('cocoon', ['testnet', 'kill', 'all', '--json'], { home })
    expect(code).to.equal(0)
    expect(last.killed.map((each: { name: string }) => each.name)).to.have.members(['supervisor', 'chain', 'gateway', 'gateway-2', ...names])
    expect((await program.exited).code).to.equal(0)
    expect(await leftOver(home)).to.deep.equal([])
    expect(await listens(ready.gateway)).to.equal(false)
  })
})
