import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { evictionRank, isKeptOnDisk, roomFor } from '../src/lane-table.ts'
import { newLane } from '../src/lane.ts'
import { payee, signer } from './fixtures.ts'
import type { TableRow } from '../src/lane-table.ts'
import type { LaneState } from '../src/lane.ts'

const bounds = { maxLanes: 3, maxUnfundedPerPeer: 2 }
const bare = newLane({ vault: new Uint8Array(32), payee, epoch: 1n }, signer.publicKey)
const funded: LaneState = { ...bare, chain: 'confirmed', capNano: 100n }
const owed: LaneState = { ...funded, cumulativeNano: 5n, signature: new Uint8Array(64) }
const job = (begun: boolean): LaneState['jobs'] => new Map([['n', { allocatedNano: 0n, vestedNano: 0n, begun }]])
const debt: LaneState['settled'] = new Map([['n', { chargeNano: 2n, paidNano: 1n }]])
const row = (key: string, state: LaneState = bare, peer = key, usedMs = 0): TableRow => ({ key, state, peer, usedMs })

describe('lane table', () => {
  it('never lets go a lane that the chain will pay on, or one that runs a job', () => {
    const kept = [owed, { ...funded, jobs: job(true) }, { ...bare, jobs: job(true) }]
    expect(kept.map(evictionRank)).to.deep.equal([null, null, null])
    expect(roomFor(kept.map((state, i) => row(`${i}`, state)), { peer: 'new', state: bare }, bounds)).to.deep.equal({ kind: 'full' })
  })

  it('lets go first what ended, then what nobody funded, then what is funded and idle, last what was served on credit', () => {
    const order: LaneState[] = [
      { ...funded, chain: 'ended' }, { ...bare, cumulativeNano: 9n, signature: new Uint8Array(64), jobs: job(false) }, funded, { ...bare, finalisedNano: 1n }
    ]
    expect(order.map(evictionRank)).to.deep.equal([0, 1, 2, 3])
    expect([...order, owed].map(isKeptOnDisk)).to.deep.equal([false, false, true, true, true])
    expect([{ ...bare, settled: debt }, { ...funded, chain: 'ended' as const, settled: debt }].map(evictionRank)).to.deep.equal([3, 3])
    for (let first = 0; first + 2 < order.length; first++) {
      const rows = order.slice(first).reverse().map((state, i) => row(`${order.length - 1 - i}`, state)).slice(-3)
      expect(roomFor(rows, { peer: 'new', state: bare }, bounds)).to.deep.equal({ kind: 'evict', key: `${first}` })
    }
  })

  it('takes from the peer with most unfunded lanes, then what was idle longest', () => {
    expect(roomFor([row('a', bare, 'one', 1), row('b', bare, 'two', 5), row('c', bare, 'two', 6)], { peer: 'new', state: bare }, bounds)).to.deep.equal({ kind: 'evict', key: 'b' })
    expect(roomFor([row('a', bare, 'one', 3), row('b', bare, 'two', 2), row('c', bare, 'three', 3)], { peer: 'new', state: bare }, bounds)).to.deep.equal({ kind: 'evict', key: 'b' })
    expect(roomFor([row('a', bare, 'one', 2), row('b', bare, 'two', 2), row('c', bare, 'three', 2)], { peer: 'new', state: bare }, bounds)).to.deep.equal({ kind: 'evict', key: 'a' })
  })

  it('makes a peer at its own bound replace its own unfunded lane, even while there is room', () => {
    const two = [row('a', bare, 'one', 2), row('b', bare, 'one', 1)]
    expect(roomFor(two.slice(1), { peer: 'one', state: bare }, bounds)).to.deep.equal({ kind: 'free' })
    expect(roomFor(two, { peer: 'one', state: bare }, bounds)).to.deep.equal({ kind: 'evict', key: 'b' })
    expect(roomFor(two, { peer: 'two', state: bare }, bounds)).to.deep.equal({ kind: 'free' })
    expect(roomFor([row('a', funded, 'one'), row('b', bare, 'one')], { peer: 'one', state: bare }, bounds)).to.deep.equal({ kind: 'free' })
    expect(roomFor(two.map(one => ({ ...one, state: { ...bare, jobs: job(true) } })), { peer: 'one', state: bare }, bounds)).to.deep.equal({ kind: 'full' })
  })

  it('keeps every lane that is owed, whatever strangers open (10,000 opens)', () => {
    const limits = { maxLanes: 12, maxUnfundedPerPeer: 3 }
    const open = fc.record({ peer: fc.integer({ min: 0, max: 6 }), state: fc.constantFrom(bare, bare, bare, funded, owed) })
    fc.assert(fc.property(fc.array(open, { minLength: 200, maxLength: 200 }), opens => {
      let rows: TableRow[] = []
      let isHeld = true
      for (const [at, { peer, state }] of opens.entries()) {
        const room = roomFor(rows, { peer: `${peer}`, state }, limits)
        if (room.kind === 'evict') {
          isHeld &&= rows.find(one => one.key === room.key)?.state !== owed
          rows = rows.filter(one => one.key !== room.key)
        }
        if (room.kind !== 'full') {
          rows.push(row(`${at}`, state, `${peer}`, at))
        }
        isHeld &&= rows.length <= limits.maxLanes &&
          rows.filter(one => one.peer === `${peer}` && one.state.chain === 'unconfirmed').length <= limits.maxUnfundedPerPeer
      }
      return isHeld
    }), { numRuns: 50 })
  })
})
