import { expect } from 'aegir/chai'
import { eventually } from '../eventually.ts'
import { hostFactory, testNetwork } from '../hosts.ts'
import { sell, shop } from '../market.ts'
import { modelOf } from '../offer-contents.ts'

const LIGHT = { listen: [], roles: { provider: false, client: true, light: true } }

describe('offer finder', () => {
  const hosts = hostFactory(testNetwork(3))
  const ends: Array<() => Promise<void>> = []

  afterEach(async () => {
    await Promise.all(ends.splice(0).map(async end => end()))
    await hosts.stopAll()
  })

  it('finds every provider across a bootstrap that is none', async () => {
    const boot = await hosts.make()
    for (let seed = 1; seed <= 3; seed++) {
      ends.push((await sell(await hosts.make({ bootstrap: boot.addresses() }), ['a', 'b'], { seed })).stop)
    }
    const client = shop(await hosts.make({ ...LIGHT, bootstrap: boot.addresses() }))
    ends.push(client.stop)
    await eventually(async () => (await client.finder.gather({ model: modelOf('a'), minOffers: 3 })).length === 3)
    expect(client.finder.known(modelOf('b'))).to.have.length(0)
    await eventually(async () => (await client.finder.gather({ model: null, minOffers: 6 })).length === 6)
    expect(client.finder.resolve('b')).to.deep.equal(modelOf('b'))
    expect(await client.finder.gather({ model: 'b', minOffers: 3 })).to.have.length(3)
    expect(() => client.finder.resolve('c')).to.throw().with.property('code', 'model_unknown')
  })

  it('waits for a provider, and for a bootstrap, that come up after it', async () => {
    const address = '/memory/late-bootstrap'
    const client = shop(await hosts.make({ ...LIGHT, bootstrap: [address] }))
    ends.push(client.stop)
    const search = client.finder.gather({ model: 'a', minOffers: 1 })
    const boot = await hosts.make({ listen: [address] })
    ends.push((await sell(await hosts.make({ bootstrap: boot.addresses() }), ['a'])).stop)
    expect(await search).to.have.length(1)
  })

  it('is not held up by a departed provider', async () => {
    const boot = await hosts.make()
    const gone = await hosts.make({ bootstrap: boot.addresses() })
    const left = await sell(gone, ['a'], { seed: 1 })
    const stays = await sell(await hosts.make({ bootstrap: boot.addresses() }), ['a'], { seed: 2 })
    ends.push(stays.stop)
    const first = shop(await hosts.make({ ...LIGHT, bootstrap: boot.addresses() }))
    ends.push(first.stop)
    await eventually(async () => (await first.finder.gather({ model: modelOf('a'), minOffers: 2 })).length === 2)
    await left.stop()
    await gone.stop()
    const second = shop(await hosts.make({ ...LIGHT, bootstrap: boot.addresses() }))
    ends.push(second.stop)
    const offers = await second.finder.gather({ model: modelOf('a'), minOffers: 1 })
    expect(offers).to.have.length(1)
  })

  it('ends a vain search at the signal, with nothing', async () => {
    const client = shop(await hosts.make(LIGHT))
    ends.push(client.stop)
    const stop = new AbortController()
    const search = client.finder.gather({ model: 'a', signal: stop.signal })
    stop.abort()
    expect(await search).to.have.length(0)
    await expect(client.finder.gather({ model: 'no such name!' })).to.eventually.be.rejected.with.property('code', 'model_unknown')
  })

  it('gossips a change to a follower that did not ask again', async () => {
    const boot = await hosts.make()
    const provider = await hosts.make({ bootstrap: boot.addresses() })
    const seller = await sell(provider, ['a'])
    ends.push(seller.stop)
    const follower = await hosts.make({ bootstrap: boot.addresses() })
    const client = shop(follower)
    ends.push(client.stop)
    const [before] = await client.finder.gather({ model: modelOf('a') })
    await eventually(() => provider.gossip != null && follower.gossip != null && provider.gossip.readers(follower.gossip.topics()[0]) > 0)
    await seller.publisher.publish()
    await eventually(() => client.finder.known(modelOf('a'))[0].seq > before.seq)
  })

  it('works on TCP', async () => {
    const tcp = { transports: 'tcp' as const, listen: ['/ip4/127.0.0.1/tcp/0'] }
    const boot = await hosts.make(tcp)
    ends.push((await sell(await hosts.make({ ...tcp, bootstrap: boot.addresses() }), ['a'])).stop)
    const host = await hosts.make({ ...LIGHT, transports: 'tcp', bootstrap: boot.addresses() })
    const client = shop(host)
    ends.push(client.stop)
    expect(await client.finder.gather({ model: 'a', minOffers: 1 })).to.have.length(1)
    expect(host.libp2p.getConnections().map(({ encryption }) => encryption)).to.include('/tls/1.0.0')
  })
})
