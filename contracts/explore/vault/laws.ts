/** What must hold in every state of the vault and across every transition, whoever sends what. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { Reader } from '../cells.ts'
import { must } from '../violation.ts'
import { FLUSH_AT_NANO, NOTICE_NANO, UNLOCK_GAS_NANO, isDue, outcome, owedNano } from './rules.ts'
import { readVault } from './view.ts'
import type { Deed } from './cast.ts'
import type { Moment, Outcome, Payment } from './rules.ts'
import type { LaneView, VaultView } from './view.ts'
import type { Account, Outgoing, Step } from '../executor.ts'

/** Most that a message may cost its sender beyond what the vault keeps or pays. */
export const MAX_COST_NANO = 20_000_000n
/** A message below this may fail for want of gas. */
export const AMPLE_NANO = 50_000_000n
const UNLOCK_NOTICE = 0x43560010
/** Forwarding a flushed fee is paid out of the fee. */
const MAX_FORWARD_NANO = 2_000_000n

const views = new Map<string, VaultView>()

/** The view of an account's data; every distinct data cell is read and checked once. */
export function viewOf (account: Account): VaultView {
  let view = views.get(account.dataHash)
  if (view == null) {
    view = readVault(account.data)
    checkView(view)
    if (views.size >= 20_000) {
      views.clear()
    }
    views.set(account.dataHash, view)
  }
  return view
}

export function freeNano (account: Account): bigint {
  return account.balanceNano - owedNano(viewOf(account))
}

function checkView (view: VaultView): void {
  let locked = 0n
  let slots = 0n
  for (const lane of view.lanes.values()) {
    must(lane.paidNano >= 0n && lane.paidNano <= lane.capNano, 'consistency', () => `a lane paid ${lane.paidNano} of ${lane.capNano}`)
    must(lane.epoch <= view.lastEpoch, 'consistency', () => 'a lane is newer than the last epoch')
    must(lane.gasLeftNano <= UNLOCK_GAS_NANO && (lane.unlockAt !== 0 || lane.gasLeftNano === 0n), 'consistency', () => 'gas without an unlock')
    must(view.signers.get(lane.keyIdx)?.key === lane.key, 'consistency', () => 'a lane pins a key that its index never had')
    must(((slots >> BigInt(lane.slot)) & 1n) === 0n, 'consistency', () => 'two lanes share a counter')
    slots |= 1n << BigInt(lane.slot)
    locked += lane.capNano - lane.paidNano + lane.gasLeftNano
  }
  must(locked === view.lockedNano, 'consistency', () => `lanes lock ${locked}, the vault says ${view.lockedNano}`)
  must(view.lanesCount === view.lanes.size && view.slots === slots, 'consistency', () => 'lanes and their count or counters differ')
}

function sumTo (out: readonly Outgoing[], account: string): bigint {
  return out.reduce((sum, message) => message.dest === account ? sum + message.valueNano : sum, 0n)
}

/** All that the rules speak of: which counter a lane uses is the contract's own affair. */
function comparable (view: VaultView): VaultView {
  const lanes = new Map([...view.lanes].map(([payee, lane]) => [payee, { ...lane, slot: 0 }]))
  return { ...view, lanes, slots: 0n }
}

/**
 * Checks one transition.
 *
 * @returns whether the message was obeyed
 * @throws {Violation}
 */
export function checkStep (before: Account, deed: Deed, step: Step, now: number): boolean {
  const { account } = step
  const sent = step.out.reduce((sum, message) => sum + message.valueNano, 0n)
  must(before.balanceNano + deed.valueNano === account.balanceNano + sent + step.feesNano, 'conservation',
    () => `${before.balanceNano} + ${deed.valueNano} came in, ${account.balanceNano} + ${sent} + ${step.feesNano} are accounted for`)
  must(step.out.every(message => !message.bounce), 'bounce', () => 'a payout can come back')
  const view = viewOf(before)
  const after = viewOf(account)
  const free = freeNano(before)
  const rent = step.storageNano
  must(after.lockedNano + after.feeAccruedNano <= account.balanceNano, 'solvency', () => 'more is promised than held')
  must(freeNano(account) >= (free < 0n ? free : 0n) - rent, 'solvency', () => `free fell from ${free} to ${freeNano(account)}, rent ${rent}`)
  const moment = { now, heldNano: before.balanceNano - rent }
  const due = isDue(view, deed, moment)
  if (!step.ok) {
    checkRefused(before, deed, step, moment)
    must(!due || deed.valueNano < AMPLE_NANO, 'authority', () => `refused with ${step.exitCode} though it is due`)
    return false
  }
  checkPaid(view, after, deed, step, moment)
  must(due, 'authority', () => 'obeyed though it has to be refused')
  const lane = view.lanes.get(deed.payee ?? '')
  const refundNano = deed.kind === 'redeem' ? refundOf(lane, after.lanes.get(deed.payee ?? '')) : 0n
  const expected = outcome(view, deed, moment, refundNano)
  const want = comparable(expected.view)
  const got = comparable(after)
  must(isDeepStrictEqual(want, got), 'effect', () => `expected ${inspect(want)}, got ${inspect(got)}`)
  checkSums(expected, deed, step, moment)
  return true
}

function refundOf (before: LaneView | undefined, after: LaneView | undefined): bigint {
  if (before == null || after == null) {
    return 0n
  }
  const delta = after.paidNano - before.paidNano
  const refund = before.gasLeftNano - after.gasLeftNano
  must(refund >= 0n && refund <= delta, 'payout', () => `a redeem of ${delta} took ${refund} of the lane's gas`)
  must((refund > 0n) === (before.gasLeftNano > 0n), 'payout', () => 'a redeem is refunded while the lane has gas left, and not after')
  return refund
}

function checkRefused (before: Account, deed: Deed, step: Step, moment: Moment): void {
  must(step.account.dataHash === before.dataHash, 'effect', () => 'a refused message changed the vault')
  must(step.out.every(message => message.bounced && message.dest === deed.sender), 'payout', () => 'a refused message paid somebody')
  must(step.account.balanceNano >= moment.heldNano, 'payout', () => 'a refused message cost the vault')
  must(deed.valueNano < AMPLE_NANO || step.account.balanceNano === moment.heldNano, 'payout', () => 'a refused message was not sent back')
}

/** Who may receive anything at all, and what the vault's books say about it; holds without knowing the rules. */
function checkPaid (view: VaultView, after: VaultView, deed: Deed, step: Step, moment: Moment): void {
  let grossNano = 0n
  for (const [payee, lane] of view.lanes) {
    const then = after.lanes.get(payee)
    if (then == null || then.epoch !== lane.epoch) {
      continue
    }
    must(then.paidNano >= lane.paidNano && then.capNano >= lane.capNano && then.keyIdx === lane.keyIdx && then.key === lane.key, 'effect', () => 'a lane lost what its epoch had')
    must(lane.unlockAt === 0 || then.unlockAt === lane.unlockAt, 'effect', () => 'an unlock was moved')
    must(lane.unlockAt !== 0 || then.unlockAt === 0 || then.unlockAt >= moment.now + view.unlockSeconds, 'effect', () => 'an unlock ends early')
    const paidNano = then.paidNano - lane.paidNano
    grossNano += paidNano
    if (paidNano > 0n) {
      const gotNano = sumTo(step.out, payee)
      const feeNano = paidNano * BigInt(view.feeBps) / 10_000n + 1n
      must(gotNano >= paidNano - feeNano, 'payout', () => `${paidNano} was booked as paid, ${gotNano} went to the payee`)
    }
  }
  for (const [payee, lane] of after.lanes) {
    const old = view.lanes.get(payee)
    must(old?.epoch === lane.epoch || lane.epoch > view.lastEpoch, 'effect', () => 'an epoch was used again')
  }
  if (deed.sender !== view.owner && deed.kind !== 'close') {
    // nobody but the owner takes out of the vault what no lane and no fee owed
    const lossNano = moment.heldNano - step.account.balanceNano
    const owedLessNano = view.feeAccruedNano + grossNano + UNLOCK_GAS_NANO
    must(lossNano <= owedLessNano, 'payout', () => `${lossNano} left the vault, ${owedLessNano} was owed`)
  }
}

function checkSums ({ payment }: Outcome, deed: Deed, step: Step, moment: Moment): void {
  const { to, amountNano, flushedNano, keptNano } = payment
  const kept = keptNano ?? deed.valueNano - (step.feesNano - step.storageNano)
  const balanceNano = moment.heldNano - amountNano - flushedNano + kept
  must(step.account.balanceNano === balanceNano, 'payout', () => `the vault holds ${step.account.balanceNano}, not ${balanceNano}`)
  if (deed.kind === 'startUnlock') {
    checkNotice(deed, step, moment)
  }
  checkReceivers(payment, deed, step)
  const change = deed.valueNano - kept - sumTo(step.out, deed.sender) + (to === deed.sender ? amountNano : 0n) - noticeNano(deed)
  must(keptNano == null || change <= MAX_COST_NANO, 'payout', () => `the message cost ${change}`)
}

function noticeNano (deed: Deed): bigint {
  return deed.kind === 'startUnlock' ? NOTICE_NANO : 0n
}

function checkReceivers ({ to, amountNano, flushedNano }: Payment, deed: Deed, step: Step): void {
  const view = viewOf(step.account)
  const allowed = new Set([deed.sender])
  if (amountNano > 0n) {
    allowed.add(to)
  }
  if (deed.kind === 'startUnlock') {
    allowed.add(deed.payee ?? '')
  }
  if (flushedNano > 0n) {
    must(flushedNano >= FLUSH_AT_NANO, 'payout', () => 'a fee was flushed too early')
    allowed.add(view.treasury)
    const gotNano = sumTo(step.out, view.treasury)
    must(gotNano >= flushedNano - MAX_FORWARD_NANO, 'payout', () => `the treasury received ${gotNano} of ${flushedNano}`)
  }
  for (const message of step.out) {
    must(allowed.has(message.dest) && !message.bounced, 'payout', () => `${message.valueNano} went to ${message.dest}`)
  }
  if (amountNano > 0n && to !== deed.sender) {
    const gotNano = sumTo(step.out, to)
    must(gotNano === amountNano, 'payout', () => `${to} received ${gotNano} of ${amountNano}`)
  }
}

function checkNotice (deed: Deed, step: Step, moment: Moment): void {
  const view = viewOf(step.account)
  const lane = view.lanes.get(deed.payee ?? '')
  const notice = step.out.find(message => message.op === UNLOCK_NOTICE)
  must(notice?.dest === deed.payee && notice?.valueNano === NOTICE_NANO && notice?.body != null, 'notice', () => 'an unlock started without its notice')
  if (notice?.body != null) {
    const body = new Reader(notice.body).skip(32 + 256)
    must(body.big(64) === lane?.epoch && body.uint(32) === moment.now + view.unlockSeconds, 'notice', () => 'the notice names another lane or time')
  }
}
