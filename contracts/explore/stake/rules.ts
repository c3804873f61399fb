/**
 * The stake as `SPEC.md` states it, in TypeScript and without a line of the contract: which message has to be obeyed and
 * what it then changes.
 */
import type { StakeView } from './view.ts'
import type { Sent } from '../world.ts'

export const RESERVE_NANO = 100_000_000n
export const DEPOSIT_GAS_NANO = 10_000_000n
export const LEAST_TAKEN_NANO = 30_000_000n
export const LEAST_PENALTY_NANO = 30_000_000n

/** One message to the stake, with all that decides whether it has to be obeyed. */
export interface StakeDeed extends Sent {
  readonly kind: 'coins' | 'deposit' | 'unbond' | 'rebond' | 'withdraw' | 'contradiction' | 'overcharge' | 'bounced' | 'junk'
  readonly sender: string
  readonly valueNano: bigint
  readonly amountNano?: bigint
  readonly jobId?: string
  /** Evidence that shows what it has to show. */
  readonly sound?: boolean
}

export interface Moment {
  /** Unix seconds. */
  readonly now: number
  /** What the stake holds once rent is paid, without the message's value. */
  readonly heldNano: bigint
}

/** What an obeyed message does. */
export interface Effect {
  readonly view: StakeView
  /** By how much the balance falls (or, below 0, rises). */
  readonly outNano: bigint
  /** Taken off the stake for a fault: the part of it that is burned and given away. */
  readonly takenNano?: bigint
}

function min (a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function allOf (view: StakeView, moment: Moment): bigint {
  return min(view.bondedNano + view.unbondingNano, moment.heldNano)
}

/** What a deposit takes of its message. */
function keptNano (view: StakeView, deed: StakeDeed, moment: Moment): bigint {
  const lacking = RESERVE_NANO + view.bondedNano + view.unbondingNano + (deed.amountNano ?? 0n) - moment.heldNano
  return lacking > 0n ? lacking : 0n
}

/** What the owner's withdrawal takes out. */
export function withdrawableNano (view: StakeView, moment: Moment): bigint {
  const unbonding = moment.now >= view.readyAt ? 0n : view.unbondingNano
  return moment.heldNano - RESERVE_NANO - view.bondedNano - unbonding
}

/** Whether the stake has to obey. */
export function isDue (view: StakeView, deed: StakeDeed, moment: Moment): boolean {
  const isOwner = deed.sender === view.owner
  const amount = deed.amountNano ?? 0n
  switch (deed.kind) {
    case 'coins':
    case 'bounced':
      return true
    case 'deposit':
      return isOwner && !view.slashed && amount > 0n && view.penaltyNano >= LEAST_PENALTY_NANO &&
        keptNano(view, deed, moment) + DEPOSIT_GAS_NANO <= deed.valueNano
    case 'unbond':
      return isOwner && amount > 0n && amount <= view.bondedNano
    case 'rebond':
      return isOwner && view.unbondingNano > 0n
    case 'withdraw':
      return isOwner && withdrawableNano(view, moment) > 0n
    case 'contradiction':
      return deed.sound === true && !view.slashed
    case 'overcharge':
      return deed.sound === true && !view.punished.has(deed.jobId ?? '') && allOf(view, moment) > 0n
    default:
      return false
  }
}

/** What an obeyed message changes. */
export function effectOf (view: StakeView, deed: StakeDeed, moment: Moment): Effect {
  const amount = deed.amountNano ?? 0n
  switch (deed.kind) {
    case 'deposit':
      return { view: { ...view, bondedNano: view.bondedNano + amount }, outNano: -keptNano(view, deed, moment) }
    case 'unbond':
      return {
        view: { ...view, bondedNano: view.bondedNano - amount, unbondingNano: view.unbondingNano + amount, readyAt: moment.now + view.unbondSeconds },
        outNano: 0n
      }
    case 'rebond':
      return { view: { ...view, bondedNano: view.bondedNano + view.unbondingNano, unbondingNano: 0n }, outNano: 0n }
    case 'withdraw':
      return { view: { ...view, unbondingNano: moment.now >= view.readyAt ? 0n : view.unbondingNano }, outNano: withdrawableNano(view, moment) }
    case 'contradiction': {
      const takenNano = allOf(view, moment)
      return { view: { ...view, bondedNano: 0n, unbondingNano: 0n, slashed: true }, outNano: takenNano < LEAST_TAKEN_NANO ? 0n : takenNano, takenNano }
    }
    case 'overcharge': {
      const takenNano = min(view.penaltyNano, allOf(view, moment))
      const ofBonded = min(takenNano, view.bondedNano)
      return {
        view: {
          ...view,
          bondedNano: view.bondedNano - ofBonded,
          unbondingNano: view.unbondingNano - (takenNano - ofBonded),
          punished: new Set([...view.punished, deed.jobId ?? ''])
        },
        outNano: takenNano < LEAST_TAKEN_NANO ? 0n : takenNano,
        takenNano
      }
    }
    default:
      return { view, outNano: 0n }
  }
}
