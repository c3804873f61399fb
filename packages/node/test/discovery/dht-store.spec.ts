import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { Key } from 'interface-datastore'
import { createDhtStore } from '../../src/discovery/dht-store.ts'

const HOUR_MS = 3_600_000
const PREFIX = '/dht/provider/key'

describe('dht store', () => {
  let peers: string[]

  before(async () => {
    peers = await Promise.all(Array.from({ length: 120 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()))
  })

  async function list (store: ReturnType<typeof createDhtStore>, prefix: string = PREFIX): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of store.query({ prefix })) {
      keys.push(key.toString())
    }
    return keys
  }

  it('skips a departed provider and still gives the others', async () => {
    const store = createDhtStore({ knows: async (peer) => peer.toString() !== peers[1], now: () => 0 })
    for (const peer of peers.slice(0, 3)) {
      await store.put(new Key(`${PREFIX}/${peer}`), Uint8Array.of(1))
    }
    expect((await list(store)).sort()).to.deep.equal([peers[0], peers[2]].map(peer => `${PREFIX}/${peer}`).sort())
  })

  it('gives at most a hundred', async () => {
    const store = createDhtStore({ knows: async () => true, now: () => 0 })
    for (const peer of peers) {
      await store.put(new Key(`${PREFIX}/${peer}`), Uint8Array.of(1))
    }
    expect(await list(store)).to.have.length(100)
  })

  it('forgets a record after two hours unless it is renewed', async () => {
    let nowMs = 0
    const store = createDhtStore({ knows: async () => true, now: () => nowMs })
    await store.put(new Key(`${PREFIX}/${peers[0]}`), Uint8Array.of(1))
    await store.put(new Key(`${PREFIX}/${peers[1]}`), Uint8Array.of(1))
    nowMs = HOUR_MS
    await store.put(new Key(`${PREFIX}/${peers[1]}`), Uint8Array.of(2))
    nowMs = 2 * HOUR_MS
    expect(await list(store)).to.deep.equal([`${PREFIX}/${peers[1]}`])
  })

  it('bounds what one peer can store and what one key can hold', async () => {
    const store = createDhtStore({ knows: async () => true, now: () => 0, random: () => 0 })
    for (let i = 0; i < 300; i++) {
      await store.put(new Key(`/dht/provider/k${i}/${peers[0]}`), Uint8Array.of(1))
    }
    expect(await list(store, '/dht/provider')).to.have.length(256)
    for (let i = 0; i < 600; i++) {
      await store.put(new Key(`${PREFIX}/peer-${i}`), Uint8Array.of(1))
    }
    expect((await list(store, '/dht/provider')).filter(key => key.startsWith(`${PREFIX}/`))).to.have.length(512)
  })

  it('keeps other entries of the DHT', async () => {
    const store = createDhtStore({ knows: async () => true, now: () => 0 })
    await store.put(new Key('/dht/record/x'), Uint8Array.of(7))
    expect(await store.get(new Key('/dht/record/x'))).to.deep.equal(Uint8Array.of(7))
    await store.delete(new Key('/dht/record/x'))
    expect(await store.has(new Key('/dht/record/x'))).to.equal(false)
  })
})
