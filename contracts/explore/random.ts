/** Seeded random operations, far longer than any path that the search sees, with every law held after each. */
import { Violation } from './violation.ts'
import type { Account, Machine, Step } from './executor.ts'
import type { Exit, Sent } from './world.ts'

/** xorshift32 over the seed: one number, one run. */
export class Dice {
  private state: number

  constructor (seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bf03635) >>> 0 || 1
  }

  /** Below `n`. */
  below (n: number): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x >>> 0
    return this.state % n
  }

  pick<T> (items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  chance (percent: number): boolean {
    return this.below(100) < percent
  }

  /** From 1 to `max`, small and large ones about as likely. */
  amount (max: bigint): bigint {
    const bits = this.below(max.toString(2).length) + 1
    let out = 0n
    for (let i = 0; i < bits; i++) {
      out = out << 1n | BigInt(this.below(2))
    }
    return out % max + 1n
  }
}

/** A world without bounds: makes up one message after another. */
export interface RandomWorld {
  readonly start: Account
  readonly startsAt: number
  /** The next message, and the seconds that pass before it. */
  next (account: Account, now: number, dice: Dice): { deed: Sent, seconds: number }
  /** Where to go on from when nothing more can happen here. */
  renew? (account: Account, dice: Dice): Account | undefined
  /** Throws a `Violation` when a law is broken. */
  check (before: Account, deed: Sent, step: Step, now: number): boolean
  /** Plays the parties' ways out of a state. */
  leave (account: Account, now: number): Promise<Exit>
}

export interface Walked {
  ops: number
  readonly obeyed: Map<string, number>
  readonly refused: Map<string, number>
  /** Times that the parties' ways out were played. */
  exits: number
  exitMessages: number
  exitSeconds: number
  /** Seconds of the contract's time. */
  elapsed: number
}

export interface WalkOptions {
  readonly ops: number
  readonly seed: number
  /** Every so many operations the parties' ways out are played. */
  readonly exitEvery: number
  onProgress? (walked: Walked): void
}

/** How many of the last messages a violation tells. */
const TOLD = 20

function count (map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** @throws {Violation} a law was broken */
export async function walk (machine: Machine, world: RandomWorld, options: WalkOptions): Promise<Walked> {
  const dice = new Dice(options.seed)
  const walked: Walked = { ops: 0, obeyed: new Map(), refused: new Map(), exits: 0, exitMessages: 0, exitSeconds: 0, elapsed: 0 }
  const told: string[] = []
  let account = world.start
  let now = world.startsAt
  try {
    while (walked.ops < options.ops) {
      account = world.renew?.(account, dice) ?? account
      const { deed, seconds } = world.next(account, now, dice)
      now += seconds
      walked.elapsed += seconds
      told.push(`${now - world.startsAt} s: ${deed.label}`)
      told.splice(0, told.length - TOLD)
      const step = await machine.run(account, deed.envelope, now)
      const obeyed = world.check(account, deed, step, now)
      count(obeyed ? walked.obeyed : walked.refused, deed.kind)
      account = step.account
      walked.ops++
      if (walked.ops % options.exitEvery === 0) {
        const exit = await world.leave(account, now)
        walked.exits++
        walked.exitMessages = Math.max(walked.exitMessages, exit.messages)
        walked.exitSeconds = Math.max(walked.exitSeconds, exit.seconds)
      }
      options.onProgress?.(walked)
    }
  } catch (error) {
    if (error instanceof Violation) {
      throw new Violation(error.law, `${error.message} (seed ${options.seed}, operation ${walked.ops + 1})`, told)
    }
    throw error
  }
  return walked
}
