import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { MAX_LANES_PER_OPEN } from './constants.ts'
import { isLow, newPayerLane, payerLaneFromChain, recoverPayerLane } from './payer-lane.ts'
import { hex } from './types.ts'
import type { HeldLane, LaneOpener } from './lane-opener.ts'
import type { PayerLane } from './payer-lane.ts'
import type { Store, StoreWrite } from './store.ts'
import type { LaneOnChain } from './types.ts'

/** One lane of a payer with what waits for it. */
export interface PayerEntry {
  /** never behind the disk; a voucher leaves when the disk has caught up */
  state: PayerLane
  recorded: Promise<void>
  toppingUp: boolean
  queue: Promise<unknown>
  readonly opened: PromiseWithResolvers<void>
  allowanceNano: bigint
}

export interface PayerTableInit {
  readonly store: Store
  readonly opener: LaneOpener
  readonly capNano: bigint
  /** unix milliseconds, from the chain's point of view */
  chainNowMs (): number
  /** written along with every state: what the day's limits have used */
  bookWrite (): StoreWrite
  /** one line of the books */
  paidRow (state: PayerLane, clientNonce: string, paidNano: bigint): StoreWrite
  readonly signal: AbortSignal
  /** Runs what nobody waits for; its failures are reported. */
  background (work: Promise<void>): void
  onError (error: CocoonError): void
}

function newEntry (state: PayerLane): PayerEntry {
  const opened = Promise.withResolvers<void>()
  // nobody has to wait for an open; those who do get the rejection from ready()
  opened.promise.catch(() => {})
  if (state.status === 'failed') {
    opened.reject(new CocoonError('lane_unknown', 'the lane was not opened'))
  }
  return { state, recorded: Promise.resolve(), toppingUp: false, queue: Promise.resolve(), opened, allowanceNano: 0n }
}

/** The chain shows the lane; one that ends meanwhile goes on ending. */
function opened (state: PayerLane): PayerLane {
  return state.status === 'ending' ? state : { ...state, status: 'open' }
}

/** A payer's lanes, one per payee: on disk before they are on chain, and followed until the chain has said what they are. */
export class PayerTable {
  readonly #init: PayerTableInit
  readonly #entries = new Map<string, PayerEntry>()
  #lastEpoch = 0n
  #batch: PayerEntry[] = []
  /** nothing was known at the start: the vault may have lanes from before */
  #isFresh = false

  constructor (init: PayerTableInit) {
    this.#init = init
  }

  async load (): Promise<void> {
    const { store } = this.#init
    this.#lastEpoch = (await store.get('lastEpoch') as bigint | undefined) ?? 0n
    const writes: StoreWrite[] = []
    for (const [key, value] of await store.list('lane/')) {
      const before = value as PayerLane
      const entry = newEntry(recoverPayerLane(before))
      if (before.jobs.size > 0) {
        // in the books the jobs took what they held; what that was too much is free again once the payee says so
        writes.push({ key, value: entry.state }, ...[...before.jobs].map(([nonce, heldNano]) => this.#init.paidRow(before, nonce, heldNano)))
      }
      this.#entries.set(hex(entry.state.id.payee), entry)
      if (entry.state.status === 'open' || entry.state.status === 'ending') {
        entry.opened.resolve()
      } else if (entry.state.status === 'opening') {
        this.#init.background(this.#confirm([entry]))
      }
    }
    if (writes.length > 0) {
      await store.commit(writes)
    }
    this.#isFresh = this.#entries.size === 0
  }

  async close (): Promise<void> {
    await Promise.all([...this.#entries.values()].map(async ({ queue }) => { await queue }))
    this.#entries.clear()
  }

  known (payee: Uint8Array): PayerEntry | undefined {
    return this.#entries.get(hex(payee))
  }

  /**
   * The lane of a payee: the one that is known, or the one that the vault has, or a new one with `capNano`.
   *
   * @throws {CocoonError} lane_unlocking
   */
  async lane (payee: Uint8Array, capNano = this.#init.capNano): Promise<PayerEntry> {
    const known = this.known(payee)
    if (known != null && (known.state.status === 'open' || known.state.status === 'opening')) {
      return known
    }
    // what failed may have landed after all, and records may have been lost: the vault has one lane per payee
    if (known != null || this.#isFresh) {
      const seen = await this.#seen(payee, known)
      const raced = this.known(payee)
      if (raced != null && raced !== known) {
        return raced
      }
      if (seen != null) {
        return this.#takeUp(known?.state.id.epoch === seen.epoch
          ? { ...known.state, status: 'open', capNano: seen.capNano }
          : payerLaneFromChain({ vault: this.#init.opener.vault, payee, epoch: seen.epoch }, seen))
      }
    }
    return this.#order(payee, capNano)
  }

  /** What the vault shows; of a lane that was ending it must say, or nobody knows whether vouchers of it are good. */
  async #seen (payee: Uint8Array, known: PayerEntry | undefined): Promise<LaneOnChain | null> {
    const seen = await this.#init.opener.find(payee).catch((error: unknown) => {
      if (known?.state.status === 'ending') {
        throw error
      }
      return null
    })
    if (seen != null && (seen.unlockAt !== 0 || (known?.state.status === 'ending' && known.state.id.epoch === seen.epoch))) {
      throw new CocoonError('lane_unlocking')
    }
    return seen
  }

  /**
   * The lane that is known, or the one that the vault has; never a new one.
   *
   * @throws {CocoonError} lane_unknown, lane_unlocking
   */
  async adopt (payee: Uint8Array): Promise<PayerEntry> {
    const known = this.known(payee)
    if (known != null) {
      return known
    }
    const seen = await this.#seen(payee, undefined)
    if (seen == null) {
      throw new CocoonError('lane_unknown')
    }
    return this.known(payee) ?? this.#takeUp(payerLaneFromChain({ vault: this.#init.opener.vault, payee, epoch: seen.epoch }, seen))
  }

  /** Takes back that a lane is open when the vault shows that it ends or has ended: its payee, or its owner elsewhere, did that. */
  async review (payee: Uint8Array): Promise<void> {
    const entry = this.known(payee)
    if (entry?.state.status !== 'open') {
      return
    }
    const seen = await this.#init.opener.find(payee)
    if (seen == null || seen.unlockAt !== 0 || seen.epoch !== entry.state.id.epoch) {
      await this.retire(payee)
    }
  }

  /** Begins no further job on the lane of a payee: it is about to end. Nothing for a payee without one. */
  async retire (payee: Uint8Array): Promise<void> {
    const entry = this.known(payee)
    if (entry != null) {
      await this.exclusive(entry, async () => this.write(entry, { ...entry.state, status: 'ending' }))
    }
  }

  async #takeUp (state: PayerLane): Promise<PayerEntry> {
    const entry = newEntry(state)
    this.#entries.set(hex(state.id.payee), entry)
    await this.#record(entry)
    entry.opened.resolve()
    return entry
  }

  async #record (entry: PayerEntry): Promise<void> {
    const { state } = entry
    this.#lastEpoch = state.id.epoch > this.#lastEpoch ? state.id.epoch : this.#lastEpoch
    entry.recorded = this.#init.store.commit([{ key: 'lastEpoch', value: this.#lastEpoch }, { key: `lane/${hex(state.id.payee)}`, value: state }])
    await entry.recorded
  }

  async #order (payee: Uint8Array, capNano: bigint): Promise<PayerEntry> {
    // "One open message carries one epoch for all its lanes, max(chain now in ms, last + 1)"
    const isFirst = this.#batch.length === 0 || this.#batch.length >= MAX_LANES_PER_OPEN
    const nowMs = BigInt(this.#init.chainNowMs())
    const nextEpoch = nowMs > this.#lastEpoch ? nowMs : this.#lastEpoch + 1n
    const epoch = isFirst ? nextEpoch : this.#lastEpoch
    const entry = newEntry(newPayerLane({ vault: this.#init.opener.vault, payee, epoch }, capNano))
    this.#entries.set(hex(payee), entry)
    const recorded = this.#record(entry)
    if (isFirst) {
      this.#batch = [entry]
      this.#init.background(this.#open(this.#batch))
    } else {
      this.#batch.push(entry)
    }
    await recorded
    return entry
  }

  async #open (batch: PayerEntry[]): Promise<void> {
    const close = (): void => {
      // from here on new lanes go into the next message
      if (this.#batch === batch) {
        this.#batch = []
      }
    }
    try {
      await this.#init.opener.open(async () => {
        close()
        // a lane that the chain knows and this disk does not would be lost
        await Promise.all(batch.map(async ({ recorded }) => { await recorded }))
        const heldBy = ({ state }: PayerEntry): HeldLane => ({ payee: state.id.payee, capNano: state.capNano })
        const others = [...this.#entries.values()].filter(entry => entry.state.status !== 'failed' && !batch.includes(entry))
        return { epoch: batch[0].state.id.epoch, lanes: batch.map(heldBy), others: others.map(heldBy) }
      })
    } catch (err: unknown) {
      close()
      await this.#fail(batch, asCocoonError(err, 'chain_unavailable'))
      throw err
    }
    await this.#confirm(batch)
  }

  async #confirm (batch: PayerEntry[]): Promise<void> {
    for (const entry of batch) {
      try {
        await this.#init.opener.confirm(entry.state.id)
      } catch (err: unknown) {
        const error = asCocoonError(err, 'chain_unavailable')
        await this.#fail([entry], error)
        this.#init.onError(error)
        continue
      }
      await this.exclusive(entry, async () => { await this.write(entry, opened(entry.state)) })
      entry.opened.resolve()
    }
  }

  async #fail (batch: PayerEntry[], error: CocoonError): Promise<void> {
    for (const entry of batch) {
      // while stopping: a lane that may still open is looked for again at the next start
      if (!this.#init.signal.aborted) {
        await this.exclusive(entry, async () => { await this.write(entry, { ...entry.state, status: 'failed' }) })
      }
      entry.opened.reject(error)
    }
  }

  /** A lane that is half used is raised by its first cap before jobs run into its end. */
  topUpWhenLow (entry: PayerEntry): void {
    if (entry.toppingUp || !isLow(entry.state) || this.#init.opener.isPausing) {
      return
    }
    entry.toppingUp = true
    this.#init.background(this.raise(entry, this.#init.capNano).then(() => {}).finally(() => { entry.toppingUp = false }))
  }

  /** Adds to the lane's cap and returns the cap that the chain shows then, nanoTON. A lane that was to end ends all the same, unless `staysOpen`. */
  async raise (entry: PayerEntry, addNano: bigint, staysOpen = false): Promise<bigint> {
    const capNano = await this.#init.opener.raise(entry.state.id, entry.state.capNano, addNano)
    await this.exclusive(entry, async () => { await this.write(entry, { ...(staysOpen ? { ...entry.state, status: 'open' } : opened(entry.state)), capNano }) })
    return capNano
  }

  /** One writer at a time per lane. */
  async exclusive<T> (entry: PayerEntry, work: () => Promise<T>): Promise<T> {
    const turn = entry.queue.then(work)
    entry.queue = turn.catch(() => {})
    return turn
  }

  /** What was promised counts from here on, even when the write fails: nobody knows whether it reached the disk. */
  async write (entry: PayerEntry, state: PayerLane, also: readonly StoreWrite[] = []): Promise<void> {
    const before = entry.state
    entry.state = state
    try {
      await this.#init.store.commit([{ key: `lane/${hex(state.id.payee)}`, value: state }, this.#init.bookWrite(), ...also])
    } catch (err: unknown) {
      entry.state = { ...entry.state, finalisedNano: before.finalisedNano, jobs: new Map([...entry.state.jobs, ...before.jobs]) }
      throw err
    }
  }
}
