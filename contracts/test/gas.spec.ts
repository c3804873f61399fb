import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { gasPage } from './gas-page.ts'
import { measureRegistry } from './gas-registry.ts'
import { measureStake } from './gas-stake.ts'
import { measureVault } from './gas-table.ts'
import type { GasTable } from './gas-table.ts'

const SNAPSHOT = new URL('../gas-snapshot.json', import.meta.url)
const PAGE = new URL('../GAS.md', import.meta.url)

/** nanoTON, all-in: the sender's wallet, both ways of the message, and the contract. */
const GOALS: Readonly<Record<string, number>> = {
  'redeem at 97 lanes': 7_500_000,
  'redeem at 105 lanes, dearest counter': 7_500_000,
  ...Object.fromEntries(['', ' as operator', ...[17, 25, 33, 41, 49, 57, 65, 73, 81, 89].map(lanes => ` at ${lanes} lanes`), ' at 97 lanes as operator'].map(when => [`open 8 lanes${when}`, 20_000_000])),
  'stake: slash a contradiction': 9_000_000,
  'stake: slash an overcharge': 9_000_000
}

describe('gas', () => {
  let table: GasTable

  before(async function () {
    this.timeout(120_000)
    table = { ...await measureVault('v4r2'), ...await measureStake('v4r2'), ...await measureRegistry('v4r2') }
  })

  it('is what the committed snapshot says, step by step', async () => {
    if (process.env.UPDATE_GAS === '1') {
      await writeFile(SNAPSHOT, `${JSON.stringify(table, null, 2)}\n`)
      await writeFile(PAGE, gasPage(table, GOALS))
    }
    expect(table).to.deep.equal(JSON.parse(await readFile(SNAPSHOT, 'utf8')))
    expect(await readFile(PAGE, 'utf8')).to.equal(gasPage(table, GOALS))
  })

  it('meets its goals, all-in', () => {
    for (const [step, goal] of Object.entries(GOALS)) {
      expect(table[step].allIn, step).to.be.at.most(goal)
    }
  })

  it('adds up', () => {
    for (const [step, { wallet, there, contract, back, allIn }] of Object.entries(table)) {
      expect(wallet + there + contract + back, step).to.equal(allIn)
    }
  })
})
