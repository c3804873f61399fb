import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { loadHostKey, openHostDatastore } from '../../src/host/datastore.ts'
import { eventually } from '../eventually.ts'
import { hostFactory, testNetwork } from '../hosts.ts'
import { sell, shop } from '../market.ts'

describe('host', () => {
  const network = testNetwork(6)
  const hosts = hostFactory(network)
  afterEach(async () => hosts.stopAll())

  it('leaves no socket, server or timer behind', async () => {
    const resources = (): string[] => process.getActiveResourcesInfo().filter(name => /TCP|Pipe|Timeout/.test(name)).sort()
    const before = resources()
    const boot = await hosts.make({ transports: 'tcp', listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] })
    const provider = await sell(await hosts.make({ transports: 'tcp', listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: boot.addresses() }), ['a'])
    const client = shop(await hosts.make({ transports: 'tcp', listen: [], bootstrap: boot.addresses() }))
    expect(await client.finder.gather({ model: 'a' })).to.have.length(1)
    await client.stop()
    await provider.stop()
    await hosts.stopAll()
    // Closed sockets leave the list a turn of the event loop later.
    await eventually(() => resources().filter(name => name.startsWith('TCP')).length <= before.filter(name => name.startsWith('TCP')).length)
  })

  it('removes the protocols and listeners that services added', async () => {
    const host = await hosts.make()
    const protocols = host.libp2p.getProtocols()
    const counts = new Map<string, number>()
    const add = host.libp2p.addEventListener.bind(host.libp2p)
    const remove = host.libp2p.removeEventListener.bind(host.libp2p)
    host.libp2p.addEventListener = (type: any, ...rest: any[]) => {
      counts.set(type, (counts.get(type) ?? 0) + 1)
      add(type, ...rest as [any])
    }
    host.libp2p.removeEventListener = (type: any, ...rest: any[]) => {
      counts.set(type, (counts.get(type) ?? 0) - 1)
      remove(type, ...rest as [any])
    }
    const provider = await sell(host, ['a'])
    const client = shop(host)
    const stop = new AbortController()
    const search = client.finder.gather({ model: 'b', signal: stop.signal })
    expect(host.libp2p.getProtocols()).to.have.length(protocols.length + 1)
    stop.abort()
    await search
    await client.stop()
    await provider.stop()
    expect(host.libp2p.getProtocols()).to.deep.equal(protocols)
    await eventually(() => [...counts.values()].every(count => count === 0))
    expect(host.gossip?.topics()).to.have.length(0)
  })

  it('comes back to a bootstrap that restarts, and announces again', async () => {
    const address = '/memory/restarted'
    const privateKey = (await hosts.make()).privateKey
    const first = await hosts.make({ listen: [address], privateKey })
    const provider = await sell(await hosts.make({ bootstrap: first.addresses() }), ['a'])
    await eventually(() => first.libp2p.getConnections().length === 1)
    await first.stop()
    const second = await hosts.make({ listen: [address], privateKey })
    const client = shop(await hosts.make({ listen: [], bootstrap: second.addresses(), roles: { provider: false, client: true, light: true } }))
    expect(await client.finder.gather({ model: 'a' })).to.have.length(1)
    await client.stop()
    await provider.stop()
  })

  it('keeps its identity in a folder that only its owner reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cocoon-host-'))
    try {
      const path = join(folder, 'peers')
      const one = await openHostDatastore(path)
      const key = await loadHostKey(one.datastore)
      await one.close()
      expect((await stat(path)).mode & 0o777).to.equal(0o700)
      const two = await openHostDatastore(path)
      const host = await hosts.make({ datastore: two.datastore, privateKey: await loadHostKey(two.datastore) })
      expect(host.privateKey.equals(key)).to.equal(true)
      await host.stop()
      await two.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('does not load gossip on a light node, nor serve the DHT', async () => {
    const light = await hosts.make({ roles: { provider: false, client: true, light: true } })
    expect(light.gossip).to.equal(undefined)
    expect(light.dht.getMode()).to.equal('client')
    expect((await hosts.make()).dht.getMode()).to.equal('server')
  })

  it('says when it cannot listen', async () => {
    const taken = await hosts.make({ transports: 'tcp', listen: ['/ip4/127.0.0.1/tcp/0'] })
    const [address] = taken.addresses()
    await expect(hosts.make({ transports: 'tcp', listen: [address.slice(0, address.indexOf('/p2p/'))] })).to.eventually.be.rejected()
  })
})
