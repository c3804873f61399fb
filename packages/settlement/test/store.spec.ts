import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { Store, openKeyValue } from '../src/store.ts'

describe('store', () => {
  it('shares one flush between writes that wait, and keeps amounts, bytes and maps', async () => {
    const db = new MemoryLevel<string, string>()
    const store = new Store(db)
    await store.open()
    let flushes = 0
    const batch = db.batch.bind(db) as any
    db.batch = (async (...args: any[]) => {
      flushes++
      return batch(...args)
    }) as any
    const value = { a: 5n, b: Uint8Array.of(1, 2), c: new Map([['k', 7n]]) }
    await Promise.all(Array.from({ length: 50 }, async (_, i) => { await store.commit([{ key: `x/${i}`, value }]) }))
    expect(flushes).to.be.lessThan(4)
    expect(await store.get('x/49')).to.deep.equal(value)
    expect(await store.list('x/')).to.have.lengthOf(50)
  })

  it('has one writer: a second process on the same lanes is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cocoon-store-'))
    const first = await openKeyValue(folder)
    await expect(openKeyValue(folder)).to.eventually.be.rejected.with.property('code', 'lane_busy')
    await first.close()
    await (await openKeyValue(folder)).close()
    await rm(folder, { recursive: true })
  })

  it('reads a store of the schema before, and refuses one that it does not know', async () => {
    const db = new MemoryLevel<string, string>()
    await new Store(db).open()
    expect(await db.get('schema')).to.equal('2')
    await db.put('schema', '1')
    await new Store(db).open()
    expect(await db.get('schema')).to.equal('2')
    await db.put('schema', '3')
    await expect(new Store(db).open()).to.eventually.be.rejected.with.property('code', 'file_unusable')
    expect(await db.get('schema')).to.equal('3')
  })

  it('reports a failed flush to every writer in it and goes on', async () => {
    const db = new MemoryLevel<string, string>()
    const store = new Store(db)
    await store.open()
    const batch = db.batch.bind(db) as any
    db.batch = (async () => { throw new Error('disk full') }) as any
    const results = await Promise.allSettled([store.commit([{ key: 'a', value: 1 }]), store.commit([{ key: 'b', value: 2 }])])
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    db.batch = batch
    await store.commit([{ key: 'c', value: 3 }])
    expect(await store.list('')).to.deep.include(['c', 3])
  })
})
