/** What must hold in every state of the stake and across every transition, whoever sends what. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { must } from '../violation.ts'
import { LEAST_TAKEN_NANO, RESERVE_NANO, effectOf, isDue } from './rules.ts'
import { readStake } from './view.ts'
import type { Effect, Moment, StakeDeed } from './rules.ts'
import type { StakeView } from './view.ts'
import type { Account, Outgoing, Step } from '../executor.ts'

/** Where what is burned goes: an account that nobody has a key to. */
const NOBODY = '0'.repeat(64)
/** Most that a message may cost its sender beyond what the stake keeps. */
const MAX_COST_NANO = 20_000_000n
/** A message below this may fail for want of gas. */
const AMPLE_NANO = 50_000_000n
const MAX_VIEWS = 20_000

const views = new Map<string, StakeView>()

export function stakeOf (account: Account): StakeView {
  let view = views.get(account.dataHash)
  if (view == null) {
    view = readStake(account.data)
    must(!view.slashed || view.bondedNano === 0n, 'consistency', () => 'a slashed stake counts')
    if (views.size >= MAX_VIEWS) {
      views.clear()
    }
    views.set(account.dataHash, view)
  }
  return view
}

function sumTo (out: readonly Outgoing[], account: string): bigint {
  return out.reduce((sum, message) => message.dest === account ? sum + message.valueNano : sum, 0n)
}

/**
 * Checks one transition.
 *
 * @returns whether the message was obeyed
 * @throws {Violation}
 */
export function checkStake (before: Account, deed: StakeDeed, step: Step, now: number): boolean {
  const { account } = step
  const sent = step.out.reduce((sum, message) => sum + message.valueNano, 0n)
  must(before.balanceNano + deed.valueNano === account.balanceNano + sent + step.feesNano, 'conservation',
    () => `${before.balanceNano} + ${deed.valueNano} came in, ${account.balanceNano} + ${sent} + ${step.feesNano} are accounted for`)
  must(step.out.every(message => !message.bounce), 'bounce', () => 'a payout can come back')
  const view = stakeOf(before)
  const after = stakeOf(account)
  const moment = { now, heldNano: before.balanceNano - step.storageNano }
  const isHeld = moment.heldNano >= view.bondedNano + view.unbondingNano
  must(!isHeld || account.balanceNano >= after.bondedNano + after.unbondingNano, 'solvency', () => 'more is bonded than held')
  const due = isDue(view, deed, moment)
  if (!step.ok) {
    must(account.dataHash === before.dataHash, 'effect', () => 'a refused message changed the stake')
    must(step.out.every(message => message.bounced && message.dest === deed.sender), 'payout', () => 'a refused message paid somebody')
    must(account.balanceNano >= moment.heldNano, 'payout', () => 'a refused message cost the stake')
    must(!due || deed.valueNano < AMPLE_NANO, 'authority', () => `refused with ${step.exitCode} though it is due`)
    return false
  }
  checkGain(deed, step, { view, after, moment })
  must(due, 'authority', () => 'obeyed though it has to be refused')
  const effect = effectOf(view, deed, moment)
  must(isDeepStrictEqual(effect.view, after), 'effect', () => `expected ${inspect(effect.view)}, got ${inspect(after)}`)
  checkCoins(effect, deed, step, moment)
  return true
}

/** Who may gain anything at all; holds without knowing the rules of each message. */
function checkGain (deed: StakeDeed, step: Step, { view, after, moment }: { view: StakeView, after: StakeView, moment: Moment }): void {
  for (const { dest, valueNano } of step.out) {
    must(dest === deed.sender || dest === NOBODY, 'payout', () => `${valueNano} went to ${dest}`)
  }
  const gainNano = sumTo(step.out, deed.sender) - deed.valueNano
  const lostNano = view.bondedNano + view.unbondingNano - after.bondedNano - after.unbondingNano
  const isFault = deed.kind === 'contradiction' || deed.kind === 'overcharge'
  if (isFault) {
    must(gainNano <= lostNano / 10n, 'payout', () => `a reporter gained ${gainNano} of ${lostNano}`)
  } else if (deed.sender !== view.owner) {
    must(gainNano <= 0n && lostNano === 0n, 'payout', () => `a stranger gained ${gainNano}, the stake lost ${lostNano}`)
  } else {
    const freeNano = moment.heldNano - RESERVE_NANO - view.bondedNano - (moment.now >= view.readyAt ? 0n : view.unbondingNano)
    must(gainNano <= (freeNano > 0n ? freeNano : 0n), 'payout', () => `the owner took ${gainNano}, ${freeNano} was free`)
  }
  must(view.slashed ? after.slashed : true, 'effect', () => 'a slash was forgotten')
  must([...view.punished].every(job => after.punished.has(job)), 'effect', () => 'a punished job was forgotten')
}

function checkCoins ({ outNano, takenNano }: Effect, deed: StakeDeed, step: Step, moment: Moment): void {
  const costs = step.feesNano - step.storageNano
  if (deed.kind === 'coins' || deed.kind === 'bounced') {
    must(step.account.balanceNano === moment.heldNano + deed.valueNano - costs, 'payout', () => 'coins were lost')
    return
  }
  must(step.account.balanceNano === moment.heldNano - outNano, 'payout', () => `the stake holds ${step.account.balanceNano}, not ${moment.heldNano - outNano}`)
  const gotNano = sumTo(step.out, deed.sender)
  if (takenNano == null || takenNano < LEAST_TAKEN_NANO) {
    must(gotNano >= deed.valueNano + outNano - MAX_COST_NANO, 'payout', () => `${deed.sender} received ${gotNano}`)
    return
  }
  const shareNano = takenNano / 10n
  const burnedNano = sumTo(step.out, NOBODY)
  must(gotNano <= deed.valueNano + shareNano && gotNano >= deed.valueNano + shareNano - MAX_COST_NANO, 'payout', () => `the reporter received ${gotNano} for ${takenNano}`)
  must(burnedNano >= takenNano - shareNano - MAX_COST_NANO, 'payout', () => `${burnedNano} of ${takenNano} was burned`)
}
