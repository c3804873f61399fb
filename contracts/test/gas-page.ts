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
| eight dictionaries, unpacked once a message | 24,202 | 48,102 | 8,405 | taken: three cells a lane fewer; keeps the redeem below its goal |
| 32 buckets under two levels of nodes, three lanes a cell, the terms shared | 37,044 | 44,436 | 9,815 | the redeem of a late lane is above its goal, the opening of one lane costs half as much again |

In a full vault 30,400 of the 48,102 units are those of eight insertions: each makes every cell above the new lane again and
three beside it (500 a cell), and reads those (100). Sixteen dictionaries would save one more level of each path and lose as
much to three more cells of the table. The goal of 20,000,000 nanoTON for eight lanes holds while at most 17 are open.
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
