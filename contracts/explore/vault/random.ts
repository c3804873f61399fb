/** Random messages to a vault with six payees and twelve voucher signers: most of them nearly right. */
import { beginCell } from '@ton/core'
import { CLIENT_VAULT_OPS } from '../../src/index.ts'
import { Cast } from './cast.ts'
import { checkStep, freeNano, viewOf } from './laws.ts'
import { OwnerExit } from './liveness.ts'
import { born } from './scenario.ts'
import type { Deed } from './cast.ts'
import type { LaneView, VaultView } from './view.ts'
import type { Account, Machine, Step } from '../executor.ts'
import type { Dice, RandomWorld } from '../random.ts'
import type { Exit } from '../world.ts'

const TON = 1_000_000_000n
const STARTS_AT = 1_800_000_000
const PAYEES = ['A', 'B', 'C', 'D', 'E', 'F'] as const
const SIGNERS = 12
const MAX_CAP_NANO = 20n * TON
const DAY = 86_400
const PEOPLE = ['owner', 'operator', 'stranger', 'treasury', 'A', 'B'] as const

/** How often what happens, of their sum. */
const WEIGHTS = Object.freeze({
  redeem: 34,
  open: 20,
  startUnlock: 8,
  finishUnlock: 8,
  release: 3,
  close: 6,
  topUp: 5,
  withdraw: 4,
  flushFee: 3,
  addSigner: 2,
  retireSigner: 1,
  setOperator: 2,
  setUp: 1,
  bounced: 1,
  junk: 2
})

type Kind = keyof typeof WEIGHTS

const KINDS: readonly Kind[] = (Object.keys(WEIGHTS) as Kind[]).flatMap(kind => new Array<Kind>(WEIGHTS[kind]).fill(kind))

export class RandomVault implements RandomWorld {
  readonly startsAt = STARTS_AT
  readonly start: Account
  private readonly machine: Machine
  private readonly cast: Cast

  private constructor (machine: Machine, cast: Cast, start: Account) {
    this.machine = machine
    this.cast = cast
    this.start = start
  }

  static async create (machine: Machine): Promise<RandomVault> {
    const cast = new Cast(PAYEES.length, SIGNERS)
    const { start } = await born(machine, cast, { followed: 'all' })
    return new RandomVault(machine, cast, start)
  }

  check (before: Account, deed: Deed, step: Step, now: number): boolean {
    return checkStep(before, deed, step, now)
  }

  async leave (account: Account, now: number): Promise<Exit> {
    const keyOf = (at: Account, then: number): string => `${at.dataHash} ${then} ${at.balanceNano}`
    return new OwnerExit(this.machine, this.cast, keyOf).check(account, now)
  }

  /** Another vault, once this one has no signer left: it opens nothing more. */
  renew (account: Account, dice: Dice): Account | undefined {
    const { signers } = viewOf(account)
    const isDone = signers.size === SIGNERS && [...signers.values()].every(({ retired }) => retired)
    return isDone && dice.chance(3) ? this.start : undefined
  }

  next (account: Account, now: number, dice: Dice): { deed: Deed, seconds: number } {
    const seconds = secondsBefore(dice)
    return { deed: this.deed(account, viewOf(account), now + seconds, dice), seconds }
  }

  private deed (account: Account, view: VaultView, now: number, dice: Dice): Deed {
    const { cast } = this
    // mostly the one who may
    const boss = dice.chance(85) ? 'owner' : dice.pick(PEOPLE)
    const payee = this.payee(view, dice)
    const idx = dice.chance(70) ? Math.min(view.signers.size, SIGNERS - 1) : dice.below(SIGNERS)
    switch (dice.pick(KINDS)) {
      case 'redeem':
        return this.redeem(view, payee, dice)
      case 'open':
        return this.open(view, now, dice)
      case 'startUnlock':
        return cast.startUnlock(dice.chance(50) ? 'operator' : boss, payee, dice.chance(5) ? 29_999_999n : undefined)
      case 'finishUnlock':
        return cast.finishUnlock(dice.pick(PEOPLE), payee)
      case 'release':
        return cast.release(dice.chance(80) ? payee : dice.pick(PEOPLE))
      case 'close':
        return this.close(view, payee, dice)
      case 'topUp':
        return dice.chance(50) ? cast.topUp(dice.pick(PEOPLE), dice.amount(30n * TON)) : cast.plainCoins(dice.pick(PEOPLE), dice.amount(TON))
      case 'withdraw':
        return cast.withdraw(boss, this.withdrawal(account, dice))
      case 'addSigner':
        return cast.addSigner(boss, idx)
      case 'retireSigner':
        return cast.retireSigner(boss, dice.chance(60) ? SIGNERS : dice.below(SIGNERS))
      case 'setOperator':
        return cast.setOperator(boss, dice.chance(90) ? 'operator' : '', dice.amount(200n * TON))
      case 'setUp':
        return cast.setUp(boss, TON)
      case 'bounced':
        return cast.bounced(payee, dice.amount(TON))
      case 'junk': {
        const [name, op] = dice.pick(Object.entries(CLIENT_VAULT_OPS))
        return cast.junk(boss, `${name} with four bits`, beginCell().storeUint(op, 32).storeUint(1 + dice.below(15), 4).endCell())
      }
      default:
        return cast.flushFee(dice.pick(PEOPLE))
    }
  }

  /** Mostly one with a lane. */
  private payee (view: VaultView, dice: Dice): string {
    const open = PAYEES.filter(name => view.lanes.has(this.cast.at(name)))
    return open.length > 0 && dice.chance(85) ? dice.pick(open) : dice.pick(PAYEES)
  }

  /** Epoch and signer as the lane has them, or mostly. */
  private terms (lane: LaneView | undefined, view: VaultView, dice: Dice): { epoch: bigint, keyIdx: number } {
    return {
      epoch: lane != null && dice.chance(92) ? lane.epoch : view.lastEpoch + BigInt(dice.below(3)),
      keyIdx: lane != null && dice.chance(92) ? lane.keyIdx : dice.below(SIGNERS)
    }
  }

  /** From stale to beyond the cap. */
  private cumulative (lane: LaneView | undefined, dice: Dice): bigint {
    if (lane == null || dice.chance(10)) {
      return dice.amount(2n * MAX_CAP_NANO)
    }
    const left = lane.capNano - lane.paidNano
    return lane.paidNano + (dice.chance(5) || left === 0n ? BigInt(dice.below(2)) : dice.amount(left))
  }

  private redeem (view: VaultView, payee: string, dice: Dice): Deed {
    const lane = view.lanes.get(this.cast.at(payee))
    const { epoch, keyIdx } = this.terms(lane, view, dice)
    const cumulative = this.cumulative(lane, dice)
    const claim = dice.chance(4) ? cumulative + dice.amount(TON) : cumulative
    return this.cast.redeem(dice.chance(70) ? payee : dice.pick(PEOPLE), payee, epoch, keyIdx, cumulative, claim)
  }

  private close (view: VaultView, payee: string, dice: Dice): Deed {
    const lane = view.lanes.get(this.cast.at(payee))
    const { epoch, keyIdx } = this.terms(lane, view, dice)
    return this.cast.close(dice.pick(PEOPLE), payee, epoch, keyIdx, this.cumulative(lane, dice), dice.chance(90) ? payee : dice.pick(PAYEES))
  }

  /** Opens lanes with a new epoch, tops lanes up in theirs, or does either wrongly. */
  private open (view: VaultView, now: number, dice: Dice): Deed {
    const from = dice.chance(60) ? 'operator' : dice.chance(85) ? 'owner' : dice.pick(PEOPLE)
    const caps: Record<string, bigint> = {}
    const some = [...PAYEES].filter(() => dice.chance(30))
    for (const name of some.length > 0 ? some : [dice.pick(PAYEES)]) {
      caps[name] = dice.chance(2) ? 0n : dice.amount(MAX_CAP_NANO)
    }
    const lane = view.lanes.get(this.cast.at(Object.keys(caps)[0]))
    const nowMs = BigInt(now) * 1_000n
    const fresh = nowMs > view.lastEpoch ? nowMs : view.lastEpoch + 1n
    const near = nowMs + BigInt(dice.below(7_400_000) - 3_700_000)
    const epoch = lane != null && dice.chance(60) ? lane.epoch : dice.chance(85) ? fresh : dice.pick([near, view.lastEpoch])
    const live = [...view.signers].filter(([, { retired }]) => !retired).map(([idx]) => idx)
    const keyIdx = epoch === lane?.epoch ? lane.keyIdx : dice.pick([...live, ...live, ...live, dice.below(SIGNERS)])
    const sum = Object.values(caps).reduce((total, cap) => total + cap, 0n)
    return this.cast.open(from, epoch, keyIdx, caps, dice.chance(40) ? sum + TON : undefined)
  }

  private withdrawal (account: Account, dice: Dice): bigint {
    const free = freeNano(account)
    if (free <= 0n || dice.chance(15)) {
      return dice.amount(MAX_CAP_NANO)
    }
    return dice.chance(20) ? free + BigInt(dice.below(3)) - 1n : dice.amount(free)
  }
}

function secondsBefore (dice: Dice): number {
  const kind = dice.below(1_000)
  if (kind < 700) {
    return dice.below(30)
  }
  if (kind < 900) {
    return dice.below(700)
  }
  return kind < 998 ? dice.below(DAY / 4) : dice.below(20 * DAY)
}
