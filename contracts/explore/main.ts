/* eslint-disable no-console */
/** `npm run explore -w contracts -- [--states 110000] [--worlds vault,stake] [--probes 1] [--threads 2] [--only states|mutants]` */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH } from '../src/index.ts'
import { Machine } from './executor.ts'
import { MUTANTS } from './mutant-list.ts'
import { tryMutant } from './mutants.ts'
import { search } from './search.ts'
import { threadTeam } from './team.ts'
import { Violation } from './violation.ts'
import { WORLDS } from './worlds.ts'
import type { Found } from './search.ts'
import type { World } from './world.ts'
import type { WorldName } from './worlds.ts'

const PROGRESS_MS = 15_000
/** States within which a mutant has to be found. */
const MUTANT_STATES = 2_000

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '110000' },
    worlds: { type: 'string', default: 'vault,stake' },
    probes: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) }
  }
})
const probesPerState = Number(values.probes)

function line (found: Found, ms: number): string {
  const perSecond = (found.transitions * 1_000 / ms).toFixed(0)
  return `${found.states} states, ${found.expanded} expanded, depth ${found.depth}, ${found.transitions} transitions, ${(ms / 1_000).toFixed(0)} s, ${perSecond} transitions/s`
}

function table (name: string, counts: ReadonlyMap<string, number>): void {
  console.info(`  ${name}: ${[...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, n]) => `${kind} ${n}`).join(', ')}`)
}

function report (found: Found, ms: number): void {
  console.info(`  ${line(found, ms)}; ${found.expanded === found.states ? 'closed: no further state exists within these bounds' : 'stopped at the number asked for'}`)
  console.info(`  states at each depth: ${found.atDepth.join(', ')}`)
  table('obeyed', found.obeyed)
  table('refused', found.refused)
  console.info(`  from every expanded state the owner gets out with at most ${found.exitMessages} messages and ${found.exitSeconds} s, and all else that is due is obeyed in one message`)
}

function describe ({ name, bounds }: World): void {
  console.info(`\n${name}; ${probesPerState} message in turn per state`)
  bounds.forEach(bound => { console.info(`  ${bound}`) })
}

async function explore (machine: Machine, name: WorldName): Promise<void> {
  describe(await WORLDS[name](machine))
  const team = threadTeam(Number(values.threads), { world: name, probesPerState })
  const start = performance.now()
  let shown = start
  try {
    const found = await search(team, {
      maxStates: Number(values.states),
      onProgress: (now) => {
        const time = performance.now()
        if (time - shown > PROGRESS_MS) {
          shown = time
          console.info(`  … ${line(now, time - start)}`)
        }
      }
    })
    report(found, performance.now() - start)
  } finally {
    await team.stop()
  }
}

async function tryMutants (machine: Machine): Promise<void> {
  console.info('\n| contract | mutant | caught by | after messages | contract runs |\n|---|---|---|---|---|')
  let missed = 0
  for (const mutant of MUTANTS) {
    const { caught, transitions } = await tryMutant(machine, mutant, MUTANT_STATES)
    missed += caught == null ? 1 : 0
    console.info(`| ${mutant.contract} | ${mutant.name} | ${caught?.law ?? 'NOT CAUGHT'} | ${caught?.trace.length ?? ''} | ${transitions} |`)
  }
  console.info(`${MUTANTS.length - missed} of ${MUTANTS.length} mutants caught`)
  process.exitCode = missed === 0 ? process.exitCode : 1
}

async function main (): Promise<void> {
  console.info(`client vault, code ${CLIENT_VAULT_CODE_HASH}\nprovider stake, code ${PROVIDER_STAKE_CODE_HASH}`)
  const machine = await Machine.create()
  if (values.only !== 'states') {
    await tryMutants(machine)
  }
  if (values.only !== 'mutants') {
    for (const name of values.worlds.split(',')) {
      await explore(machine, name as WorldName)
    }
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Violation)) {
    throw error
  }
  console.error(`\n${error.law}: ${error.message}\n${error.trace.map((label, i) => `  ${i + 1}. ${label}`).join('\n')}`)
  process.exitCode = 1
}
