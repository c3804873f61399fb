import { CocoonError } from '@cocoon-net/protocol'
import { MAX_LANES, MAX_UNFUNDED_PER_PEER } from './constants.ts'
import { endedByClose } from './lane-close.ts'
import { inheritDebts } from './lane-debts.ts'
import { laneDeletes, laneWrites, readLane, readLanes } from './lane-rows.ts'
import { isKeptOnDisk, roomFor } from './lane-table.ts'
import { chainUpdate, debtNano, exposureNano, newLane, recoverJobs, vestJob } from './lane.ts'
import { ledgerKey, nextLedgerSequence } from './ledger.ts'
import { hex, laneKeyOf } from './types.ts'
import type { Clock } from './clock.ts'
import type { CloseBook } from './close-book.ts'
import type { LaneState, SettledJob } from './lane.ts'
import type { LedgerRow } from './ledger.ts'
import type { KeyValue, Store, StoreWrite } from './store.ts'
import type { TonPort } from './ton-port.ts'
import type { LaneId } from './types.ts'

export interface ProviderEntry {
  readonly laneKey: string
  /** on disk: what tokens may leave on */
  state: LaneState
  /** with the transitions whose writes are under way; each transition starts from it */
  ahead: LaneState
  /** finished jobs as the disk has them */
  rows: ReadonlyMap<string, SettledJob>
  /** what each running job's delivered tokens have cost, folded into the states when one is written */
  readonly delivered: Map<string, bigint>
  readonly waiters: Set<() => void>
  refreshing: boolean
  /** who opened its pay stream last */
  peer: string
  /** unix milliseconds of the last open, voucher or job */
  usedMs: number
  /** redeems in a row that did not come through, and when the next may be sent */
  failures: number
  retryAtMs: number
}

export interface ProviderLanesInit {
  readonly store: Store
  readonly kv: KeyValue
  readonly clock: Clock
  readonly port: TonPort
  readonly minLaneCapNano: bigint
  /** the lanes whose end both sides have signed */
  readonly closes?: Pick<CloseBook, 'get'>
}

const BOUNDS = Object.freeze({ maxLanes: MAX_LANES, maxUnfundedPerPeer: MAX_UNFUNDED_PER_PEER })

function newEntry (state: LaneState, rows: ProviderEntry['rows'] = new Map()): ProviderEntry {
  return {
    laneKey: laneKeyOf(state.id), state, ahead: state, rows, delivered: new Map(), waiters: new Set(), refreshing: false, peer: '', usedMs: 0, failures: 0, retryAtMs: 0
  }
}

export function withDeliveries (state: LaneState, delivered: ReadonlyMap<string, bigint>): LaneState {
  let next = state
  for (const [nonce, vestedNano] of delivered) {
    next = vestJob(next, nonce, vestedNano)
  }
  return next
}

function chainView (state: LaneState): string {
  return [state.chain, state.capNano, state.paidOnChainNano, state.unlockAt, state.gasLeftNano].join(' ')
}

/** A payee's lanes: a state on disk and one ahead of it for each, in a table of bounded size. */
export class ProviderLanes {
  readonly #init: ProviderLanesInit
  readonly #entries = new Map<string, ProviderEntry>()
  readonly #byVault = new Map<string, Set<ProviderEntry>>()
  #sequence = 0

  constructor (init: ProviderLanesInit) {
    this.#init = init
  }

  async load (): Promise<void> {
    const writes: StoreWrite[] = []
    this.#sequence = await nextLedgerSequence(this.#init.kv)
    for (const { laneKey, state: before, rows } of await readLanes(this.#init.kv)) {
      const state = recoverJobs(before)
      this.#insert(newEntry(state, state.settled))
      if (state.settled !== rows) {
        writes.push(...laneWrites(laneKey, state, rows, this.#init.clock.nowMs()))
      }
      for (const nonce of before.jobs.keys()) {
        writes.push(...this.earnedRows(state, nonce))
      }
    }
    if (writes.length > 0) {
      await this.#init.store.commit(writes)
    }
  }

  clear (): void {
    this.#entries.clear()
    this.#byVault.clear()
  }

  get size (): number {
    return this.#entries.size
  }

  all (): ProviderEntry[] {
    return [...this.#entries.values()]
  }

  get (laneKey: string): ProviderEntry | undefined {
    return this.#entries.get(laneKey)
  }

  /** @throws {CocoonError} lane_unknown */
  entry (laneKey: string): ProviderEntry {
    const entry = this.#entries.get(laneKey)
    if (entry == null) {
      throw new CocoonError('lane_unknown', 'open the lane first')
    }
    return entry
  }

  ofVault (vault: Uint8Array): Iterable<ProviderEntry> {
    return this.#byVault.get(hex(vault)) ?? []
  }

  /** What the vault's jobs cost above what the chain backs, with their debts, nanoTON. */
  vaultExposureNano (vault: Uint8Array): bigint {
    let exposed = 0n
    for (const { state, delivered } of this.ofVault(vault)) {
      exposed += exposureNano(withDeliveries(state, delivered)) + debtNano(state)
    }
    return exposed
  }

  /** The lane in the table, the one that made room and is on disk, or a new one that has no place yet. */
  async find (id: LaneId, signerKey: Uint8Array): Promise<ProviderEntry> {
    const laneKey = laneKeyOf(id)
    const stored = this.#entries.has(laneKey) ? null : await readLane(this.#init.kv, laneKey)
    return this.#entries.get(laneKey) ?? (stored == null ? newEntry(newLane(id, signerKey)) : newEntry(recoverJobs(stored.state), stored.rows))
  }

  /**
   * Gives a lane its place in the table; debts of lanes of the vault that have ended go with it.
   *
   * @throws {CocoonError} no_room
   */
  async admit (opened: ProviderEntry, peer: string): Promise<ProviderEntry> {
    const known = this.#entries.get(opened.laneKey)
    const entry = known ?? opened
    const writes = known == null ? [this.#makeRoom(opened, peer)] : []
    entry.peer = peer
    entry.usedMs = this.#init.clock.nowMs()
    this.#insert(entry)
    for (const other of this.ofVault(entry.state.id.vault)) {
      const owed = other.ahead
      // the vault has one lane per payee: an earlier one has ended when a later one is on chain
      const hasEnded = owed.chain === 'ended' || (entry.ahead.chain === 'confirmed' && owed.id.epoch < entry.ahead.id.epoch)
      if (other !== entry && hasEnded && debtNano(owed) > 0n) {
        // one flush: a debt is never on both lanes, nor on none
        writes.push(
          this.transition(entry, state => inheritDebts(state, owed).to),
          this.transition(other, state => inheritDebts(entry.ahead, state).from)
        )
      }
    }
    await Promise.all(writes)
    return entry
  }

  /**
   * Resolves when the lane that makes room is off the disk too.
   *
   * @throws {CocoonError} no_room, at once
   */
  #makeRoom (opened: ProviderEntry, peer: string): Promise<void> {
    const rows = this.all().map(({ laneKey, ahead, peer, usedMs }) => ({ key: laneKey, state: ahead, peer, usedMs }))
    const room = roomFor(rows, { state: opened.ahead, peer }, BOUNDS)
    if (room.kind === 'full') {
      throw new CocoonError('no_room', 'every lane that is followed is owed or in use')
    }
    const leaving = room.kind === 'evict' ? this.#entries.get(room.key) : undefined
    if (leaving == null) {
      return Promise.resolve()
    }
    this.#remove(leaving)
    return isKeptOnDisk(leaving.ahead) ? Promise.resolve() : this.#init.store.commit(laneDeletes(leaving.laneKey, leaving.rows))
  }

  #insert (entry: ProviderEntry): void {
    const vault = hex(entry.state.id.vault)
    this.#entries.set(entry.laneKey, entry)
    this.#byVault.set(vault, (this.#byVault.get(vault) ?? new Set()).add(entry))
  }

  #remove (entry: ProviderEntry): void {
    const vault = hex(entry.state.id.vault)
    const others = this.#byVault.get(vault)
    this.#entries.delete(entry.laneKey)
    others?.delete(entry)
    if (others?.size === 0) {
      this.#byVault.delete(vault)
    }
  }

  /** One transition, on disk when it resolves; rejects with what `apply` throws. */
  async transition (entry: ProviderEntry, apply: (state: LaneState) => LaneState): Promise<void> {
    await this.write(entry, this.advance(entry, apply))
  }

  /** Applies a transition to the newest state; throws what `apply` throws, and then nothing has changed. */
  advance (entry: ProviderEntry, apply: (state: LaneState) => LaneState): LaneState {
    entry.ahead = apply(withDeliveries(entry.ahead, entry.delivered))
    return entry.ahead
  }

  /** Tokens may leave on `next` once it is on disk. Writes of many jobs share one flush, and land in the order of the calls. */
  async write (entry: ProviderEntry, next: LaneState, also: readonly StoreWrite[] = []): Promise<void> {
    const writes = laneWrites(entry.laneKey, next, entry.rows, this.#init.clock.nowMs())
    writes.push(...also)
    await this.#init.store.commit(writes)
    entry.state = next
    entry.rows = next.settled
    for (const wake of [...entry.waiters]) {
      wake()
    }
  }

  /** The books' line about a finished job, if it earned anything. */
  earnedRows (state: LaneState, nonce: string): StoreWrite[] {
    const paidNano = state.settled.get(nonce)?.paidNano ?? 0n
    return paidNano > 0n ? [this.row(state, 'earned', nonce, paidNano)] : []
  }

  row (state: LaneState, kind: LedgerRow['kind'], clientNonce: string, paidNano: bigint): StoreWrite {
    const row: LedgerRow = { atMs: this.#init.clock.nowMs(), kind, laneKey: laneKeyOf(state.id), clientNonce, paidNano }
    return { key: ledgerKey(this.#sequence++), value: row }
  }

  /**
   * Takes what the chain shows of the lane.
   *
   * @throws {CocoonError} chain_unavailable, chain_disagrees, lane_cap_too_small, voucher_bad_signature
   */
  async refresh (entry: ProviderEntry): Promise<void> {
    const { port, minLaneCapNano } = this.#init
    const { vault, payee } = entry.state.id
    const seen = await port.readLane(vault, payee)
    const signerKey = seen == null ? null : await port.readSigner(vault, seen.keyIdx)
    const close = this.#init.closes?.get(entry.laneKey)
    const apply = (state: LaneState): LaneState => {
      const updated = chainUpdate(state, seen, signerKey, minLaneCapNano)
      return close === undefined ? updated : endedByClose(state, updated, close.sumNano, this.#init.clock.nowMs())
    }
    const changed = apply(entry.state)
    if (this.#entries.get(entry.laneKey) !== entry) {
      // not admitted yet: a lane that is refused takes no place on disk
      entry.state = changed
      entry.ahead = changed
    } else if (chainView(changed) !== chainView(entry.state)) {
      const before = entry.ahead
      const next = this.advance(entry, apply)
      const redeemedNano = next.paidOnChainNano - before.paidOnChainNano
      const rows = redeemedNano > 0n ? [this.row(next, 'redeemed', '', redeemedNano)] : []
      await this.write(entry, next, [...this.debtRows(before, next, before.settled.keys()), ...rows])
    }
  }

  /** The books' lines about finished jobs whose debts were paid. */
  debtRows (before: LaneState, next: LaneState, nonces: Iterable<string>): StoreWrite[] {
    return next.settled === before.settled
      ? []
      : [...nonces].flatMap(nonce => {
          const paidNano = (next.settled.get(nonce)?.paidNano ?? 0n) - (before.settled.get(nonce)?.paidNano ?? 0n)
          return paidNano > 0n ? [this.row(next, 'earned', nonce, paidNano)] : []
        })
  }
}
