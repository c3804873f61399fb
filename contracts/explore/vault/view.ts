/** The vault's data cell, read without running the contract (`tolk/client-vault/storage.tolk`). */
import { Reader, hashmap } from '../cells.ts'
import type { RawCell } from '../cells.ts'

export interface LaneView {
  readonly capNano: bigint
  readonly paidNano: bigint
  readonly epoch: bigint
  /** Place of its counter. */
  readonly slot: number
  readonly keyIdx: number
  /** Pinned at opening, hex. */
  readonly key: string
  /** Unix seconds; 0: not unlocking. */
  readonly unlockAt: number
  readonly gasLeftNano: bigint
  readonly refunds: boolean
}

export interface VaultView {
  readonly lockedNano: bigint
  readonly feeAccruedNano: bigint
  /** By payee, hex. */
  readonly lanes: ReadonlyMap<string, LaneView>
  readonly lanesCount: number
  /** Bit i: counter i belongs to a lane. */
  readonly slots: bigint
  /** The counters that belong to no lane and are not zero. */
  readonly strayCounters: number
  readonly networkId: string
  readonly feeBps: number
  readonly owner: string
  readonly treasury: string
  readonly unlockSeconds: number
  readonly lastEpoch: bigint
  readonly operator: { readonly account: string, readonly dailyBudgetNano: bigint, readonly day: number, readonly spentNano: bigint }
  readonly signers: ReadonlyMap<number, { readonly key: string, readonly retired: boolean }>
}

const COUNTERS_PER_CELL = 21
const COUNTER_BITS = 48

function readCounters (root: RawCell): bigint[] {
  const out: bigint[] = []
  for (const cell of [root, ...root.refs]) {
    const reader = new Reader(cell)
    for (let i = 0; i < COUNTERS_PER_CELL; i++) {
      out.push(reader.big(COUNTER_BITS))
    }
  }
  return out
}

export function readVault (data: RawCell): VaultView {
  const r = new Reader(data)
  const lockedNano = r.coins()
  const feeAccruedNano = r.coins()
  const laneCells = hashmap(r.maybeNext(), 256)
  const counters = readCounters(r.next())
  const networkId = r.hex(32)
  const feeBps = r.uint(16)
  const c = new Reader(r.next())
  const owner = c.hex(32)
  const treasury = c.hex(32)
  const unlockSeconds = c.uint(32)
  const lastEpoch = c.big(64)
  const lanesCount = c.uint(8)
  const slots = c.big(112)
  const o = new Reader(c.next())
  const operator = { account: o.hex(32), dailyBudgetNano: o.coins(), day: o.uint(32), spentNano: o.coins() }
  const signers = new Map(hashmap(c.maybeNext(), 8).map(({ key, value }) => [Number(key), { key: value.hex(32), retired: value.flag() }]))
  const lanes = new Map<string, LaneView>()
  const used = new Set<number>()
  for (const { key, value } of laneCells) {
    const capNano = value.big(48)
    const slot = value.uint(8)
    used.add(slot)
    lanes.set(key.toString(16).padStart(64, '0'), {
      capNano,
      slot,
      paidNano: counters[slot] ?? -1n,
      epoch: value.big(64),
      keyIdx: value.uint(8),
      key: value.hex(32),
      unlockAt: value.uint(32),
      gasLeftNano: value.coins(),
      refunds: value.flag()
    })
  }
  const strayCounters = counters.filter((paid, slot) => paid !== 0n && !used.has(slot)).length
  return { lockedNano, feeAccruedNano, lanes, lanesCount, slots, strayCounters, networkId, feeBps, owner, treasury, unlockSeconds, lastEpoch, operator, signers }
}
