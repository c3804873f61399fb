/** One state's every move, played on the compiled contract and held against the laws. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { loadAccount } from './executor.ts'
import { Violation, must } from './violation.ts'
import type { Account, Machine } from './executor.ts'
import type { Law } from './violation.ts'
import type { World } from './world.ts'

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
  /** Runs of the compiled contract, those of the parties' ways out included. */
  readonly transitions: number
  readonly exitMessages: number
  readonly exitSeconds: number
  readonly violation?: { readonly law: Law, readonly message: string, readonly label: string }
}

const CLOCK_MOVES = 'the clock moves'

export class Expander {
  private readonly machine: Machine
  private readonly world: World
  private readonly probesPerState: number
  /** What two accounts of one contract share is most of them: packed against the first, a state takes some hundred bytes. */
  private readonly dictionary: Buffer
  private readonly answered = new Set<string>()

  /** `probesPerState` may be below 1: then not in every state. */
  constructor (machine: Machine, world: World, probesPerState: number) {
    this.machine = machine
    this.world = world
    this.probesPerState = probesPerState
    this.dictionary = Buffer.from(world.start.boc, 'base64')
  }

  /** The state that the search begins with, and one life of the contract from there, each state led to by the one before. */
  async first (): Promise<Child[]> {
    let account = this.world.start
    let clock = 0
    const out: Child[] = []
    this.add(out, account, clock, 'start')
    try {
      for (const step of this.world.life) {
        const played = step === 'clock' ? undefined : await this.machine.run(account, step.envelope, this.world.clock[clock])
        must(played?.ok !== false, 'authority', () => 'a life ends early')
        account = played?.account ?? account
        clock += step === 'clock' ? 1 : 0
        this.add(out, account, clock, step === 'clock' ? CLOCK_MOVES : step.label)
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
    const now = this.world.clock[clock]
    const from = this.machine.transitions
    const out = { at, children: new Array<Child>(), obeyed: new Array<string>(), refused: new Array<string>() }
    const ran = new Map<string, Account>()
    const turn = Math.floor(at * this.probesPerState)
    const count = Math.floor((at + 1) * this.probesPerState) - turn
    let label = ''
    let exit = { messages: 0, seconds: 0 }
    let violation: Expansion['violation']
    try {
      const { followed, tried } = this.world.deeds(account, now, { from: turn, count })
      for (const deed of [...followed, ...tried]) {
        label = deed.label
        const step = await this.machine.run(account, deed.envelope, now)
        const obeyed = this.world.check(account, deed, step, now)
        const counts = obeyed ? out.obeyed : out.refused
        counts.push(deed.kind)
        if (obeyed && followed.includes(deed)) {
          ran.set(label, step.account)
          this.add(out.children, step.account, clock, label)
        }
      }
      if (clock + 1 < this.world.clock.length) {
        this.add(out.children, account, clock + 1, CLOCK_MOVES)
      }
      label = 'the parties leave'
      exit = await this.world.leave(account, now, at, ran)
    } catch (error) {
      if (!(error instanceof Violation)) {
        throw error
      }
      violation = { law: error.law, message: error.message, label }
    }
    return { ...out, violation, transitions: this.machine.transitions - from, exitMessages: exit.messages, exitSeconds: exit.seconds }
  }

  /** A state that this expander has answered with before is known to whoever asks, and left out. */
  private add (to: Child[], account: Account, clock: number, label: string): void {
    const key = this.world.keyOf(account, this.world.clock[clock])
    if (!this.answered.has(key)) {
      this.answered.add(key)
      const packed = deflateRawSync(Buffer.from(account.boc, 'base64'), { dictionary: this.dictionary, level: 1 })
      to.push({ key, label, clock, packed })
    }
  }
}
