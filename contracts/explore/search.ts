/** Breadth-first search over every interleaving of a scenario's messages; each transition runs the compiled contract. */
import { Violation, must } from './violation.ts'
import { CAP_NANO, freeStep } from './vault/scenario.ts'
import { checkStep, freeNano, viewOf } from './vault/laws.ts'
import { OwnerExit } from './vault/liveness.ts'
import { isDue } from './vault/rules.ts'
import type { Deed } from './vault/cast.ts'
import type { VaultView } from './vault/view.ts'
import type { Scenario } from './vault/scenario.ts'
import type { Account, Machine } from './executor.ts'

export interface SearchOptions {
  readonly maxStates: number
  /** Probes sent in each state, taken in turn; below 1, not in every state. */
  readonly probesPerState: number
  onProgress?(found: Found): void
}

export interface Found {
  states: number
  /** States whose every move was played. */
  expanded: number
  /** Moves from the start to the deepest state. */
  depth: number
  /** Runs of the compiled contract, those of the owner's way out included. */
  transitions: number
  /** Messages that were obeyed, by kind. */
  readonly obeyed: Map<string, number>
  readonly refused: Map<string, number>
  /** Longest way out of any state. */
  exitMessages: number
  exitSeconds: number
}

interface Node {
  /** Dropped once the node's moves are played. */
  account: Account | undefined
  readonly clock: number
  readonly parent: number
  readonly label: string
  readonly depth: number
}

/** In one state of so many, the owner dismisses its operator before it leaves; a dismissal changes nothing else. */
const DISMISS_EVERY = 20

function count (map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** Obeyed, and changes nothing. */
function isIdle (view: VaultView, deed: Deed): boolean {
  return (deed.kind === 'retireSigner' && view.signers.get(deed.keyIdx ?? -1)?.retired === true) ||
    (deed.kind === 'setOperator' && view.operator.account === deed.operator && view.operator.dailyBudgetNano === deed.dailyBudgetNano)
}

class Search {
  readonly found: Found = { states: 0, expanded: 0, depth: 0, transitions: 0, obeyed: new Map(), refused: new Map(), exitMessages: 0, exitSeconds: 0 }
  private readonly nodes: Node[] = []
  private readonly seen = new Set<string>()
  private readonly exit: OwnerExit
  private readonly scenario: Scenario
  private readonly machine: Machine
  private readonly options: SearchOptions
  private turn = 0
  private probesDue = 0

  constructor (machine: Machine, scenario: Scenario, options: SearchOptions) {
    this.machine = machine
    this.scenario = scenario
    this.options = options
    this.exit = new OwnerExit(machine, scenario.cast, (account, now) => this.keyOf(account, now))
  }

  /** Two states are one when data, clock and the steps of the free balance agree; nanoTON of rent do not tell them apart. */
  private keyOf (account: Account, now: number): string {
    return `${account.dataHash} ${now} ${freeStep(account, this.scenario.freeSteps)}`
  }

  private add (account: Account, clock: number, parent: number, label: string): void {
    const key = this.keyOf(account, this.scenario.clock[clock])
    if (this.seen.has(key)) {
      return
    }
    this.seen.add(key)
    const depth = parent < 0 ? 0 : this.nodes[parent].depth + 1
    this.nodes.push({ account, clock, parent, label, depth })
    this.found.states++
    this.found.depth = Math.max(this.found.depth, depth)
  }

  private trace (at: number, last: string): string[] {
    const out = [last]
    for (let i = at; i > 0; i = this.nodes[i].parent) {
      out.unshift(this.nodes[i].label)
    }
    return out
  }

  async run (): Promise<Found> {
    const from = this.machine.transitions
    this.add(this.scenario.start, 0, -1, 'start')
    for (let i = 0; i < this.nodes.length && this.found.states < this.options.maxStates; i++) {
      await this.expand(i)
      this.found.expanded++
      this.found.transitions = this.machine.transitions - from
      this.options.onProgress?.(this.found)
    }
    return this.found
  }

  private async expand (at: number): Promise<void> {
    const node = this.nodes[at]
    const { account } = node
    if (account == null) {
      return
    }
    node.account = undefined
    const now = this.scenario.clock[node.clock]
    const ran = new Map<string, Account>()
    for (const deed of this.deeds(account, now)) {
      await this.play(at, account, deed, now, ran)
    }
    if (node.clock + 1 < this.scenario.clock.length) {
      this.add(account, node.clock + 1, at, 'the clock moves')
    }
    const exit = await this.guarded(at, 'the owner leaves', async () =>
      at % DISMISS_EVERY === 0 ? this.exit.checkDismissed(account, now) : this.exit.check(account, now, ran))
    this.found.exitMessages = Math.max(this.found.exitMessages, exit.messages)
    this.found.exitSeconds = Math.max(this.found.exitSeconds, exit.seconds)
  }

  private deeds (account: Account, now: number): Deed[] {
    const { moves, probes, cast } = this.scenario
    const view = viewOf(account)
    const moment = { now, heldNano: account.balanceNano }
    const due = moves.filter(deed => isDue(view, deed, moment) && this.isWithin(account, deed) && !isIdle(view, deed))
    const free = freeNano(account)
    if (free > CAP_NANO / 4n) {
      due.push(cast.withdraw('owner', free - CAP_NANO / 1_000n))
    }
    this.probesDue += this.options.probesPerState
    if (this.probesDue >= 1) {
      const others = [...probes, ...moves.filter(deed => !due.includes(deed) && this.isWithin(account, deed))]
      for (; this.probesDue >= 1; this.probesDue--) {
        due.push(others[this.turn++ % others.length])
      }
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

  private async play (at: number, account: Account, deed: Deed, now: number, ran: Map<string, Account>): Promise<void> {
    await this.guarded(at, deed.label, async () => {
      const step = await this.machine.run(account, deed.envelope, now)
      const obeyed = checkStep(account, deed, step, now)
      count(obeyed ? this.found.obeyed : this.found.refused, deed.kind)
      if (obeyed) {
        ran.set(deed.label, step.account)
        this.add(step.account, this.nodes[at].clock, at, deed.label)
      }
    })
  }

  private async guarded<T> (at: number, label: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      if (error instanceof Violation) {
        error.trace = this.trace(at, label)
      }
      throw error
    }
  }
}

/** @throws {Violation} with the messages that lead to it */
export async function search (machine: Machine, scenario: Scenario, options: SearchOptions): Promise<Found> {
  must(options.maxStates > 0, 'consistency', () => 'no states asked for')
  return new Search(machine, scenario, options).run()
}
