/** One state's every move, played on the compiled contract and held against the laws. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { loadAccount } from './executor.ts'
import { checkStep, freeNano, viewOf } from './vault/laws.ts'
import { OwnerExit } from './vault/liveness.ts'
import { isDue } from './vault/rules.ts'
import { CAP_NANO, freeStep } from './vault/scenario.ts'
import { Violation, must } from './violation.ts'
import type { Account, Machine } from './executor.ts'
import type { Deed } from './vault/cast.ts'
import type { Scenario } from './vault/scenario.ts'
import type { VaultView } from './vault/view.ts'
import type { Law } from './violation.ts'

/** A state to expand. */
export interface Job {
  /** Number of the state: decides which probes are played in it. */
  readonly at: number
  readonly clock: number
  /** Account, packed. */
  readonly packed: Uint8Array
}

/** A state that a move led to. */
export interface Child { readonly key: string, readonly label: string, readonly clock: number, readonly packed: Uint8Array }

export interface Expansion {
  readonly at: number
  readonly children: readonly Child[]
  /** Kinds of the messages that were obeyed, and refused. */
  readonly obeyed: readonly string[]
  readonly refused: readonly string[]
  /** Runs of the compiled contract, those of the owner's way out included. */
  readonly transitions: number
  readonly exitMessages: number
  readonly exitSeconds: number
  readonly violation?: { readonly law: Law, readonly message: string, readonly label: string }
}

const CLOCK_MOVES = 'the clock moves'
/** In one state of so many, the owner dismisses its operator before it leaves; a dismissal changes nothing else. */
const DISMISS_EVERY = 20

/** Obeyed, and changes nothing. */
function isIdle (view: VaultView, deed: Deed): boolean {
  return (deed.kind === 'retireSigner' && view.signers.get(deed.keyIdx ?? -1)?.retired === true) ||
    (deed.kind === 'setOperator' && view.operator.account === deed.operator && view.operator.dailyBudgetNano === deed.dailyBudgetNano)
}

export class Expander {
  private readonly machine: Machine
  private readonly scenario: Scenario
  private readonly probesPerState: number
  private readonly exit: OwnerExit
  /** What two accounts of one vault share is most of them: packed against the first, a state takes some hundred bytes. */
  private readonly dictionary: Buffer

  constructor (machine: Machine, scenario: Scenario, probesPerState: number) {
    this.machine = machine
    this.scenario = scenario
    this.probesPerState = probesPerState
    this.dictionary = Buffer.from(scenario.start.boc, 'base64')
    this.exit = new OwnerExit(machine, scenario.cast, (account, now) => this.keyOf(account, now))
  }

  /** The state that the search begins with, and one life of the vault from there, each state led to by the one before. */
  async first (): Promise<Child[]> {
    let account = this.scenario.start
    let clock = 0
    const out = [this.child(account, clock, 'start')]
    try {
      for (const step of this.scenario.life) {
        const played = step === 'clock' ? undefined : await this.machine.run(account, step.envelope, this.scenario.clock[clock])
        must(played?.ok !== false, 'authority', () => 'a life ends early')
        account = played?.account ?? account
        clock += step === 'clock' ? 1 : 0
        out.push(this.child(account, clock, step === 'clock' ? CLOCK_MOVES : step.label))
      }
    } catch (error) {
      // a fault stopped this life; the state that it happened in is explored, and the fault found with it
      if (!(error instanceof Violation)) {
        throw error
      }
    }
    return out
  }

  async expand ({ at, clock, packed }: Job): Promise<Expansion> {
    const account = loadAccount(inflateRawSync(packed, { dictionary: this.dictionary }).toString('base64'))
    const now = this.scenario.clock[clock]
    const from = this.machine.transitions
    const out = { at, children: new Array<Child>(), obeyed: new Array<string>(), refused: new Array<string>() }
    const ran = new Map<string, Account>()
    let label = ''
    let exit = { messages: 0, seconds: 0 }
    let violation: Expansion['violation']
    try {
      for (const deed of this.deeds(account, now, at)) {
        label = deed.label
        const step = await this.machine.run(account, deed.envelope, now)
        const obeyed = checkStep(account, deed, step, now)
        const counts = obeyed ? out.obeyed : out.refused
        counts.push(deed.kind)
        if (obeyed) {
          ran.set(label, step.account)
          out.children.push(this.child(step.account, clock, label))
        }
      }
      if (clock + 1 < this.scenario.clock.length) {
        out.children.push(this.child(account, clock + 1, CLOCK_MOVES))
      }
      label = 'the owner leaves'
      exit = at % DISMISS_EVERY === 0 ? await this.exit.checkDismissed(account, now) : await this.exit.check(account, now, ran)
    } catch (error) {
      if (!(error instanceof Violation)) {
        throw error
      }
      violation = { law: error.law, message: error.message, label }
    }
    return { ...out, violation, transitions: this.machine.transitions - from, exitMessages: exit.messages, exitSeconds: exit.seconds }
  }

  private child (account: Account, clock: number, label: string): Child {
    const packed = deflateRawSync(Buffer.from(account.boc, 'base64'), { dictionary: this.dictionary, level: 1 })
    return { key: this.keyOf(account, this.scenario.clock[clock]), label, clock, packed }
  }

  /** Two states are one when data, clock and the steps of the free balance agree; nanoTON of rent do not tell them apart. */
  private keyOf (account: Account, now: number): string {
    return `${account.dataHash} ${now} ${freeStep(account, this.scenario.freeSteps)}`
  }

  private deeds (account: Account, now: number, at: number): Deed[] {
    const { moves, probes, cast } = this.scenario
    const view = viewOf(account)
    const moment = { now, heldNano: account.balanceNano }
    const due = moves.filter(deed => isDue(view, deed, moment) && this.isWithin(account, deed) && !isIdle(view, deed))
    const free = freeNano(account)
    if (free > CAP_NANO / 4n) {
      due.push(cast.withdraw('owner', free - CAP_NANO / 1_000n))
    }
    const others = [cast.withdraw('owner', free + 1n), ...probes, ...moves.filter(deed => !due.includes(deed) && this.isWithin(account, deed))]
    const turn = Math.floor(at * this.probesPerState)
    const probesNow = Math.min(Math.floor((at + 1) * this.probesPerState) - turn, others.length)
    for (let i = 0; i < probesNow; i++) {
      due.push(others[(turn + i) % others.length])
    }
    return due
  }

  /** Bounds of the world: caps and deposits end somewhere. */
  private isWithin (account: Account, deed: Deed): boolean {
    const { maxCapNano, freeSteps } = this.scenario
    if ((deed.kind === 'topUp' || deed.kind === 'bounced') && deed.valueNano >= CAP_NANO) {
      return freeStep(account, freeSteps) < freeSteps
    }
    const view = viewOf(account)
    return deed.kind !== 'open' || (deed.lanes ?? []).every(({ payee, capNano }) =>
      (view.lanes.get(payee)?.capNano ?? 0n) + capNano <= (maxCapNano.get(payee) ?? 0n) || capNano !== CAP_NANO)
  }
}
