/* eslint-disable no-console */
/** `npm run explore -w contracts -- [--states 110000] [--core 0] [--probes 1] [--threads 2] [--only states|mutants]` */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { CLIENT_VAULT_CODE_HASH } from '../src/index.ts'
import { Machine } from './executor.ts'
import { VAULT_MUTANTS, tryMutant } from './mutants.ts'
import { search } from './search.ts'
import { threadTeam } from './team.ts'
import { CAP_NANO, START, UNLOCK_SECONDS, twoLanes } from './vault/scenario.ts'
import { Violation } from './violation.ts'
import type { Found } from './search.ts'
import type { Scenario } from './vault/scenario.ts'

const PROGRESS_MS = 15_000
/** States within which a mutant has to be found. */
const MUTANT_STATES = 2_000

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '110000' },
    core: { type: 'string', default: '0' },
    probes: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) }
  }
})
const probesPerState = Number(values.probes)

function describe (scenario: Scenario): void {
  console.info(`\n${scenario.name}`)
  console.info(`  lanes A (cap up to ${2n * CAP_NANO}) and B (cap up to ${CAP_NANO}), two epochs, two voucher signers, fee 100 bps, unlock ${UNLOCK_SECONDS} s`)
  console.info(`  clock, seconds after the start: ${scenario.clock.map(now => now - START).join(', ')}`)
  console.info(`  ${scenario.moves.length} messages, each sent in every state that has to obey it, and a withdrawal of what is free`)
  console.info(`  ${scenario.probes.length} more, and those not due, ${probesPerState} in each state in turn: wrong senders, stale and forged vouchers, malformed bodies, returned messages`)
}

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
  console.info(`  from every expanded state the owner gets out with at most ${found.exitMessages} messages and ${found.exitSeconds} s, and every due voucher is paid in one message`)
}

async function explore (machine: Machine, full: boolean, maxStates: number): Promise<void> {
  describe(await twoLanes(machine, { full }))
  const team = threadTeam(Number(values.threads), { full, probesPerState })
  const start = performance.now()
  let shown = start
  try {
    const found = await search(team, {
      maxStates,
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
  console.info('\n| mutant | caught by | after messages | contract runs |\n|---|---|---|---|')
  let missed = 0
  for (const mutant of VAULT_MUTANTS) {
    const { caught, transitions } = await tryMutant(machine, mutant, MUTANT_STATES)
    missed += caught == null ? 1 : 0
    console.info(`| ${mutant.name} | ${caught?.law ?? 'NOT CAUGHT'} | ${caught?.trace.length ?? ''} | ${transitions} |`)
  }
  console.info(`${VAULT_MUTANTS.length - missed} of ${VAULT_MUTANTS.length} mutants caught`)
  process.exitCode = missed === 0 ? process.exitCode : 1
}

async function main (): Promise<void> {
  console.info(`client vault, code ${CLIENT_VAULT_CODE_HASH}`)
  const machine = await Machine.create()
  if (values.only !== 'states') {
    await tryMutants(machine)
  }
  if (values.only !== 'mutants') {
    if (Number(values.core) > 0) {
      await explore(machine, false, Number(values.core))
    }
    await explore(machine, true, Number(values.states))
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
