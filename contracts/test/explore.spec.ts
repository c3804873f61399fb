import { expect } from 'aegir/chai'
import { Machine } from '../explore/executor.ts'
import { MUTANTS } from '../explore/mutant-list.ts'
import { mutantCode, tryMutant } from '../explore/mutants.ts'
import { Dice, walk } from '../explore/random.ts'
import { search } from '../explore/search.ts'
import { RandomStake } from '../explore/stake/random.ts'
import { stakeWorld } from '../explore/stake/world.ts'
import { localTeam } from '../explore/team.ts'
import { RandomVault } from '../explore/vault/random.ts'
import { vaultLanes, vaultWorld } from '../explore/vault/world.ts'
import type { ContractName, Mutant } from '../explore/mutants.ts'
import type { Checkpoint } from '../explore/search.ts'

const SEED = 20261121
const SLOW_MS = 120_000

/** One for each sort of rule; `npm run explore` tries them all. */
const SHORT_LIST: ReadonlyArray<[ContractName, string]> = [
  ['client-vault', 'redeem beyond the cap'],
  ['client-vault', 'redeem pays its sender'],
  ['client-vault', 'budget that never fills'],
  ['client-vault', 'unlock without the notice\'s value'],
  ['client-vault', 'unlock finished a second late'],
  ['client-vault', 'gas of an ended lane stays locked'],
  ['provider-stake', 'slash leaves what unbonds'],
  ['provider-stake', 'slash pays the reporter all'],
  ['provider-stake', 'withdraw a second late'],
  ['provider-stake', 'two equal receipts contradict']
]

describe('exploration of the contracts', () => {
  let machine: Machine

  before(async function () {
    this.timeout(SLOW_MS)
    machine = await Machine.create()
  })

  it('finds every law of the vault kept in every state, and both parties paid from each', async function () {
    this.timeout(SLOW_MS)
    const found = await search(localTeam(machine, await vaultWorld(machine), 1), { maxStates: 80 })
    expect(found.states).to.be.at.least(80)
    expect(found.depth).to.be.at.least(12)
    expect(found.transitions).to.be.greaterThan(found.states)
    expect(found.exitMessages).to.be.at.most(6)
    expect(found.exitSeconds).to.be.at.most(600)
  })

  it('finds every law of the stake kept in every state, and the owner out of each', async function () {
    this.timeout(SLOW_MS)
    const found = await search(localTeam(machine, await stakeWorld(machine), 2), { maxStates: 80 })
    expect(found.states).to.be.at.least(80)
    expect(found.exitMessages).to.equal(2)
    expect(found.exitSeconds).to.equal(1_000)
  })

  it('finds the same states whoever plays them', async function () {
    this.timeout(SLOW_MS)
    const world = await vaultLanes(machine)
    const one = await search(localTeam(machine, world, 1), { maxStates: 40 })
    const three = await search({ ...localTeam(machine, world, 1), size: 3 }, { maxStates: 40 })
    expect(three.atDepth).to.deep.equal(one.atDepth)
    expect(three.obeyed).to.deep.equal(one.obeyed)
  })

  it('goes on where it stopped, to the same states', async function () {
    this.timeout(SLOW_MS)
    const world = await stakeWorld(machine)
    const whole = await search(localTeam(machine, world, 1), { maxExpanded: 11 })
    let checkpoint: Checkpoint | undefined
    await search(localTeam(machine, world, 1), { maxExpanded: 1, onProgress: (_, at) => { checkpoint = structuredClone(at()) } })
    expect(checkpoint?.found.expanded).to.be.within(1, 10)
    const rest = await search(localTeam(machine, world, 1), { maxExpanded: 11, from: checkpoint })
    expect(rest.states).to.equal(whole.states)
    expect(rest.atDepth).to.deep.equal(whole.atDepth)
    expect(rest.obeyed).to.deep.equal(whole.obeyed)
  })

  it('holds every law after each of many random operations, the same ones for the same seed', async function () {
    this.timeout(SLOW_MS)
    const vault = await RandomVault.create(machine)
    const walked = await walk(machine, vault, { ops: 200, seed: SEED, exitEvery: 50 })
    expect(walked.exits).to.equal(4)
    const stake = await walk(machine, new RandomStake(machine), { ops: 60, seed: SEED, exitEvery: 20 })
    const again = await walk(machine, new RandomStake(machine), { ops: 60, seed: SEED, exitEvery: 60 })
    expect(again.obeyed).to.deep.equal(stake.obeyed)
    expect(again.refused).to.deep.equal(stake.refused)
  })

  it('throws the dice by seed', () => {
    const throws = (seed: number): number[] => {
      const dice = new Dice(seed)
      return Array.from({ length: 20 }, () => dice.below(1_000))
    }
    expect(throws(1)).to.deep.equal(throws(1))
    expect(throws(1)).to.not.deep.equal(throws(2))
    const dice = new Dice(3)
    for (let i = 0; i < 200; i++) {
      const amount = dice.amount(10n)
      expect(amount >= 1n && amount <= 10n).to.equal(true)
    }
  })

  it('refuses a mutant whose text does not occur exactly once', async () => {
    const mutant: Mutant = { contract: 'client-vault', name: 'nowhere', file: 'rules.tolk', from: 'no such text', to: '' }
    await expect(mutantCode(mutant)).to.eventually.be.rejectedWith('occurs 0 times')
  })

  const catches = ([contract, name]: [ContractName, string]): void => {
    it(`catches a mutant of the ${contract}: ${name}`, async function () {
      this.timeout(SLOW_MS)
      const mutant = MUTANTS.find(one => one.contract === contract && one.name === name)
      if (mutant == null) {
        throw new Error('no such mutant')
      }
      const { caught } = await tryMutant(machine, mutant, 20)
      expect(caught?.law).to.be.a('string')
    })
  }

  SHORT_LIST.forEach(catches)
})
