/** `npm run explore -w contracts -- [--states 200000] [--probes 1] [--wide 20000]` */
import { parseArgs } from 'node:util'
import { CLIENT_VAULT_CODE_HASH } from '../src/index.ts'
import { Machine } from './executor.ts'
import { search } from './search.ts'
import { CAP_NANO, START, UNLOCK_SECONDS, twoLanes } from './vault/scenario.ts'
import { Violation } from './violation.ts'
import type { Found } from './search.ts'
import type { Scenario } from './vault/scenario.ts'

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '200000' },
    wide: { type: 'string', default: '10000' },
    probes: { type: 'string', default: '1' }
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

function line (found: Found, seconds: number): string {
  return `${found.states} states, ${found.expanded} expanded, depth ${found.depth}, ${found.transitions} transitions, ${seconds.toFixed(0)} s`
}

function table (name: string, counts: ReadonlyMap<string, number>): void {
  console.info(`  ${name}: ${[...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, n]) => `${kind} ${n}`).join(', ')}`)
}

async function explore (machine: Machine, scenario: Scenario, maxStates: number): Promise<void> {
  describe(scenario)
  const start = performance.now()
  let shown = start
  const found = await search(machine, scenario, {
    maxStates,
    probesPerState,
    onProgress: (now) => {
      const time = performance.now()
      if (time - shown > 15_000) {
        shown = time
        console.info(`  … ${line(now, (time - start) / 1_000)}`)
      }
    }
  })
  const isClosed = found.expanded === found.states
  console.info(`  ${line(found, (performance.now() - start) / 1_000)}; ${isClosed ? 'closed: no further state exists within these bounds' : `stopped at ${maxStates} states`}`)
  table('obeyed', found.obeyed)
  table('refused', found.refused)
  console.info(`  from every expanded state the owner gets out with at most ${found.exitMessages} messages and ${found.exitSeconds} s, and every due voucher is paid in one message`)
}

const machine = await Machine.create()
console.info(`client vault, code ${CLIENT_VAULT_CODE_HASH}`)
try {
  await explore(machine, await twoLanes(machine, { full: false }), Number(values.states))
  await explore(machine, await twoLanes(machine, { full: true }), Number(values.wide))
} catch (error) {
  if (!(error instanceof Violation)) {
    throw error
  }
  console.error(`\n${error.message}\n${error.trace.map((label, i) => `  ${i + 1}. ${label}`).join('\n')}`)
  process.exitCode = 1
}
