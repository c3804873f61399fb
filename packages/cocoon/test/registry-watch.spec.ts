import { CocoonError } from '@cocoon-net/protocol'
import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { REGISTRY_MAX_AGE_MS, createRegistryWatch } from '../src/registry-watch.ts'
import { TestMemory, TestReader, registryData } from './registry-chain.ts'
import { hash } from './registry-samples.ts'
import type { RegistryWatch } from '../src/registry-watch.ts'

const LISTED = [{ kind: 'measurement' as const, hash: hash(1) }]

describe('a registry that is followed', () => {
  let reader: TestReader
  let memory: TestMemory
  let nowMs: number
  let timers: Array<{ ms: number, callback(): void, isOff: boolean }>
  let errors: string[]
  let changes: number[]
  const watches: RegistryWatch[] = []

  const watchOf = (from: TestReader): RegistryWatch => {
    const watch = createRegistryWatch({
      account: hash(7),
      reader: from,
      memory,
      refreshMs: 60_000,
      clock: {
        nowMs: () => nowMs,
        schedule: (ms, callback) => {
          const timer = { ms, callback, isOff: false }
          timers.push(timer)
          return () => { timer.isOff = true }
        }
      },
      onChange: ({ version }) => { changes.push(version) },
      onError: ({ code }) => { errors.push(code) }
    })
    watches.push(watch)
    return watch
  }

  const started = async (from: TestReader): Promise<RegistryWatch> => {
    const watch = watchOf(from)
    await watch.start()
    await watch.refresh()
    return watch
  }

  beforeEach(() => {
    reader = new TestReader(registryData(3, LISTED))
    memory = new TestMemory()
    nowMs = 1_800_000_000_000
    timers = []
    errors = []
    changes = []
  })
  afterEach(async () => { await Promise.all(watches.splice(0).map(async watch => watch.stop())) })

  it('counts once it was read, and is the same object until it changes', async () => {
    const watch = watchOf(reader)
    expect(watch.current()).to.equal(null)
    await watch.refresh()
    const first = watch.current()
    expect(first?.allowed.measurement).to.deep.equal(['01'.repeat(32)])
    await watch.refresh()
    expect(watch.current()).to.equal(first)
    reader.show(registryData(4))
    await watch.refresh()
    expect(watch.current()?.allowed.measurement).to.deep.equal([])
    expect(changes).to.deep.equal([3, 4])
    expect(errors).to.deep.equal([])
  })

  it('is read again and again until stopped, one read at a time', async () => {
    const watch = await started(reader)
    expect([reader.reads, timers.map(({ ms }) => ms)]).to.deep.equal([1, [60_000]])
    timers[0].callback()
    await Promise.all([watch.refresh(), watch.refresh()])
    expect([reader.reads, timers.length]).to.deep.equal([2, 2])
    await watch.stop()
    expect(timers[1].isOff).to.equal(true)
  })

  it('refuses an older state, also after a restart, and keeps the last good one', async () => {
    await started(reader)
    for (const watch of [watches[0], await started(new TestReader(registryData(2)))]) {
      reader.show(registryData(2))
      await watch.refresh()
      expect(watch.current()?.version).to.equal(3)
      expect(watch.status().fault).to.have.property('code', 'registry_invalid')
    }
    expect(memory.kept?.state.version).to.equal(3)
    expect(errors).to.deep.equal(['registry_invalid', 'registry_invalid'])
  })

  it('refuses another state under the version seen', async () => {
    const watch = await started(reader)
    reader.show(registryData(3))
    await watch.refresh()
    expect(watch.current()?.allowed.measurement).to.have.lengthOf(1)
    expect(errors).to.deep.equal(['registry_invalid'])
    reader.show(registryData(3, LISTED))
    await watch.refresh()
    expect(watch.status().fault, 'the true one again').to.equal(null)
  })

  it('refuses code that is not ours, data that is none, and an empty account', async () => {
    const watch = watchOf(reader)
    const cases: Array<[() => void, string]> = [
      [() => { reader.show(registryData(9), '00'.repeat(32)) }, 'registry_invalid'],
      [() => { reader.show(beginCell().storeUint(1, 8).endCell()) }, 'registry_invalid'],
      [() => { reader.answer = null }, 'registry_missing']
    ]
    for (const [set, code] of cases) {
      set()
      await watch.refresh()
      expect(watch.status().fault).to.have.property('code', code)
      expect(watch.current()).to.equal(null)
    }
    expect(memory.writes).to.equal(0)
  })

  it('keeps the last good state while two endpoints disagree', async () => {
    const watch = await started(reader)
    reader.answer = new CocoonError('chain_disagrees')
    await watch.refresh()
    expect([watch.current()?.version, errors]).to.deep.equal([3, ['chain_disagrees']])
    reader.show(registryData(4))
    await watch.refresh()
    expect([watch.current()?.version, watch.status().fault]).to.deep.equal([4, null])
  })

  it('counts for a day while the chain is away, and not a millisecond longer', async () => {
    const watch = await started(reader)
    reader.answer = new CocoonError('chain_unavailable')
    nowMs += REGISTRY_MAX_AGE_MS
    await watch.refresh()
    await watch.refresh()
    expect(watch.current()?.version).to.equal(3)
    nowMs += 1
    expect(watch.current()).to.equal(null)
    expect(errors, 'told once').to.deep.equal(['chain_unavailable'])
    reader.show(registryData(3, LISTED))
    await watch.refresh()
    expect(watch.current()?.version).to.equal(3)
  })

  it('counts from memory after a restart, with the age that it has', async () => {
    await started(reader)
    reader.answer = new CocoonError('chain_unavailable')
    nowMs += REGISTRY_MAX_AGE_MS
    expect((await started(reader)).current()?.version).to.equal(3)
    nowMs += 1
    expect((await started(reader)).current()).to.equal(null)
  })

  it('is written when it changes, and now and then to keep its age', async () => {
    const watch = await started(reader)
    nowMs += 599_999
    await watch.refresh()
    expect(memory.writes).to.equal(1)
    nowMs += 1
    await watch.refresh()
    expect([memory.writes, memory.kept?.seenAtMs]).to.deep.equal([2, nowMs])
  })

  it('does not count before it is on disk', async () => {
    memory.fails = true
    const watch = await started(reader)
    expect([watch.current(), errors]).to.deep.equal([null, ['internal']])
    memory.fails = false
    await watch.refresh()
    expect(watch.current()?.version).to.equal(3)
  })
})
