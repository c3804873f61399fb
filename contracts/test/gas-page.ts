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

function grouped (value: number): string {
  return value.toLocaleString('en-US')
}

/** The page that shows a table, with the goals beside the steps that have one. */
export function gasPage (table: GasTable, goals: Readonly<Record<string, number>>): string {
  const rows = Object.entries(table).map(([step, bill]) => {
    const goal = goals[step] == null ? '' : grouped(goals[step])
    return `| ${step} | ${[bill.gas, bill.wallet, bill.there, bill.contract, bill.back, bill.allIn].map(grouped).join(' | ')} | ${goal} |`
  })
  return `${INTRO}${rows.join('\n')}\n`
}
