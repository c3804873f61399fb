import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { delay } from './clock.ts'
import { MAX_WALLET_MESSAGES, REDEEM_COST_NANO, REDEEM_TIMEOUT_MS, REDEEM_VALUE_NANO } from './constants.ts'
import { closeDueNano } from './lane-close.ts'
import { lesser, redeemableNano } from './lane.ts'
import { closeGainNano, isRedeemDue, redeemPauseMs } from './redeem-policy.ts'
import { whileAway } from './ton-port.ts'
import type { Clock } from './clock.ts'
import type { CloseBook } from './close-book.ts'
import type { AgreedClose } from './lane-close.ts'
import type { ProviderEntry, ProviderLanes } from './provider-lanes.ts'
import type { RedeemPolicy } from './redeem-policy.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'
import type { Cell } from '@ton/core'

/** One redeem that the chain has shown; gross nanoTON. */
export interface Settlement { readonly vault: Uint8Array, readonly epoch: bigint, readonly redeemedNano: bigint }

export interface RedeemerInit {
  readonly lanes: ProviderLanes
  /** the lanes whose end both sides have signed: their close is sent, and not their voucher */
  readonly closes: Pick<CloseBook, 'get'>
  readonly vaults: VaultContract
  readonly wallet: Wallet
  readonly clock: Clock
  readonly policy: RedeemPolicy
  /** how often every lane is read */
  readonly pollMs: number
  /** longest pause between two tries on one lane */
  readonly maxPauseMs: number
  onSettled? (settled: Settlement): void
  onError? (error: CocoonError): void
}

/** How often a redeem is looked for while it is under way. */
const LOOK_MS = 200

/** One message for a lane: its highest voucher, or its signed end. */
interface Order { readonly entry: ProviderEntry, readonly close: AgreedClose | null, readonly targetNano: bigint, readonly beforeNano: bigint }

/** When the lane ends, unix seconds; last of all where nobody ends it. */
function endSeconds ({ state: { unlockAt } }: ProviderEntry): number {
  return unlockAt === 0 ? Number.MAX_SAFE_INTEGER : unlockAt
}

/**
 * Follows the lanes on chain and redeems what is due, unlocking lanes first, up to four in one wallet message. One thing
 * at a time; a chain that is away ends a round, and the next begins with a look at what happened meanwhile.
 */
export class Redeemer {
  readonly #init: RedeemerInit
  readonly #stopping = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()
  #cancelPoll: (() => void) | null = null
  #isKicked = false
  #polled = 0

  constructor (init: RedeemerInit) {
    this.#init = init
  }

  start (): void {
    const { clock, pollMs } = this.#init
    this.#cancelPoll = clock.schedule(pollMs, () => {
      this.#background(async () => {
        try {
          await this.#poll()
        } finally {
          if (!this.#stopping.signal.aborted) {
            this.start()
          }
        }
      })
    })
  }

  /** Ends at once whatever waits for the chain. */
  async stop (): Promise<void> {
    this.#cancelPoll?.()
    this.#stopping.abort(new CocoonError('stream_closed', 'payments stopped'))
    await this.#turn
  }

  /** A lane has earned enough: redeems what is due soon. */
  kick (): void {
    if (!this.#isKicked) {
      this.#isKicked = true
      this.#background(async () => {
        this.#isKicked = false
        await this.#redeemDue()
      })
    }
  }

  isDue (entry: ProviderEntry): boolean {
    return this.#order(entry) !== null && this.#init.clock.nowMs() >= entry.retryAtMs
  }

  /** What is to be sent for a lane now; with `isAtAnyCost` whatever brings something. */
  #order (entry: ProviderEntry, isAtAnyCost = false): Order | null {
    const { state } = entry
    const { closes, policy } = this.#init
    const close = closes.get(entry.laneKey)
    const beforeNano = state.paidOnChainNano
    if (close !== undefined) {
      const isWorthIt = closeGainNano(state, close.sumNano, policy) > 0n && (close.isPayeeSending || state.unlockAt !== 0)
      if (isAtAnyCost ? closeDueNano(state, close.sumNano) > 0n : isWorthIt) {
        return { entry, close, targetNano: lesser(close.sumNano, state.capNano), beforeNano }
      }
      if (state.unlockAt === 0) {
        // the voucher would pay more than both have signed
        return null
      }
    }
    const isDue = isAtAnyCost ? redeemableNano(state) > 0n : isRedeemDue(state, policy)
    return isDue ? { entry, close: null, targetNano: lesser(state.cumulativeNano, state.capNano), beforeNano } : null
  }

  #body ({ entry: { state: { id: { payee }, cumulativeNano, signature } }, close }: Order): Cell {
    const { vaults } = this.#init
    return close === null
      ? vaults.redeemBody({ payee, cumulativeNano, signature: signature ?? new Uint8Array(64) })
      : vaults.closeLaneBody({ ...close, payee, cumulativeNano: close.sumNano })
  }

  /**
   * Redeems all that the lanes hold now, at a loss too.
   *
   * @throws {CocoonError} chain_unavailable, chain_rejected, insufficient_funds, timeout
   */
  async settle (entries: readonly ProviderEntry[]): Promise<Settlement[]> {
    return this.#inTurn(async () => {
      const failures: CocoonError[] = []
      const done: Settlement[] = []
      for (const entry of entries) {
        await this.#unlessStopped(this.#init.lanes.refresh(entry))
      }
      const orders = entries.flatMap(entry => this.#order(entry, true) ?? [])
      for (let at = 0; at < orders.length; at += MAX_WALLET_MESSAGES) {
        done.push(...await this.#redeem(orders.slice(at, at + MAX_WALLET_MESSAGES), error => { failures.push(error) }))
      }
      if (failures.length > 0) {
        throw failures[0]
      }
      return done
    })
  }

  async #inTurn<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      this.#stopping.signal.throwIfAborted()
      return work()
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  #background (work: () => Promise<void>): void {
    this.#inTurn(work).catch((error: unknown) => { this.#report(error) })
  }

  #report (error: unknown): void {
    if (!this.#stopping.signal.aborted) {
      this.#init.onError?.(asCocoonError(error, 'chain_unavailable'))
    }
  }

  /** What comes after `stop` is dropped. */
  async #unlessStopped<T> (work: Promise<T>): Promise<T> {
    const { signal } = this.#stopping
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
      }
      const onAbort = (): void => { reject(signal.reason) }
      signal.addEventListener('abort', onAbort, { once: true })
      work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort) })
    })
  }

  async #poll (): Promise<void> {
    const entries = this.#init.lanes.all().filter(({ state }) => state.chain !== 'ended')
    for (let asked = 0; asked < entries.length; asked++) {
      // a round that was cut short goes on behind the lane where it was
      const entry = entries[this.#polled++ % entries.length]
      try {
        await this.#unlessStopped(this.#init.lanes.refresh(entry))
      } catch (err: unknown) {
        const error = asCocoonError(err, 'chain_unavailable')
        this.#report(error)
        if (this.#stopping.signal.aborted) {
          return
        }
        if (error.code === 'chain_unavailable') {
          // the next round asks again: every lane would only wait in vain
          break
        }
      }
    }
    await this.#redeemDue()
  }

  async #redeemDue (): Promise<void> {
    const due = this.#init.lanes.all().filter(entry => this.isDue(entry))
    // what unlocks first goes first
    due.sort((a, b) => endSeconds(a) - endSeconds(b))
    for (let at = 0; at < due.length; at += MAX_WALLET_MESSAGES) {
      // a batch before may have taken a minute
      const orders = due.slice(at, at + MAX_WALLET_MESSAGES).flatMap(entry => this.#order(entry) ?? [])
      await this.#redeem(orders, error => { this.#report(error) })
    }
  }

  /** Sends one batch and waits until the chain shows it. */
  async #redeem (orders: readonly Order[], onFailure: (error: CocoonError) => void): Promise<Settlement[]> {
    if (orders.length === 0) {
      return []
    }
    const { clock } = this.#init
    const messages = orders.map(order => ({ to: order.entry.state.id.vault, valueNano: REDEEM_VALUE_NANO, body: this.#body(order) }))
    const fail = (order: Order, error: CocoonError): void => {
      const { entry } = order
      // a chain that did not answer took no message, and cost nothing
      const failures = error.code === 'chain_unavailable' ? 0 : entry.failures++
      entry.retryAtMs = clock.nowMs() + redeemPauseMs(failures, this.#init.pollMs, this.#init.maxPauseMs)
      onFailure(error)
    }
    try {
      await this.#send(messages)
    } catch (err: unknown) {
      const error = asCocoonError(err, 'chain_unavailable')
      orders.forEach(order => { fail(order, error) })
      return []
    }
    return this.#watch(orders, fail)
  }

  async #send (messages: Parameters<Wallet['send']>[0]): Promise<void> {
    const { wallet } = this.#init
    const neededNano = BigInt(messages.length) * (REDEEM_VALUE_NANO + REDEEM_COST_NANO)
    const balanceNano = await this.#unlessStopped(wallet.balance())
    if (balanceNano < neededNano) {
      throw new CocoonError('insufficient_funds', 'the wallet cannot carry the redeem', { details: { balanceNano, neededNano } })
    }
    await this.#unlessStopped(wallet.send(messages, { signal: this.#stopping.signal }))
  }

  async #watch (orders: readonly Order[], fail: (order: Order, error: CocoonError) => void): Promise<Settlement[]> {
    const { clock, lanes } = this.#init
    const deadlineMs = clock.nowMs() + REDEEM_TIMEOUT_MS
    const done: Settlement[] = []
    let open = [...orders]
    for (;;) {
      for (const { entry, targetNano, beforeNano } of open) {
        await whileAway(async () => this.#unlessStopped(lanes.refresh(entry)))
        const { id, paidOnChainNano } = entry.state
        if (paidOnChainNano >= targetNano) {
          entry.failures = 0
          entry.retryAtMs = 0
          const settled = { vault: id.vault, epoch: id.epoch, redeemedNano: paidOnChainNano - beforeNano }
          done.push(settled)
          this.#init.onSettled?.(settled)
        }
      }
      open = open.filter(({ entry, targetNano }) => entry.state.paidOnChainNano < targetNano)
      const lost = open.filter(({ entry }) => clock.nowMs() >= deadlineMs || entry.state.chain === 'ended')
      lost.forEach(order => { fail(order, new CocoonError('chain_rejected', 'the redeem did not raise what the lane has paid')) })
      open = open.filter(order => !lost.includes(order))
      if (open.length === 0) {
        return done
      }
      await delay(clock, LOOK_MS, this.#stopping.signal)
    }
  }
}
