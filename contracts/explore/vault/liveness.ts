/**
 * From any state, what a party gets by its own messages alone. The owner: whatever the payees do not do, it empties the
 * vault down to what is still owed to the treasury and the rent reserve. The payee's half needs no sequence: a voucher
 * that is due must be obeyed in every state (`rules.ts`), in one message, until its lane ends, and a lane ends only by
 * its payee, by both, or `unlockSeconds` after a notice.
 */
import { must } from '../violation.ts'
import { checkStep, freeNano, viewOf } from './laws.ts'
import { NONE, RESERVE_BASE_NANO } from './rules.ts'
import type { Cast, Deed } from './cast.ts'
import type { Account, Machine } from '../executor.ts'
import type { Exit, Ran } from '../world.ts'

/** Most that the owner's way out takes: a start and a finish per lane, one withdrawal. */
export function maxExit (lanes: number, unlockSeconds: number): Exit {
  return { messages: 1 + 2 * lanes, seconds: unlockSeconds }
}

/** The owner's closing sequence from states; what a state leads to is remembered under the key that the search uses. */
export class OwnerExit {
  private readonly machine: Machine
  private readonly cast: Cast
  private readonly keyOf: (account: Account, now: number) => string
  private readonly known = new Map<string, Exit>()

  constructor (machine: Machine, cast: Cast, keyOf: (account: Account, now: number) => string) {
    this.machine = machine
    this.cast = cast
    this.keyOf = keyOf
  }

  /**
   * As `check`, with the operator dismissed first.
   *
   * @throws {Violation}
   */
  async checkDismissed (account: Account, now: number): Promise<Exit> {
    return viewOf(account).operator.account === NONE
      ? this.check(account, now)
      : this.then(account, now, this.cast.setOperator('owner', '', 0n))
  }

  /** @throws {Violation} the owner does not get what is its own, or not within the bound */
  async check (account: Account, now: number, ran?: Ran): Promise<Exit> {
    const key = this.keyOf(account, now)
    let exit = this.known.get(key)
    if (exit == null) {
      exit = await this.advance(account, now, ran)
      this.known.set(key, exit)
      const bound = maxExit(viewOf(account).lanes.size, viewOf(account).unlockSeconds)
      must(exit.messages <= bound.messages && exit.seconds <= bound.seconds, 'liveness', () => `the owner needs ${exit?.messages} messages and ${exit?.seconds} s`)
    }
    return exit
  }

  private async advance (account: Account, now: number, ran?: Ran): Promise<Exit> {
    const view = viewOf(account)
    const payees = this.cast.payees.filter(payee => view.lanes.has(payee))
    const locked = payees.find(payee => view.lanes.get(payee)?.unlockAt === 0)
    const ready = payees.find(payee => (view.lanes.get(payee)?.unlockAt ?? 0) <= now)
    if (locked != null) {
      return this.then(account, now, this.cast.startUnlock('owner', this.cast.nameOf(locked)), ran)
    }
    if (ready != null) {
      return this.then(account, now, this.cast.finishUnlock('owner', this.cast.nameOf(ready)), ran)
    }
    if (payees.length > 0) {
      const next = Math.min(...payees.map(payee => view.lanes.get(payee)?.unlockAt ?? 0))
      const rest = await this.check(account, next)
      return { messages: rest.messages, seconds: rest.seconds + next - now }
    }
    return this.empty(account, now)
  }

  private async then (account: Account, now: number, deed: Deed, ran?: Ran): Promise<Exit> {
    let next = ran?.get(deed.label)
    if (next == null) {
      const step = await this.machine.run(account, deed.envelope, now)
      must(checkStep(account, deed, step, now), 'liveness', () => `the vault refused the owner: ${deed.label}`)
      next = step.account
    }
    const rest = await this.check(next, now)
    return { messages: rest.messages + 1, seconds: rest.seconds }
  }

  private async empty (account: Account, now: number): Promise<Exit> {
    // rent for the time since the last message comes first
    const probe = await this.machine.run(account, this.cast.withdraw('owner', 0n).envelope, now)
    const freeNow = freeNano(account) - probe.storageNano
    if (freeNow <= 0n) {
      return { messages: 0, seconds: 0 }
    }
    const deed = this.cast.withdraw('owner', freeNow)
    const step = await this.machine.run(account, deed.envelope, now)
    must(checkStep(account, deed, step, now), 'liveness', () => 'the vault keeps what is free')
    const view = viewOf(step.account)
    const leftNano = step.account.balanceNano - RESERVE_BASE_NANO - view.feeAccruedNano
    must(view.lockedNano === 0n && leftNano === 0n, 'liveness', () => `${leftNano} stays behind`)
    return { messages: 1, seconds: 0 }
  }
}
