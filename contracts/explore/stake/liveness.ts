/** From any state of the stake, what its owner gets by its own messages alone: all that was not slashed. */
import { must } from '../violation.ts'
import { checkStake, stakeOf } from './laws.ts'
import { RESERVE_NANO } from './rules.ts'
import type { StakeCast } from './cast.ts'
import type { Account, Machine } from '../executor.ts'
import type { Exit, Ran } from '../world.ts'

/** Most messages that the owner's way out takes: one unbonds, one withdraws. */
const MAX_MESSAGES = 2

/** The owner unbonds, waits, withdraws. Throws a `Violation` when that is refused, leaves coins behind or takes too long. */
export async function ownerLeaves (machine: Machine, cast: StakeCast, account: Account, now: number, ran?: Ran): Promise<Exit> {
  let view = stakeOf(account)
  let at = account
  let messages = 0
  if (view.bondedNano > 0n) {
    const deed = cast.unbond('owner', view.bondedNano)
    const known = ran?.get(deed.label)
    if (known == null) {
      const step = await machine.run(account, deed.envelope, now)
      must(checkStake(account, deed, step, now), 'liveness', () => `the stake refused the owner: ${deed.label}`)
      at = step.account
    } else {
      at = known
    }
    view = stakeOf(at)
    messages++
  }
  const then = view.unbondingNano > 0n ? Math.max(now, view.readyAt) : now
  const deed = cast.withdraw('owner')
  const step = await machine.run(at, deed.envelope, then)
  if (checkStake(at, deed, step, then)) {
    messages++
    const left = stakeOf(step.account)
    must(left.bondedNano + left.unbondingNano === 0n && step.account.balanceNano === RESERVE_NANO, 'liveness', () => 'the owner leaves coins behind')
  } else {
    must(at.balanceNano - step.storageNano <= RESERVE_NANO, 'liveness', () => 'the stake keeps what is free')
  }
  must(then - now <= view.unbondSeconds && messages <= MAX_MESSAGES, 'liveness', () => `the owner needs ${messages} messages and ${then - now} s`)
  return { messages, seconds: then - now }
}
