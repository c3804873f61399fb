/** The vault as the search explores it. */
import { inTurn } from '../world.ts'
import { checkStep, freeNano, viewOf } from './laws.ts'
import { OwnerExit } from './liveness.ts'
import { isDue } from './rules.ts'
import { CAP_NANO, START, UNLOCK_SECONDS, freeStep, twoLanes } from './scenario.ts'
import type { Deed } from './cast.ts'
import type { Scenario } from './scenario.ts'
import type { VaultView } from './view.ts'
import type { Account, Machine, Step } from '../executor.ts'
import type { Deeds, Exit, Ran, Turn, World, WorldMaker } from '../world.ts'

/** In one state of so many, the owner dismisses its operator before it leaves; a dismissal changes nothing else. */
const DISMISS_EVERY = 20

/** Obeyed, and changes nothing. */
function isIdle (view: VaultView, deed: Deed): boolean {
  return (deed.kind === 'retireSigner' && view.signers.get(deed.keyIdx ?? -1)?.retired === true) ||
    (deed.kind === 'setOperator' && view.operator.account === deed.operator && view.operator.dailyBudgetNano === deed.dailyBudgetNano)
}

class VaultWorld implements World<Deed> {
  readonly name: string
  readonly bounds: readonly string[]
  readonly clock: readonly number[]
  readonly start: Account
  readonly life: Scenario['life']
  private readonly scenario: Scenario
  private readonly exit: OwnerExit

  constructor (machine: Machine, scenario: Scenario) {
    const { name, clock, start, life, cast, moves, probes } = scenario
    this.name = name
    this.clock = clock
    this.start = start
    this.life = life
    this.bounds = [
      `lanes A (cap up to ${2n * CAP_NANO}) and B (cap up to ${CAP_NANO}), two epochs, two voucher signers, fee 100 bps, unlock ${UNLOCK_SECONDS} s`,
      `clock, seconds after the start: ${clock.map(now => now - START).join(', ')}`,
      `${moves.length} messages, each sent in every state that has to obey it${scenario.withdraws ? ', and a withdrawal of what is free' : ''}`,
      `${probes.length} more, and those not due, in turn, not followed: wrong senders, stale and forged vouchers, malformed bodies, returned messages, a nanoTON more than is free`
    ]
    this.scenario = scenario
    this.exit = new OwnerExit(machine, cast, (account, now) => this.keyOf(account, now))
  }

  /** Two states are one when data, clock and the steps of the free balance agree; nanoTON of rent do not tell them apart. */
  keyOf (account: Account, now: number): string {
    return `${account.dataHash} ${now} ${freeStep(account, this.scenario.freeSteps)}`
  }

  check (before: Account, deed: Deed, step: Step, now: number): boolean {
    return checkStep(before, deed, step, now)
  }

  async leave (account: Account, now: number, at: number, ran: Ran): Promise<Exit> {
    return at % DISMISS_EVERY === 0 ? this.exit.checkDismissed(account, now) : this.exit.check(account, now, ran)
  }

  deeds (account: Account, now: number, { from, count }: Turn): Deeds<Deed> {
    const { moves, probes, withdraws, cast } = this.scenario
    const view = viewOf(account)
    const moment = { now, heldNano: account.balanceNano }
    const due = moves.filter(deed => isDue(view, deed, moment) && this.isWithin(account, deed) && !isIdle(view, deed))
    const free = freeNano(account)
    if (withdraws && free > CAP_NANO / 4n) {
      due.push(cast.withdraw('owner', free - CAP_NANO / 1_000n))
    }
    const others = [cast.withdraw('owner', free + 1n), ...probes, ...moves.filter(deed => !due.includes(deed) && this.isWithin(account, deed))]
    return { followed: due, tried: inTurn(others, { from, count }) }
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

/** Two lanes (A and B), two epochs, two voucher signers, every message: more states than can be seen. */
export const vaultWorld: WorldMaker = async (machine, code) => new VaultWorld(machine, await twoLanes(machine, { followed: 'all', code }))

/** The same with a fixed operator and deposit. */
export const vaultLanes: WorldMaker = async (machine, code) => new VaultWorld(machine, await twoLanes(machine, { followed: 'lanes', code }))

/** The same with fewer vouchers and times. */
export const vaultMoney: WorldMaker = async (machine, code) => new VaultWorld(machine, await twoLanes(machine, { followed: 'money', code }))
