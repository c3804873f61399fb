/** Faults seeded into the sources, one at a time: the exploration has to find each of them. */
import { Cell } from '@ton/core'
import { compileContract, readSources } from '../test/compile.ts'
import { search } from './search.ts'
import { localTeam } from './team.ts'
import { Violation } from './violation.ts'
import { WORLDS } from './worlds.ts'
import type { Machine } from './executor.ts'
import type { WorldName } from './worlds.ts'

/** What each contract's mutants are explored in. */
const WORLD_OF = Object.freeze({ 'client-vault': 'vault', 'provider-stake': 'stake' } as const satisfies Record<string, WorldName>)

export type ContractName = keyof typeof WORLD_OF

export interface Mutant {
  readonly name: string
  /** Folder of the contract's sources. */
  readonly contract: ContractName
  /** Name of the source's file. */
  readonly file: string
  /** Must occur exactly once. */
  readonly from: string
  readonly to: string
}

/** How a mutant was found, or that it was not. */
export interface Verdict {
  readonly mutant: Mutant
  readonly caught: Violation | undefined
  /** Runs of the faulty contract. */
  readonly transitions: number
}

/** More than there are. */
const ALL_PROBES = 1_000
/** The vault's first life and a few more. */
const FEW_STATES = 20

/**
 * The code of a contract with one fault in it.
 *
 * @throws {Error} the text to replace does not occur exactly once
 */
export async function mutantCode (mutant: Mutant): Promise<Cell> {
  const sources = await readSources(mutant.contract)
  const text = sources.get(mutant.file) ?? ''
  const parts = text.split(mutant.from)
  if (parts.length !== 2) {
    throw new Error(`mutant "${mutant.name}": its text occurs ${parts.length - 1} times in ${mutant.file}`)
  }
  sources.set(mutant.file, parts.join(mutant.to))
  const { hex } = await compileContract(mutant.contract, sources)
  return Cell.fromHex(hex)
}

/** Explores a contract with one fault in it until that is found, or `maxStates` states are. */
export async function tryMutant (machine: Machine, mutant: Mutant, maxStates: number): Promise<Verdict> {
  const code = await mutantCode(mutant)
  const from = machine.transitions
  let caught: Violation | undefined
  try {
    const world = await WORLDS[WORLD_OF[mutant.contract]](machine, code)
    // most are found by what has to be obeyed alone
    await search(localTeam(machine, world, 0), { maxStates: FEW_STATES })
    await search(localTeam(machine, world, ALL_PROBES), { maxStates })
  } catch (error) {
    if (!(error instanceof Violation)) {
      throw error
    }
    caught = error
  }
  return { mutant, caught, transitions: machine.transitions - from }
}
