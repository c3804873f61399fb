import { KEMS, LIMITS } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { createProviderIdentity } from '../../src/provider/identity.ts'
import { testNetwork } from '../hosts.ts'
import type { ProviderIdentity } from '../../src/provider/identity.ts'

const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const START_MS = 1_800_000_000_000
const network = testNetwork(1)

interface World { readonly identity: ProviderIdentity, nowMs: number, models: Uint8Array[], digest: Uint8Array }

/** A provider without hardware, whose clock and load are set by hand; its beacon is always of this moment. */
function world (): World {
  const it: Omit<World, 'identity'> = { nowMs: START_MS, models: [bytes(1), bytes(2)], digest: bytes(3) }
  const identity = createProviderIdentity({
    network,
    peerKey: bytes(4),
    hpkeKey: { kem: KEMS.x25519, publicKey: bytes(5) } as never,
    receiptKey: bytes(6),
    stake: bytes(7),
    payee: bytes(8),
    running: () => ({ models: it.models, runtimeConfigDigest: it.digest }),
    collector: null,
    beacon: async () => ({ seqno: 1, rootHash: bytes(9), atMs: it.nowMs }),
    now: () => it.nowMs
  })
  return Object.assign(it, { identity })
}

describe('provider identity', () => {
  it('is found by its hash up to the end of its life', async () => {
    const it = world()
    const { hash, binding } = await it.identity.refresh()
    expect(binding.notAfterMs).to.equal(START_MS + LIMITS.bindingLifeMs)
    it.nowMs = binding.notAfterMs - 1
    expect(it.identity.find(hash)?.hash).to.deep.equal(hash)
    it.nowMs = binding.notAfterMs
    expect(it.identity.find(hash)).to.equal(undefined)
    expect(it.identity.find(bytes(0))).to.equal(undefined)
  })

  it('is outdated once anything that it says of what runs has changed', async () => {
    const it = world()
    expect(it.identity.outdated()).to.equal(false)
    await it.identity.refresh()
    expect(it.identity.outdated()).to.equal(false)
    for (const models of [[bytes(1)], [bytes(1), bytes(2), bytes(3)], [bytes(2), bytes(1)]]) {
      expect(Object.assign(it, { models }).identity.outdated(), `${models.length} models`).to.equal(true)
    }
    expect(Object.assign(it, { models: [bytes(1), bytes(2)] }).identity.outdated()).to.equal(false)
    expect(Object.assign(it, { digest: bytes(4) }).identity.outdated()).to.equal(true)
  })

  it('keeps earlier bindings for those who sealed to them, at most sixteen, the oldest going first', async () => {
    const it = world()
    const hashes: Uint8Array[] = []
    for (let i = 0; i < 17; i++) {
      it.nowMs++
      hashes.push((await it.identity.refresh()).hash)
    }
    expect(hashes.map(hash => it.identity.find(hash) != null)).to.deep.equal([false, ...Array.from({ length: 16 }, () => true)])
    expect(it.identity.current().hash).to.deep.equal(hashes[16])
  })

  it('drops those that ended when it makes a new one, and only those', async () => {
    const it = world()
    const first = await it.identity.refresh()
    it.nowMs++
    const second = await it.identity.refresh()
    it.nowMs = first.binding.notAfterMs
    await it.identity.refresh()
    // Back in time, to see what is kept and not only what may be used.
    it.nowMs = START_MS
    expect([first, second].map(({ hash }) => it.identity.find(hash) != null)).to.deep.equal([false, true])
  })
})
