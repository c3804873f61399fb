/** Faults seeded into the sources, one at a time: the exploration has to find each of them. */
import { Cell } from '@ton/core'
import { compileContract, readSources } from '../test/compile.ts'
import { search } from './search.ts'
import { localTeam } from './team.ts'
import { twoLanes } from './vault/scenario.ts'
import { Violation } from './violation.ts'
import type { Machine } from './executor.ts'

export interface Mutant {
  readonly name: string
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

const MAIN = 'client-vault.tolk'
const RULES = 'rules.tolk'

export const VAULT_MUTANTS: readonly Mutant[] = Object.freeze([
  { name: 'redeem without its signature', file: MAIN, from: 'assert (isSignatureValid(hash, msg.signature as slice, lane.terms.key)) throw ERR_SIGNATURE;', to: '' },
  { name: 'redeem beyond the cap', file: MAIN, from: 'val newPaid = min(msg.cumulative, lane.cap);', to: 'val newPaid = msg.cumulative;' },
  { name: 'redeem forgets what it paid', file: MAIN, from: 's.paid = counter.with(newPaid);', to: '' },
  { name: 'redeem pays its sender', file: RULES, from: 'value: amount, dest: account(dest) }', to: 'value: amount, dest: sender }' },
  { name: 'fee of each part instead of the sum', file: RULES, from: 'return newPaid * bps / 10000 - paid * bps / 10000;', to: 'return (newPaid - paid) * bps / 10000;' },
  { name: 'open with an epoch used before', file: MAIN, from: '(msg.epoch > c.lastEpoch) & ', to: '' },
  { name: 'top up a lane of another epoch', file: MAIN, from: '(lane.terms.epoch == epoch) & (lane.terms.keyIdx == keyIdx)', to: 'lane.terms.keyIdx == keyIdx' },
  { name: 'top up a lane that unlocks', file: MAIN, from: 'assert (lane.terms.unlockAt == 0) throw ERR_UNLOCKING;\n    assert (lane.cap + cap', to: 'assert (lane.cap + cap' },
  { name: 'open with a retired signer', file: MAIN, from: 'assert (!signer.retired) throw ERR_NO_SIGNER;', to: '' },
  { name: 'promise more than is held', file: MAIN, from: 'assert (lacking + OPEN_GAS <= valueCoins) throw ERR_SOLVENCY;\n    reserveToncoinsOnBalance(held + lacking,', to: 'reserveToncoinsOnBalance(held,' },
  { name: 'budget that never fills', file: RULES, from: 'self.spent += amount;', to: '' },
  { name: 'signer overwritten', file: MAIN, from: 'assert (c.signers.addIfNotExists(msg.idx, { key: msg.key, retired: false })) throw ERR_SIGNER_EXISTS;', to: 'c.signers.set(msg.idx, { key: msg.key, retired: false });' },
  { name: 'unlock without the notice\'s value', file: MAIN, from: 'value: NOTICE_VALUE,', to: 'value: 0,' },
  { name: 'unlock finished a second late', file: MAIN, from: 'blockchain.now() >= lane.terms.unlockAt', to: 'blockchain.now() > lane.terms.unlockAt' },
  { name: 'unlock finished at any time', file: MAIN, from: ' && blockchain.now() >= lane.terms.unlockAt', to: '' },
  { name: 'gas of an ended lane stays locked', file: RULES, from: 'self.locked -= lane.cap - paid + lane.terms.gasLeft;', to: 'self.locked -= lane.cap - paid;' },
  { name: 'counter of an ended lane kept', file: RULES, from: 'self.paid = self.paid.at(lane.slot).with(0);', to: '' },
  { name: 'refund beyond what is redeemed', file: RULES, from: 'return min(min(gasLeft, fees + REFUND_EXTRA), delta);', to: 'return gasLeft;' },
  { name: 'close without the signer', file: MAIN, from: 'assert (isSignatureValid(hash, msg.signerSignature.load() as slice, lane.terms.key)) throw ERR_SIGNATURE;', to: '' },
  { name: 'close without the payee', file: MAIN, from: 'assert (isSignatureValid(hash, msg.payeeSignature.load() as slice, msg.walletKey)) throw ERR_SIGNATURE;', to: '' },
  { name: 'withdraw what is locked', file: MAIN, from: 'assert (owed(s, c.lanesCount) + msg.amount <=', to: 'assert (s.feeAccrued + msg.amount <=' },
  { name: 'withdraw by anyone', file: MAIN, from: 'assertOwner(c, sender);\n    assert (owed(', to: 'assert (owed(' },
  { name: 'fee flushed and kept', file: MAIN, from: 's.feeAccrued = 0;\n    s.save();', to: 's.save();' },
  { name: 'accrued fee not owed', file: RULES, from: 's.locked + s.feeAccrued + RESERVE_BASE', to: 's.locked + RESERVE_BASE' }
])

/**
 * The code of a contract with one fault in it.
 *
 * @throws {Error} the text to replace does not occur exactly once
 */
export async function mutantCode (contract: string, mutant: Mutant): Promise<Cell> {
  const sources = await readSources(contract)
  const text = sources.get(mutant.file) ?? ''
  const parts = text.split(mutant.from)
  if (parts.length !== 2) {
    throw new Error(`mutant "${mutant.name}": its text occurs ${parts.length - 1} times in ${mutant.file}`)
  }
  sources.set(mutant.file, parts.join(mutant.to))
  const { hex } = await compileContract(contract, sources)
  return Cell.fromHex(hex)
}

/** Explores the vault with one fault in it until that is found, or `maxStates` states are. */
export async function tryMutant (machine: Machine, mutant: Mutant, maxStates: number): Promise<Verdict> {
  const code = await mutantCode('client-vault', mutant)
  const from = machine.transitions
  let caught: Violation | undefined
  try {
    const scenario = await twoLanes(machine, { full: true, code })
    // most are found by what has to be obeyed alone
    await search(localTeam(machine, scenario, 0), { maxStates: FEW_STATES })
    await search(localTeam(machine, scenario, ALL_PROBES), { maxStates })
  } catch (error) {
    if (!(error instanceof Violation)) {
      throw error
    }
    caught = error
  }
  return { mutant, caught, transitions: machine.transitions - from }
}
