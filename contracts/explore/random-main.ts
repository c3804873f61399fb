/* eslint-disable no-console */
/** `npm run random-ops -w contracts -- [--ops 100000] [--seed N]`: three fifths of the operations on the vault, the rest on the stake. */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH } from '../src/index.ts'
import { Machine } from './executor.ts'
import { walk } from './random.ts'
import { RandomStake } from './stake/random.ts'
import { RandomVault } from './vault/random.ts'
import { Violation } from './violation.ts'
import type { RandomWorld, Walked } from './random.ts'

const PROGRESS_MS = 15_000
const EXIT_EVERY = 50

const { values } = parseArgs({ options: { ops: { type: 'string', default: '100000' }, seed: { type: 'string' } } })
const seed = values.seed == null ? randomInt(2 ** 31) : Number(values.seed)
const ops = Number(values.ops)

function table (name: string, counts: ReadonlyMap<string, number>): void {
  console.info(`  ${name}: ${[...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, n]) => `${kind} ${n}`).join(', ')}`)
}

async function run (name: string, machine: Machine, world: RandomWorld, share: number): Promise<Walked> {
  const start = performance.now()
  let shown = start
  const walked = await walk(machine, world, {
    ops: share,
    seed,
    exitEvery: EXIT_EVERY,
    onProgress: (now) => {
      if (performance.now() - shown > PROGRESS_MS) {
        shown = performance.now()
        console.info(`  … ${name}: ${now.ops} operations, ${((shown - start) / 1_000).toFixed(0)} s`)
      }
    }
  })
  console.info(`${name}: ${walked.ops} operations in ${((performance.now() - start) / 1_000).toFixed(0)} s, over ${Math.round(walked.elapsed / 86_400)} days of its own time; every law held after each`)
  table('obeyed', walked.obeyed)
  table('refused', walked.refused)
  console.info(`  the owner got out of each of ${walked.exits} states, with at most ${walked.exitMessages} messages and ${walked.exitSeconds} s`)
  return walked
}

console.info(`seed ${seed}\nclient vault, code ${CLIENT_VAULT_CODE_HASH}\nprovider stake, code ${PROVIDER_STAKE_CODE_HASH}`)
try {
  const machine = await Machine.create()
  const onVault = Math.ceil(ops * 3 / 5)
  const vault = await run('vault', machine, await RandomVault.create(machine), onVault)
  const stake = await run('stake', machine, new RandomStake(machine), ops - onVault)
  console.info(`${vault.ops + stake.ops} operations, seed ${seed}`)
} catch (error) {
  if (!(error instanceof Violation)) {
    throw error
  }
  console.error(`\n${error.law}: ${error.message}\n${error.trace.map(label => `  ${label}`).join('\n')}`)
  process.exitCode = 1
}
