/** Random messages to a stake, most of them nearly right; a slashed one is left for a fresh one now and then. */
import { chargeNano } from '@cocoon-net/protocol'
import { beginCell } from '@ton/core'
import { PROVIDER_STAKE_OPS } from '../../src/index.ts'
import { StakeCast } from './cast.ts'
import { checkStake, stakeOf } from './laws.ts'
import { ownerLeaves } from './liveness.ts'
import { emptyEvidence } from './scenario.ts'
import type { StakeParty } from './cast.ts'
import type { StakeDeed } from './rules.ts'
import type { StakeView } from './view.ts'
import type { Account, Machine, Step } from '../executor.ts'
import type { Dice, RandomWorld } from '../random.ts'
import type { Exit } from '../world.ts'

const TON = 1_000_000_000n
const DAY = 86_400
const UNBOND_SECONDS = 14 * DAY
const PEOPLE: readonly StakeParty[] = ['owner', 'reporter', 'stranger']
const KINDS = ['deposit', 'deposit', 'deposit', 'unbond', 'unbond', 'unbond', 'rebond', 'withdraw', 'withdraw', 'coins', 'overcharge', 'overcharge', 'overcharge',
  'honest', 'honest', 'empty', 'empty', 'contradiction', 'bounced', 'junk'] as const

export class RandomStake implements RandomWorld {
  readonly startsAt = 1_800_000_000
  readonly start: Account
  private readonly machine: Machine
  private readonly cast: StakeCast
  private readonly empty: readonly StakeDeed[]

  constructor (machine: Machine) {
    this.machine = machine
    this.cast = new StakeCast({ unbondSeconds: UNBOND_SECONDS, penaltyNano: 5n * TON })
    this.start = this.cast.start
    this.empty = emptyEvidence(this.cast)
  }

  check (before: Account, deed: StakeDeed, step: Step, now: number): boolean {
    return checkStake(before, deed, step, now)
  }

  async leave (account: Account, now: number): Promise<Exit> {
    return ownerLeaves(this.machine, this.cast, account, now)
  }

  /** Another provider's stake, once one has been dead for a while. */
  renew (account: Account, dice: Dice): Account | undefined {
    return stakeOf(account).slashed && dice.chance(5) ? this.start : undefined
  }

  next (account: Account, _now: number, dice: Dice): { deed: StakeDeed, seconds: number } {
    return { deed: this.deed(stakeOf(account), dice), seconds: secondsBefore(dice) }
  }

  private deed (view: StakeView, dice: Dice): StakeDeed {
    const { cast } = this
    const boss = dice.chance(85) ? 'owner' : dice.pick(PEOPLE)
    switch (dice.pick(KINDS)) {
      case 'deposit': {
        const amount = dice.chance(3) ? 0n : dice.amount(40n * TON)
        return cast.deposit(boss, amount, dice.chance(10) ? dice.amount(amount + TON) : undefined)
      }
      case 'unbond':
        return cast.unbond(boss, view.bondedNano > 0n && dice.chance(85) ? dice.amount(view.bondedNano) : dice.amount(50n * TON))
      case 'rebond':
        return cast.rebond(boss)
      case 'withdraw':
        return cast.withdraw(boss)
      case 'coins':
        return cast.coins(dice.pick(PEOPLE), dice.amount(2n * TON))
      case 'bounced':
        return cast.bounced(boss, dice.amount(TON))
      case 'overcharge':
        return this.charge(dice, dice.amount(TON))
      case 'honest':
        return this.charge(dice, -BigInt(dice.below(100)))
      case 'contradiction':
        // a slashed stake has little more to show
        return dice.chance(10) ? this.contradiction(dice) : dice.pick(this.empty)
      case 'junk': {
        const [name, op] = dice.pick(Object.entries(PROVIDER_STAKE_OPS))
        return cast.junk(boss, `${name} with seven bits`, beginCell().storeUint(op, 32).storeUint(dice.below(128), 7).endCell())
      }
      default:
        return dice.pick(this.empty)
    }
  }

  /** Evidence of a charge that differs from the quote's by so much. */
  private charge (dice: Dice, byNano: bigint): StakeDeed {
    const key = dice.below(2)
    const prices = { prompt: dice.amount(TON), cached: dice.amount(TON), completion: dice.amount(TON), reasoning: dice.amount(TON) }
    const tokens = { prompt: dice.below(9_000), cached: dice.below(9_000), completion: dice.below(9_000), reasoning: dice.below(9_000) }
    const quote = this.cast.quote({ prices, hedgeFeeNano: dice.amount(10_000n) })
    const due = chargeNano(tokens, prices)
    const most = due > quote.hedgeFeeNano ? due : quote.hedgeFeeNano
    const charge = most + byNano > 0n ? most + byNano : 0n
    const job = 1 + dice.below(60)
    const receipt = this.cast.receipt(job, { tokens, chargeNano: charge, seq: dice.below(5) }, quote)
    const init = { delegation: this.cast.delegation(key), claim: this.cast.sign(receipt, key), quote, quoteKey: key }
    return this.cast.overcharge(dice.pick(PEOPLE), `of job ${job} by ${byNano}`, charge > most, init)
  }

  private contradiction (dice: Dice): StakeDeed {
    const key = dice.below(2)
    const job = 1 + dice.below(60)
    const first = this.cast.receipt(job)
    const second = this.cast.receipt(job, dice.pick([
      { chargeNano: first.chargeNano - dice.amount(1_000n) },
      { ansCommit: new Uint8Array(32).fill(dice.below(16)) },
      { tokens: { ...first.tokens, cached: dice.below(16) } }
    ]))
    const init = { delegation: this.cast.delegation(key), first: this.cast.sign(first, key), second: this.cast.sign(second, key) }
    return this.cast.contradiction(dice.pick(PEOPLE), `of job ${job}`, true, init)
  }
}

function secondsBefore (dice: Dice): number {
  const kind = dice.below(100)
  if (kind < 60) {
    return dice.below(60)
  }
  return kind < 97 ? dice.below(DAY) : dice.below(20 * DAY)
}
