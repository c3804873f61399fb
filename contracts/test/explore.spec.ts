import { expect } from 'aegir/chai'
import { Machine } from '../explore/executor.ts'
import { VAULT_MUTANTS, mutantCode, tryMutant } from '../explore/mutants.ts'
import { search } from '../explore/search.ts'
import { localTeam } from '../explore/team.ts'
import { twoLanes } from '../explore/vault/scenario.ts'
import type { Mutant } from '../explore/mutants.ts'

/** Different rules, each found within a few states; `npm run explore` tries them all. */
const SHORT_LIST = [
  'redeem without its signature',
  'redeem beyond the cap',
  'redeem pays its sender',
  'budget that never fills',
  'signer overwritten',
  'promise more than is held',
  'unlock without the notice\'s value',
  'unlock finished a second late',
  'gas of an ended lane stays locked',
  'withdraw by anyone'
]

describe('exploration of the vault', () => {
  let machine: Machine

  before(async () => {
    machine = await Machine.create()
  })

  it('finds every law kept in every state, and both parties paid from each', async function () {
    this.timeout(60_000)
    const found = await search(localTeam(machine, await twoLanes(machine, { full: true }), 2), { maxStates: 150 })
    expect(found.states).to.be.at.least(150)
    expect(found.depth).to.be.at.least(12)
    expect(found.transitions).to.be.greaterThan(found.states)
    expect(found.exitMessages).to.be.at.most(6)
    expect(found.exitSeconds).to.be.at.most(600)
  })

  it('finds the same states whoever plays them', async function () {
    this.timeout(60_000)
    const scenario = await twoLanes(machine, { full: false })
    const team = localTeam(machine, scenario, 1)
    const wide = { ...team, size: 3 }
    const [one, three] = [await search(team, { maxStates: 60 }), await search(wide, { maxStates: 60 })]
    expect(three.atDepth).to.deep.equal(one.atDepth)
    expect(three.obeyed).to.deep.equal(one.obeyed)
  })

  it('refuses a mutant whose text does not occur exactly once', async () => {
    const mutant: Mutant = { name: 'nowhere', file: 'rules.tolk', from: 'no such text', to: '' }
    await expect(mutantCode('client-vault', mutant)).to.eventually.be.rejectedWith('occurs 0 times')
  })

  it('knows ten mutants and more by different names', () => {
    expect(new Set(VAULT_MUTANTS.map(({ name }) => name)).size).to.be.at.least(10)
  })

  const catches = (name: string): void => {
    it(`catches the mutant: ${name}`, async function () {
      this.timeout(60_000)
      const mutant = VAULT_MUTANTS.find(one => one.name === name)
      if (mutant == null) {
        throw new Error('no such mutant')
      }
      const { caught } = await tryMutant(machine, mutant, 20)
      expect(caught?.law).to.be.a('string')
    })
  }

  SHORT_LIST.forEach(catches)
})
