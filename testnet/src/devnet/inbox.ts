import { CocoonError, concat, sha256, u64be, utf8 } from '@cocoon-net/protocol'
import { MAX_PENDING } from './constants.ts'
import type { Ledger } from './ledger.ts'
import type { ChainStore, PendingRecord } from './store.ts'

export interface Faults {
  /** How long an accepted message waits before it is executed. */
  readonly messageDelayMs: number
  /** Share of the accepted messages that are never executed, 0 to 1. */
  readonly lossRate: number
}

export interface InboxInit extends Faults {
  readonly ledger: Ledger
  readonly store: ChainStore
  /** 0: a message is executed as it comes. */
  readonly blockIntervalMs: number
  /** Decides which messages are lost: the same seed and order, the same losses. */
  readonly seed: string
  now (): number
  /** Told of failures that no caller waits for. */
  onError (error: unknown): void
}

/**
 * Where external messages arrive. Without faults and without a block interval a message is executed at once, and refused
 * to its sender's face; otherwise it is tried on a copy, put on disk, acknowledged, and executed when its time comes, as
 * on a real chain. A lost one is acknowledged too.
 */
export class Inbox {
  readonly #init: InboxInit
  readonly #pending: PendingRecord[] = []
  #faults: Faults
  #received = 0n
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor (init: InboxInit) {
    this.#init = init
    this.#faults = { messageDelayMs: init.messageDelayMs, lossRate: init.lossRate }
  }

  get faults (): Faults {
    return this.#faults
  }

  setFaults (faults: Faults): void {
    this.#faults = faults
  }

  async start (): Promise<void> {
    this.#pending.push(...await this.#init.store.pending())
    this.#schedule()
  }

  async stop (): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Forgets what waits: the chain was taken back. */
  clear (): void {
    this.#pending.length = 0
  }

  /** @throws {CocoonError} chain_rejected, rate_limited (too many wait) */
  async send (boc: string): Promise<void> {
    const { ledger, store, now, blockIntervalMs } = this.#init
    const { messageDelayMs, lossRate } = this.#faults
    if (blockIntervalMs === 0 && messageDelayMs === 0 && lossRate === 0) {
      await ledger.apply({ kind: 'external', boc }, { atMs: now() })
      return
    }
    const number = this.#received++
    await ledger.dryRun(boc, { nowMs: now() })
    if (this.#isLost(number, lossRate)) {
      return
    }
    if (blockIntervalMs === 0 && messageDelayMs === 0) {
      await ledger.apply({ kind: 'external', boc }, { atMs: now() })
      return
    }
    if (this.#pending.length >= MAX_PENDING) {
      throw new CocoonError('rate_limited', 'too many messages wait already')
    }
    const dueAtMs = now() + messageDelayMs
    const key = `pending/${String(dueAtMs).padStart(15, '0')}/${String(number).padStart(10, '0')}`
    const record = { key, boc, dueAtMs }
    await store.addPending(record)
    this.#pending.push(record)
    this.#schedule()
  }

  #isLost (number: bigint, lossRate: number): boolean {
    if (lossRate === 0) {
      return false
    }
    const draw = sha256(concat(utf8(`cocoon/devnet/loss/v1\0${this.#init.seed}\0`), u64be(number)))
    return new DataView(draw.buffer, draw.byteOffset).getUint32(0) / 2 ** 32 < lossRate
  }

  #schedule (): void {
    if (this.#stopped) {
      return
    }
    const { blockIntervalMs, now } = this.#init
    if (blockIntervalMs > 0) {
      this.#timer ??= setTimeout(() => { this.#wake() }, blockIntervalMs)
      return
    }
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length > 0) {
      const first = this.#pending.reduce((least, record) => Math.min(least, record.dueAtMs), Infinity)
      this.#timer = setTimeout(() => { this.#wake() }, Math.max(1, first - now()))
    }
  }

  #wake (): void {
    this.#timer = undefined
    this.#running = this.#running
      .then(async () => { await this.#deliver() })
      .catch((error: unknown) => { this.#init.onError(error) })
      .then(() => { this.#schedule() })
  }

  async #deliver (): Promise<void> {
    const { ledger, store, now, blockIntervalMs } = this.#init
    const atMs = now()
    const due = this.#pending.filter(record => record.dueAtMs <= atMs)
    for (const record of due) {
      const index = this.#pending.indexOf(record)
      if (this.#stopped || index < 0) {
        continue
      }
      this.#pending.splice(index, 1)
      try {
        await ledger.apply({ kind: 'external', boc: record.boc }, { atMs: now(), pendingKey: record.key })
      } catch (error) {
        if (!(error instanceof CocoonError) || error.code !== 'chain_rejected') {
          throw error
        }
        // As on a real chain: it was acceptable when it came, it is not any more.
        await store.dropPending(record.key)
      }
    }
    if (blockIntervalMs > 0 && due.length === 0 && !this.#stopped) {
      await ledger.apply(null, { atMs: now() })
    }
  }
}
