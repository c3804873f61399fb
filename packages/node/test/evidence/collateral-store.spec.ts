import { sha256, toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { openCollateralStore } from '../../src/evidence/collateral-store.ts'
import { MAX_COLLATERAL_BYTES, MAX_STORED_COLLATERAL } from '../../src/evidence/constants.ts'

describe('collateral store', () => {
  const data = (fill: number): Uint8Array => new Uint8Array(100).fill(fill)

  it('finds by subject and by content id, also after a restart', async () => {
    const kv = new MemoryLevel<string, string>()
    const store = await openCollateralStore(kv)
    await store.keep('intel/tdx/a', data(1), 10)
    await store.keep('intel/tdx/a', data(2), 11)
    await store.keep('intel/tdx/a', data(3), 11)
    for (const opened of [store, await openCollateralStore(kv)]) {
      const id = toHex(sha256(data(2)))
      expect(opened.byId(id)).to.deep.equal({ id, subject: 'intel/tdx/a', atMs: 11, data: data(2) })
      expect(opened.bySubject('intel/tdx/a')?.id).to.equal(id)
      expect(opened.byId(toHex(sha256(data(1))))).to.equal(undefined)
    }
  })

  it('is bounded: the oldest makes room, and what is too large is not kept', async () => {
    const kv = new MemoryLevel<string, string>()
    const store = await openCollateralStore(kv)
    for (let i = 0; i <= MAX_STORED_COLLATERAL; i++) {
      await store.keep(`subject/${i}`, data(i), 100 + i)
    }
    await store.keep('large', new Uint8Array(MAX_COLLATERAL_BYTES + 1), 1_000)
    for (const opened of [store, await openCollateralStore(kv)]) {
      expect(opened.bySubject('subject/0')).to.equal(undefined)
      expect(opened.byId(toHex(sha256(data(0))))).to.equal(undefined)
      expect(opened.bySubject('subject/1')).to.not.equal(undefined)
      expect(opened.bySubject('large')).to.equal(undefined)
    }
    expect((await kv.keys().all()).length).to.equal(MAX_STORED_COLLATERAL)
  })

  it('never lowers a version, on disk neither, whatever comes at once', async () => {
    const kv = new MemoryLevel<string, string>()
    const store = await openCollateralStore(kv)
    await Promise.all([18, 17, 20, 19].map(async version => store.remember('hardware', { 'tcb/TDX/A': version })))
    await store.remember('hardware', { 'qe/TD_QE': 3 })
    await store.remember('simulated', { 'tcb/TDX/A': 1 })
    const opened = await openCollateralStore(kv)
    expect(opened.versions('hardware')).to.deep.equal({ 'tcb/TDX/A': 20, 'qe/TD_QE': 3 })
    expect(opened.versions('simulated')).to.deep.equal({ 'tcb/TDX/A': 1 })
  })

  it('refuses to open when what was remembered is damaged', async () => {
    for (const key of ['versions/hardware', 'item/a']) {
      const kv = new MemoryLevel<string, string>()
      await kv.put(key, '{"a":')
      const failed = await openCollateralStore(kv).then(() => 'opened', (error: unknown) => (error as { code: string }).code)
      expect(failed).to.equal('file_unusable')
    }
  })
})
