import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { laneDeletes, laneWrites, readLane, readLanes } from '../src/lane-rows.ts'
import { Store } from '../src/store.ts'
import { laneKeyOf } from '../src/types.ts'
import type { LaneState } from '../src/lane.ts'
import type { KeyValue } from '../src/store.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
/** The comparison of maps cannot take objects without a prototype. */
const plain = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(fields, { noNullPrototype: true })
const nano = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const nonceHex = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(n => n.toString(16).padStart(64, '0'))
const lanes: fc.Arbitrary<LaneState> = plain({
  id: plain({ vault: bytes(32), payee: bytes(32), epoch: nano }),
  signerKey: bytes(32),
  chain: fc.constantFrom('unconfirmed' as const, 'confirmed' as const, 'ended' as const),
  capNano: nano,
  paidOnChainNano: nano,
  unlockAt: fc.nat(),
  gasLeftNano: nano,
  cumulativeNano: nano,
  signature: fc.option(bytes(64)),
  finalisedNano: nano,
  jobs: fc.uniqueArray(fc.tuple(nonceHex, plain({ allocatedNano: nano, vestedNano: nano, begun: fc.boolean() })), { selector: ([nonce]) => nonce, maxLength: 4 }).map(jobs => new Map(jobs)),
  settled: fc.uniqueArray(fc.tuple(nonceHex, plain({ chargeNano: nano, paidNano: nano })), { selector: ([nonce]) => nonce, maxLength: 6 }).map(jobs => new Map(jobs))
})

async function disk (): Promise<{ kv: KeyValue, store: Store }> {
  const kv = new MemoryLevel<string, string>()
  const store = new Store(kv)
  await store.open()
  return { kv, store }
}

describe('a lane\'s rows', () => {
  it('give back the lane that was written last, whatever was there before', async () => {
    await fc.assert(fc.asyncProperty(fc.array(lanes, { minLength: 1, maxLength: 4 }), async (versions) => {
      const { kv, store } = await disk()
      const [{ id }] = versions
      const laneKey = laneKeyOf(id)
      let rows: LaneState['settled'] = new Map()
      for (const version of versions) {
        const state = { ...version, id, settled: new Map([...rows].slice(1).concat([...version.settled])) }
        await store.commit(laneWrites(laneKey, state, rows, 1))
        rows = state.settled
        const read = await readLane(kv, laneKey)
        expect(read).to.deep.equal({ laneKey, state, rows })
        expect(await readLanes(kv)).to.deep.equal([read])
      }
      await store.commit(laneDeletes(laneKey, rows))
      expect(await store.list('')).to.have.lengthOf(1)
      expect(await readLane(kv, laneKey)).to.equal(null)
    }), { numRuns: 60 })
  })

  it('are one for a voucher, however many jobs the lane has finished, and one more for each job that ends', async () => {
    const settled = new Map(Array.from({ length: 200 }, (_, i) => [i.toString(16).padStart(64, '0'), { chargeNano: 1n, paidNano: 1n }]))
    const [lane] = fc.sample(lanes, { numRuns: 1, seed: 7 })
    const laneKey = laneKeyOf(lane.id)
    expect(laneWrites(laneKey, { ...lane, settled }, settled, 1)).to.have.lengthOf(1)
    const more = new Map(settled).set('f'.repeat(64), { chargeNano: 1n, paidNano: 0n })
    expect(laneWrites(laneKey, { ...lane, settled: more }, settled, 1)).to.have.lengthOf(2)
  })

  it('keep finished jobs in the order in which they ended', async () => {
    const { kv, store } = await disk()
    const [lane] = fc.sample(lanes, { numRuns: 1, seed: 7 })
    const laneKey = laneKeyOf(lane.id)
    const nonces = ['c', 'a', 'b'].map(letter => letter.repeat(64))
    let settled: LaneState['settled'] = new Map()
    for (const [i, nonce] of nonces.entries()) {
      const next = new Map(settled).set(nonce, { chargeNano: 2n, paidNano: 1n })
      await store.commit(laneWrites(laneKey, { ...lane, settled: next }, settled, 10 + i))
      settled = next
    }
    expect([...(await readLane(kv, laneKey))?.state.settled.keys() ?? []]).to.deep.equal(nonces)
  })

  it('of schema 1, one with all in it, are read and written anew', async () => {
    const { kv, store } = await disk()
    const [lane] = fc.sample(lanes, { numRuns: 1, seed: 7 })
    const laneKey = laneKeyOf(lane.id)
    await store.commit([{ key: `lane/${laneKey}`, value: lane }])
    const old = await readLane(kv, laneKey)
    expect(old?.state).to.deep.equal(lane)
    await store.commit(laneWrites(laneKey, lane, old?.rows ?? new Map(), 1))
    expect((await readLane(kv, laneKey))?.state).to.deep.equal(lane)
    expect(await store.list('settled/')).to.have.lengthOf(lane.settled.size)
  })
})
