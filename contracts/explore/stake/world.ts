/**
 * The stake as the search explores it. No message ever goes from a stake to a vault or back, and neither names the
 * other: where both are open at once, each is in one of the states that it is explored in alone.
 */
import { inTurn } from '../world.ts'
import { StakeCast } from './cast.ts'
import { checkStake, stakeOf } from './laws.ts'
import { ownerLeaves } from './liveness.ts'
import { RESERVE_NANO, isDue } from './rules.ts'
import { PENALTY_NANO, UNIT_NANO, stakeMoves, stakeProbes } from './scenario.ts'
import type { StakeDeed } from './rules.ts'
import type { Account, Machine, Step } from '../executor.ts'
import type { Deeds, Exit, Ran, Turn, World, WorldMaker } from '../world.ts'
import type { Cell } from '@ton/core'

const TON = 1_000_000_000n
const START = 1_800_000_000
const UNBOND_SECONDS = 1_000
const MAX_STAKE_NANO = 2n * UNIT_NANO
/** Coins that are no stake are told apart up to so many TON. */
const FREE_STEPS = 1

class StakeWorld implements World<StakeDeed> {
  readonly name = 'stake, everything'
  readonly bounds: readonly string[]
  readonly clock: readonly number[]
  readonly start: Account
  readonly life: ReadonlyArray<StakeDeed | 'clock'>
  private readonly machine: Machine
  private readonly cast: StakeCast
  private readonly moves: readonly StakeDeed[]
  private readonly probes: readonly StakeDeed[]

  constructor (machine: Machine, code?: Cell) {
    this.machine = machine
    this.cast = new StakeCast({ unbondSeconds: UNBOND_SECONDS, penaltyNano: PENALTY_NANO }, code)
    this.start = this.cast.start
    this.moves = stakeMoves(this.cast)
    this.probes = stakeProbes(this.cast)
    const offsets = [0, UNBOND_SECONDS - 1, UNBOND_SECONDS, 2 * UNBOND_SECONDS - 1, 2 * UNBOND_SECONDS]
    this.clock = offsets.map(offset => START + offset)
    const [deposit, , unbond, , withdraw, , contradiction, , overcharge] = this.moves
    this.life = [deposit, deposit, unbond, overcharge, 'clock', 'clock', withdraw, unbond, contradiction]
    this.bounds = [
      `up to ${MAX_STAKE_NANO} at stake, two receipt keys, two jobs, penalty ${PENALTY_NANO}, unbonding ${UNBOND_SECONDS} s`,
      `clock, seconds after the start: ${offsets.join(', ')}`,
      `${this.moves.length} messages, each sent in every state that has to obey it`,
      `${this.probes.length} more, and those not due, in turn: wrong senders, evidence that shows nothing, malformed bodies, returned messages`
    ]
  }

  keyOf (account: Account, now: number): string {
    return `${account.dataHash} ${now} ${this.freeStep(account)}`
  }

  check (before: Account, deed: StakeDeed, step: Step, now: number): boolean {
    return checkStake(before, deed, step, now)
  }

  deeds (account: Account, now: number, turn: Turn): Deeds<StakeDeed> {
    const view = stakeOf(account)
    const moment = { now, heldNano: account.balanceNano }
    const inside = this.moves.filter(deed => this.isWithin(account, deed))
    const due = inside.filter(deed => isDue(view, deed, moment))
    const others = [...this.probes, ...inside.filter(deed => !due.includes(deed))]
    return { followed: due, tried: inTurn(others, turn) }
  }

  async leave (account: Account, now: number, _at: number, ran: Ran): Promise<Exit> {
    return ownerLeaves(this.machine, this.cast, account, now, ran)
  }

  private freeStep (account: Account): number {
    const view = stakeOf(account)
    const free = account.balanceNano - RESERVE_NANO - view.bondedNano - view.unbondingNano
    return free < 0n ? -1 : Math.min(FREE_STEPS, Number(free / TON))
  }

  /** Bounds of the world: deposits end somewhere. */
  private isWithin (account: Account, deed: StakeDeed): boolean {
    const view = stakeOf(account)
    switch (deed.kind) {
      case 'coins':
      case 'bounced':
        return this.freeStep(account) < FREE_STEPS
      case 'deposit':
        return view.bondedNano + view.unbondingNano + (deed.amountNano ?? 0n) <= MAX_STAKE_NANO
      default:
        return true
    }
  }
}

/** One stake, two receipt keys one after the other, every message. */
export const stakeWorld: WorldMaker = async (machine, code) => new StakeWorld(machine, code)
