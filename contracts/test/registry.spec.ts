import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { REGISTRY_ERRORS as ERR, REGISTRY_KINDS, REGISTRY_LIMITS as LIMITS, REGISTRY_NUMBERS as NUMBERS, registryAddress, registryBodies as bodies } from '../src/index.ts'
import { RegistryWorld } from './registry-world.ts'
import { START, accountOf } from './vault-world.ts'
import type { RegistryEntry } from '../src/index.ts'
import type { Cell } from '@ton/core'

const NOBODY = new Uint8Array(32)
const DELAY = LIMITS.delaySeconds
const ENTRY: RegistryEntry = { kind: 'measurement', hash: new Uint8Array(32).fill(7) }

function entryOf (i: number): RegistryEntry {
  const hash = new Uint8Array(32)
  new DataView(hash.buffer).setUint32(0, Math.imul(i + 1, 0x9e3779b1) >>> 0)
  return { kind: REGISTRY_KINDS[i % 4], hash }
}

describe('registry: address', () => {
  it('follows from the governor, the delay and all that it begins with', async () => {
    const { genesis } = await RegistryWorld.create()
    const all = [
      genesis,
      { ...genesis, governor: NOBODY },
      { ...genesis, delaySeconds: 1 },
      { ...genesis, entries: [ENTRY] },
      { ...genesis, entries: [{ ...ENTRY, kind: 'model' as const }] },
      { ...genesis, numbers: new Map([[0, 17n]]) }
    ].map(g => registryAddress(g).toString())
    expect(new Set(all).size).to.equal(all.length)
  })

  it('shows what it begins with', async () => {
    const world = await RegistryWorld.create({ entries: [ENTRY], numbers: new Map([[NUMBERS.intelCollateralFloor, 17n]]) })
    expect(await world.state()).to.deep.include({ entries: [ENTRY], comingEntries: [], version: 0, nextGovernor: undefined })
    expect((await world.state()).numbers.get(0)).to.equal(17n)
  })
})

describe('registry: entries', () => {
  it('lists nothing before the delay has passed, and shows from the first moment what is coming', async () => {
    const world = await RegistryWorld.create()
    await world.govern(bodies.proposeEntry(ENTRY))
    expect(await world.state()).to.deep.include({ entries: [], comingEntries: [{ ...ENTRY, readyAt: START + DELAY }], version: 1 })
    world.wait(DELAY - 1)
    await world.refused(world.governor, bodies.listEntry(ENTRY), ERR.tooEarly)
    world.wait(1)
    expect(world.exitCode(await world.send(world.stranger, bodies.listEntry(ENTRY)))).to.equal(0)
    expect(await world.state()).to.deep.include({ entries: [ENTRY], comingEntries: [] })
    await world.refused(world.stranger, bodies.listEntry(ENTRY), ERR.nothingPending)
  })

  it('removes at once, what is listed as well as what is coming; what was removed waits again', async () => {
    const world = await RegistryWorld.create({ entries: [ENTRY] })
    await world.govern(bodies.removeEntry(ENTRY))
    expect((await world.state()).entries).to.deep.equal([])
    await world.refused(world.governor, bodies.removeEntry(ENTRY), ERR.notListed)
    await world.refused(world.stranger, bodies.listEntry(ENTRY), ERR.nothingPending)
    await world.govern(bodies.proposeEntry(ENTRY))
    world.wait(DELAY)
    await world.govern(bodies.removeEntry(ENTRY))
    await world.refused(world.stranger, bodies.listEntry(ENTRY), ERR.nothingPending)
  })

  it('lets no second proposal shorten or lengthen the wait of the first', async () => {
    const world = await RegistryWorld.create()
    await world.govern(bodies.proposeEntry(ENTRY))
    world.wait(100)
    await world.refused(world.governor, bodies.proposeEntry(ENTRY), ERR.listed)
    world.wait(DELAY - 100)
    expect(world.exitCode(await world.send(world.stranger, bodies.listEntry(ENTRY)))).to.equal(0)
    await world.refused(world.governor, bodies.proposeEntry(ENTRY), ERR.listed)
  })

  it('keeps kinds apart', async () => {
    const world = await RegistryWorld.create({ entries: [ENTRY] })
    await world.refused(world.governor, bodies.removeEntry({ ...ENTRY, kind: 'model' }), ERR.notListed)
  })

  it('holds 64 that are coming, no more', async function () {
    this.timeout(30_000)
    const world = await RegistryWorld.create()
    for (let i = 0; i < LIMITS.maxPending; i++) {
      await world.govern(bodies.proposeEntry(entryOf(i)))
    }
    await world.refused(world.governor, bodies.proposeEntry(entryOf(100)), ERR.tooMany)
    await world.govern(bodies.removeEntry(entryOf(3)))
    await world.govern(bodies.proposeEntry(entryOf(100)))
  })

  it('lists 1,024, no more, at gas that any message can carry and a rent that anyone can pay', async function () {
    this.timeout(30_000)
    const world = await RegistryWorld.create({ entries: Array.from({ length: LIMITS.maxListed - 1 }, (_, i) => entryOf(i)) })
    await world.govern(bodies.proposeEntry(entryOf(2_000)))
    await world.govern(bodies.proposeEntry(entryOf(2_001)))
    world.wait(DELAY)
    expect(world.exitCode(await world.send(world.stranger, bodies.listEntry(entryOf(2_000))))).to.equal(0)
    await world.refused(world.stranger, bodies.listEntry(entryOf(2_001)), ERR.tooMany)
    await world.govern(bodies.removeEntry(entryOf(0)))
    expect(world.exitCode(await world.send(world.stranger, bodies.listEntry(entryOf(2_001))))).to.equal(0)
    expect((await world.state()).entries).to.have.lengthOf(LIMITS.maxListed)
    // a year's rent of the largest registry
    world.wait(365 * 86_400)
    const rent = world.rentOf(await world.send(world.stranger, bodies.acceptGovernor()))
    expect(rent < 1_000_000_000n, `${rent}`).to.equal(true)
  })
})

describe('registry: numbers', () => {
  for (const [id, strict, stricter, loose] of [[NUMBERS.intelCollateralFloor, 17n, 18n, 16n], [NUMBERS.mostFeeBps, 100n, 50n, 200n]] as const) {
    it(`tightens number ${id} at once and loosens it after the delay only`, async () => {
      const world = await RegistryWorld.create({ numbers: new Map([[id, strict]]) })
      await world.refused(world.governor, bodies.tightenNumber(id, loose), ERR.notStricter)
      await world.refused(world.governor, bodies.tightenNumber(id, strict), ERR.notStricter)
      await world.refused(world.governor, bodies.proposeNumber(id, stricter), ERR.notLooser)
      await world.refused(world.governor, bodies.proposeNumber(id, strict), ERR.notLooser)
      await world.govern(bodies.proposeNumber(id, loose))
      expect((await world.state()).comingNumbers.get(id)).to.deep.equal({ value: loose, readyAt: START + DELAY })
      world.wait(DELAY - 1)
      await world.refused(world.stranger, bodies.loosenNumber(id), ERR.tooEarly)
      world.wait(1)
      expect(world.exitCode(await world.send(world.stranger, bodies.loosenNumber(id)))).to.equal(0)
      expect((await world.state()).numbers.get(id)).to.equal(loose)
      await world.govern(bodies.tightenNumber(id, stricter))
      expect((await world.state()).numbers.get(id)).to.equal(stricter)
    })

    it(`drops what was coming for number ${id} when it is tightened or taken back`, async () => {
      const world = await RegistryWorld.create({ numbers: new Map([[id, strict]]) })
      await world.govern(bodies.proposeNumber(id, loose))
      await world.govern(bodies.tightenNumber(id, stricter))
      world.wait(DELAY)
      await world.refused(world.stranger, bodies.loosenNumber(id), ERR.nothingPending)
      await world.govern(bodies.proposeNumber(id))
      await world.govern(bodies.cancelNumber(id))
      world.wait(DELAY)
      await world.refused(world.stranger, bodies.loosenNumber(id), ERR.nothingPending)
      await world.refused(world.governor, bodies.cancelNumber(id), ERR.nothingPending)
    })
  }

  it('sets a bound where there was none at once, and lifts one after the delay', async () => {
    const world = await RegistryWorld.create()
    await world.refused(world.governor, bodies.proposeNumber(128, 1n), ERR.notLooser)
    await world.govern(bodies.tightenNumber(128, 2n ** 64n - 1n))
    await world.govern(bodies.proposeNumber(128))
    expect((await world.state()).comingNumbers.get(128)).to.deep.equal({ value: undefined, readyAt: START + DELAY })
    await world.refused(world.stranger, bodies.loosenNumber(128), ERR.tooEarly)
    world.wait(DELAY)
    await world.send(world.stranger, bodies.loosenNumber(128))
    expect((await world.state()).numbers.size).to.equal(0)
  })
})

describe('registry: governor', () => {
  it('changes after the delay, when the next one shows that its key is there', async () => {
    const world = await RegistryWorld.create()
    await world.govern(bodies.proposeGovernor(accountOf(world.successor.address)))
    expect((await world.state()).nextGovernor).to.deep.equal({ account: accountOf(world.successor.address), readyAt: START + DELAY })
    world.wait(DELAY - 1)
    await world.refused(world.successor, bodies.acceptGovernor(), ERR.tooEarly)
    world.wait(1)
    await world.refused(world.stranger, bodies.acceptGovernor(), ERR.notNextGovernor)
    expect(world.exitCode(await world.send(world.successor, bodies.acceptGovernor()))).to.equal(0)
    await world.refused(world.governor, bodies.proposeEntry(ENTRY), ERR.notGovernor)
    expect(world.exitCode(await world.send(world.successor, bodies.proposeEntry(ENTRY)))).to.equal(0)
    await world.refused(world.successor, bodies.acceptGovernor(), ERR.notNextGovernor)
  })

  it('takes its proposal back at once', async () => {
    const world = await RegistryWorld.create()
    await world.govern(bodies.proposeGovernor(accountOf(world.successor.address)))
    await world.govern(bodies.proposeGovernor(NOBODY))
    world.wait(DELAY)
    await world.refused(world.successor, bodies.acceptGovernor(), ERR.notNextGovernor)
  })
})

describe('registry: hostile messages', function () {
  this.timeout(30_000)

  const everyBody: Record<string, Cell> = {
    proposeEntry: bodies.proposeEntry(entryOf(1)),
    listEntry: bodies.listEntry(ENTRY),
    removeEntry: bodies.removeEntry(ENTRY),
    tightenNumber: bodies.tightenNumber(0, 18n),
    proposeNumber: bodies.proposeNumber(0, 16n),
    liftNumber: bodies.proposeNumber(0),
    loosenNumber: bodies.loosenNumber(1),
    cancelNumber: bodies.cancelNumber(1),
    proposeGovernor: bodies.proposeGovernor(NOBODY),
    acceptGovernor: bodies.acceptGovernor()
  }
  const anyones = ['listEntry', 'loosenNumber', 'acceptGovernor']

  async function busy (): Promise<RegistryWorld> {
    const world = await RegistryWorld.create({ numbers: new Map([[0, 17n], [1, 5n]]) })
    await world.govern(bodies.proposeEntry(ENTRY))
    await world.govern(bodies.proposeNumber(1, 4n))
    world.wait(DELAY)
    return world
  }

  it('takes what only the governor may say from nobody else', async () => {
    const world = await busy()
    for (const [name, body] of Object.entries(everyBody)) {
      if (!anyones.includes(name)) {
        await world.refused(world.stranger, body, ERR.notGovernor)
        await world.refused(world.successor, body, ERR.notGovernor)
      }
    }
  })

  it('refuses every message that is a bit short or long, and what it does not know', async () => {
    const world = await busy()
    for (const [name, body] of Object.entries(everyBody)) {
      const bits = body.bits.length
      const cut = beginCell().storeBits(body.bits.substring(0, bits - 1)).endCell()
      const long = beginCell().storeBits(body.bits).storeBit(true).endCell()
      const withRef = beginCell().storeBits(body.bits).storeRef(beginCell().endCell()).endCell()
      for (const wrong of [cut, long, withRef]) {
        const before = await world.state()
        expect(world.exitCode(await world.send(world.governor, wrong)), name).to.not.equal(0)
        expect(await world.state(), name).to.deep.equal(before)
      }
    }
    for (const body of [beginCell().storeUint(0, 32).endCell(), beginCell().storeUint(0x4352000a, 32).endCell(), beginCell().storeBit(true).endCell()]) {
      await world.refused(world.governor, body, ERR.unknownOp)
    }
  })

  it('never sends anything but a message\'s change to its sender: no coins of its own, none of anybody', async () => {
    const world = await busy()
    for (const body of Object.values(everyBody)) {
      const before = await world.balance()
      const result = await world.send(world.governor, body)
      for (const tx of result.transactions) {
        const info = tx.inMessage?.info
        if (info?.type === 'internal' && info.src.equals(world.address)) {
          expect(info.dest.equals(world.governor.address)).to.equal(true)
          expect(info.value.coins < 50_000_000n).to.equal(true)
        }
      }
      expect(before - await world.balance()).to.equal(world.rentOf(result))
    }
  })
})
