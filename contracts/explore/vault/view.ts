/**
 * The vault's data cell, read without running the contract and without its wrapper (`storage.tolk` is the layout);
 * accounts and keys in hex, as the rules compare them.
 */
import { Reader, hashmap } from '../cells.ts'
import { must } from '../violation.ts'
import type { RawCell } from '../cells.ts'

const COUNTER_BITS = 48
const COUNTERS_PER_CELL = 21

export interface LaneView {
  readonly capNano: bigint
  readonly paidNano: bigint
  readonly epoch: bigint
  /** Place of its counter. */
  readonly slot: number
  readonly keyIdx: number
  /** Pinned at opening. */
  readonly key: string
  /** Unix seconds; 0: not unlocking. */
  readonly unlockAt: number
  readonly gasLeftNano: bigint
}

export interface VaultView {
  readonly lockedNano: bigint
  readonly feeAccruedNano: bigint
  /** By payee. */
  readonly lanes: ReadonlyMap<string, LaneView>
  readonly lanesCount: number
  /** Bit i: counter i belongs to a lane. */
  readonly slots: bigint
  readonly networkId: string
  readonly feeBps: number
  readonly owner: string
  readonly treasury: string
  readonly unlockSeconds: number
  readonly lastEpoch: bigint
  readonly operator: { readonly account: string, readonly dailyBudgetNano: bigint, readonly day: number, readonly spentNano: bigint }
  readonly signers: ReadonlyMap<number, { readonly key: string, readonly retired: boolean }>
}

export function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function account (key: bigint): string {
  return key.toString(16).padStart(64, '0')
}

function counterOf (root: RawCell, slot: number): bigint {
  const cell = slot < COUNTERS_PER_CELL ? root : root.refs[Math.floor(slot / COUNTERS_PER_CELL) - 1]
  return new Reader(cell).skip((slot % COUNTERS_PER_CELL) * COUNTER_BITS).big(COUNTER_BITS)
}

function readLane (r: Reader, paid: RawCell): LaneView {
  const capNano = r.big(48)
  const slot = r.uint(8)
  return {
    capNano,
    paidNano: counterOf(paid, slot),
    slot,
    epoch: r.big(64),
    keyIdx: r.uint(8),
    key: r.hex(32),
    unlockAt: r.uint(32),
    gasLeftNano: r.coins()
  }
}

/** Eight dictionaries, four in each half: each payee must lie in the one of its first three bits. */
function readLanes (halves: readonly Reader[], paid: RawCell): Map<string, LaneView> {
  const lanes = new Map<string, LaneView>()
  for (let at = 0; at < 8; at++) {
    for (const { key, value } of hashmap(halves[at >> 2].maybeNext(), 256)) {
      must(Number(key >> 253n) === at, 'consistency', () => `lane ${account(key)} lies in dictionary ${at}`)
      lanes.set(account(key), readLane(value, paid))
    }
  }
  return lanes
}

type Cold = Pick<VaultView, 'lastEpoch' | 'lanesCount' | 'slots' | 'owner' | 'operator' | 'treasury' | 'unlockSeconds' | 'signers'>

function readCold (r: Reader): Cold {
  const lastEpoch = r.big(64)
  const lanesCount = r.uint(8)
  const slots = r.big(112)
  const day = r.uint(32)
  const spentNano = r.coins()
  const owner = r.hex(32)
  const operator = { account: r.hex(32), dailyBudgetNano: r.coins(), day, spentNano }
  const terms = new Reader(r.next())
  const signers = new Map(hashmap(r.maybeNext(), 8).map(({ key, value }) => [Number(key), { key: value.hex(32), retired: value.flag() }]))
  return { lastEpoch, lanesCount, slots, owner, operator, treasury: terms.hex(32), unlockSeconds: terms.uint(32), signers }
}

export function readVault (data: RawCell): VaultView {
  const r = new Reader(data)
  const lockedNano = r.coins()
  const feeAccruedNano = r.coins()
  const halves = [new Reader(r.next()), new Reader(r.next())]
  const paid = r.next()
  const networkId = r.hex(32)
  const feeBps = r.uint(16)
  return {
    lockedNano,
    feeAccruedNano,
    networkId,
    feeBps,
    ...readCold(new Reader(r.next())),
    lanes: readLanes(halves, paid)
  }
}
