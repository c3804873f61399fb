import type { GasTable } from './gas-table.ts'

const INTRO = `# Where each nanoTON goes

Made by the tests from \`gas-snapshot.json\` (\`UPDATE_GAS=1\`); a test fails when it is stale. Every step is paid by a real wallet
v4r2 on the emulator, at the mainnet's prices (400 nanoTON a unit of gas, 400 a bit and 40,000 a cell of a message). Columns
in nanoTON, but for the first:

- **gas**: units that the contract burns
- **wallet**: import of the external message, the wallet's storage and gas
- **there**: carrying the message to the contract
- **contract**: the contract's gas
- **back**: carrying what it sends, and its recipients' gas; below zero where the contract repays
- **all-in**: the sum, which is what the sender is poorer by, what it is paid not counted

| step | gas | wallet | there | contract | back | all-in | goal |
|---|--:|--:|--:|--:|--:|--:|--:|
`

const LAYOUTS = `
## Opening lanes in a full vault

Gas of the three steps that the layout of the lanes decides, of each layout that was tried:

| lanes lie in | open 8 at 1 lane | open 8 at 89 lanes | redeem at 97 lanes | |
|---|--:|--:|--:|---|
| one dictionary | 35,722 | 59,122 | 8,169 | ten cells a lane in a full vault, of which a message shares none |
| eight dictionaries, unpacked once a message | 24,202 | 48,102 | 8,405 | three cells a lane fewer |
| 32 buckets under two levels of nodes, three lanes a cell, the terms shared | 37,044 | 44,436 | 9,815 | the redeem of a late lane is above its goal, the opening of one lane costs half as much again |
| 32 chains under two levels of nodes, what openings count beside them | 33,308 | 33,758 | 8,882 | taken: two cells a lane however full the vault is, and no other lane's; keeps the redeem below its goal |

A new lane makes its link and its node; a message makes the two halves of the table, the vault's data and its answer: 20 cells
of 500 for eight lanes. Marks in the node show that a payee has no lane yet, so that its chain is not read; one lane in twenty
of a full vault is marked by chance and reads it, for some 1,500 units more. The lanes' order in a message makes no difference,
and the rows above are the dearest case, eight lanes of eight nodes. Each lane that lies before the payee's own in its chain costs its redeem
237 units, seven at most. Of payees ground to lie in one chain those beyond the eighth are in a dictionary: eight
of them opened in a vault of 97 such lanes take 83,372 units, which the client that chose them pays.
`

function grouped (value: number): string {
  return value.toLocaleString('en-US')
}

/** The page that shows a table, with the goals beside the steps that have one. */
export function gasPage (table: GasTable, goals: Readonly<Record<string, number>>): string {
  const rows = Object.entries(table).map(([step, bill]) => {
    const goal = goals[step] == null ? '' : grouped(goals[step])
    return `| ${step} | ${[bill.gas, bill.wallet, bill.there, bill.contract, bill.back, bill.allIn].map(grouped).join(' | ')} | ${goal} |`
  })
  return `${INTRO}${rows.join('\n')}\n${LAYOUTS}`
}
