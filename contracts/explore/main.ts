/* eslint-disable no-console */
/** `npm run explore -w contracts -- --help` */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH } from '../src/index.ts'
import { Machine } from './executor.ts'
import { MUTANTS } from './mutant-list.ts'
import { tryMutant } from './mutants.ts'
import { reportOf, statesLine, totalsTable } from './report.ts'
import { search } from './search.ts'
import { threadTeam } from './team.ts'
import { Violation } from './violation.ts'
import { WORLDS } from './worlds.ts'
import type { ExploredWorld } from './report.ts'
import type { Checkpoint } from './search.ts'
import type { WorldName } from './worlds.ts'

const HELP = `npm run explore -w contracts -- [options]

Plays every message in every state of a bounded world of each contract, on the compiled code, and checks the laws and the
parties' ways out in each. Then seeds faults into the contracts, one at a time, and looks whether they are found.

  --worlds vault-lanes,vault-money,stake
                              of ${Object.keys(WORLDS).join(', ')}; vault does not close within days
  --states N                  stop each world after so many expanded states (default: when no further state exists)
  --probes N                  messages in turn per state beside those that have to be obeyed (default 1)
  --threads N                 default: one per processor
  --only states|mutants       one half of it
  --resume FILE               go on from FILE.<world> where it exists; written every minute, and at the end
  --json                      one line of JSON at the end
  --help
`
const PROGRESS_MS = 15_000
const CHECKPOINT_MS = 60_000
/** States within which a mutant has to be found. */
const MUTANT_STATES = 2_000

const { values } = parseArgs({
  options: {
    states: { type: 'string' },
    worlds: { type: 'string', default: 'vault-lanes,vault-money,stake' },
    probes: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) },
    resume: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

/** A checkpoint together with what it is good for; anything else is another search. */
interface Saved { readonly of: string, readonly seconds: number, readonly checkpoint: Checkpoint }

/** A number of an option, from `min` on. */
function count (name: 'states' | 'probes' | 'threads', min: number): number | undefined {
  const text = values[name]
  const value = Number(text)
  if (text != null && (!Number.isFinite(value) || value < min)) {
    throw new TypeError(`--${name} must be a number from ${min} on, not "${text}"`)
  }
  return text == null ? undefined : value
}

async function load (file: string, of: string): Promise<Saved | undefined> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch {
    return undefined
  }
  const saved = deserialize(bytes) as Saved
  if (saved.of !== of) {
    throw new TypeError(`${file} was written for other code or other bounds`)
  }
  return saved
}

async function save (file: string, saved: Saved): Promise<void> {
  await writeFile(`${file}.new`, serialize(saved))
  await rename(`${file}.new`, file)
}

async function explore (machine: Machine, name: WorldName): Promise<ExploredWorld> {
  const world = await WORLDS[name](machine)
  const probesPerState = count('probes', 0) ?? 1
  console.info(`\n${world.name}; ${probesPerState} message in turn per state`)
  world.bounds.forEach(bound => { console.info(`  ${bound}`) })
  const of = JSON.stringify([CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH, world.name, world.bounds, probesPerState])
  const file = values.resume == null ? undefined : `${values.resume}.${name}`
  const saved = file == null ? undefined : await load(file, of)
  const team = threadTeam(count('threads', 1) ?? 1, { world: name, probesPerState })
  const start = performance.now() - (saved?.seconds ?? 0) * 1_000
  const seconds = (): number => (performance.now() - start) / 1_000
  let shown = performance.now()
  let kept = performance.now()
  let writing: Promise<void> = Promise.resolve()
  let last: (() => Checkpoint) | undefined
  try {
    const found = await search(team, {
      maxExpanded: count('states', 1),
      from: saved?.checkpoint,
      onProgress: (now, checkpoint) => {
        last = checkpoint
        if (performance.now() - shown > PROGRESS_MS) {
          shown = performance.now()
          console.info(`  … ${statesLine(now, seconds())}`)
        }
        if (file != null && performance.now() - kept > CHECKPOINT_MS) {
          kept = performance.now()
          writing = save(file, { of, seconds: seconds(), checkpoint: checkpoint() })
        }
      }
    })
    await writing
    if (file != null && last != null) {
      await save(file, { of, seconds: seconds(), checkpoint: last() })
    }
    const explored = { world: world.name, bounds: world.bounds, found, seconds: seconds() }
    reportOf(explored).forEach(line => { console.info(line) })
    return explored
  } finally {
    await team.stop()
  }
}

/** @returns how many were not caught */
async function tryMutants (machine: Machine): Promise<number> {
  console.info('\n| contract | mutant | caught by | after messages | contract runs |\n|---|---|---|---|---|')
  let missed = 0
  for (const mutant of MUTANTS) {
    const { caught, transitions } = await tryMutant(machine, mutant, MUTANT_STATES)
    missed += caught == null ? 1 : 0
    console.info(`| ${mutant.contract} | ${mutant.name} | ${caught?.law ?? 'NOT CAUGHT'} | ${caught?.trace.length ?? ''} | ${transitions} |`)
  }
  console.info(`${MUTANTS.length - missed} of ${MUTANTS.length} mutants caught`)
  return missed
}

async function main (): Promise<void> {
  const names = values.worlds.split(',')
  const strange = names.find(name => !Object.hasOwn(WORLDS, name))
  if (strange != null) {
    throw new TypeError(`no world "${strange}": there are ${Object.keys(WORLDS).join(', ')}`)
  }
  console.info(`client vault, code ${CLIENT_VAULT_CODE_HASH}\nprovider stake, code ${PROVIDER_STAKE_CODE_HASH}`)
  const machine = await Machine.create()
  const worlds: ExploredWorld[] = []
  for (const name of values.only === 'mutants' ? [] : names) {
    worlds.push(await explore(machine, name as WorldName))
  }
  const missed = values.only === 'states' ? 0 : await tryMutants(machine)
  process.exitCode = missed === 0 ? process.exitCode : 1
  totalsTable(worlds).forEach(line => { console.info(line) })
  if (values.json) {
    console.info(JSON.stringify({
      clientVault: CLIENT_VAULT_CODE_HASH,
      providerStake: PROVIDER_STAKE_CODE_HASH,
      worlds: worlds.map(({ world, bounds, found, seconds }) => ({ world, bounds, seconds, closed: found.expanded === found.states, violations: 0, ...found, obeyed: Object.fromEntries(found.obeyed), refused: Object.fromEntries(found.refused) })),
      mutants: values.only === 'states' ? undefined : { tried: MUTANTS.length, missed }
    }))
  }
}

if (values.help) {
  console.info(HELP)
} else {
  try {
    await main()
  } catch (error) {
    if (error instanceof Violation) {
      console.error(`\n${error.law}: ${error.message}\n${error.trace.map((label, i) => `  ${i + 1}. ${label}`).join('\n')}`)
    } else if (error instanceof TypeError) {
      console.error(error.message)
    } else {
      throw error
    }
    process.exitCode = 1
  }
}
