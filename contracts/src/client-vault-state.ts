import { Dictionary } from '@ton/core'
import { bytes32Of } from './bytes.ts'
import type { Cell, DictionaryValue, Slice } from '@ton/core'

const COUNTERS_PER_CELL = 21
const COUNTER_BITS = 48

export interface VaultLaneState {
  readonly payee: Uint8Array
  readonly capNano: bigint
  readonly paidNano: bigint
  /** Unix milliseconds. */
  readonly epoch: bigint
  /** Place of its counter. */
  readonly slot: number
  readonly keyIdx: number
  /** The signer that the lane pinned when it opened. */
  readonly signerKey: Uint8Array
  /** Unix seconds; 0 while it does not unlock. */
  readonly unlockAt: number
  /** What redeems are still refunded while it unlocks. */
  readonly gasLeftNano: bigint
}

/** All that a vault's data cell holds. */
export interface ClientVaultState {
  readonly networkId: Uint8Array
  readonly owner: Uint8Array
  readonly treasury: Uint8Array
  readonly feeBps: number
  readonly unlockSeconds: number
  readonly lockedNano: bigint
  readonly feeAccruedNano: bigint
  readonly lastEpoch: bigint
  readonly lanesCount: number
  /** Bit i is set when counter i belongs to a lane. */
  readonly slots: bigint
  readonly operator: { readonly account: Uint8Array, readonly dailyBudgetNano: bigint, readonly day: number, readonly spentNano: bigint }
  readonly signers: ReadonlyMap<number, { readonly key: Uint8Array, readonly retired: boolean }>
  /** By payee. */
  readonly lanes: readonly VaultLaneState[]
}

function notWritten (): never {
  throw new Error('read only')
}

function readOnly<T> (parse: (slice: Slice) => T): DictionaryValue<T> {
  return { serialize: notWritten, parse }
}

function key (slice: Slice): Uint8Array {
  return bytes32Of(slice.loadUintBig(256))
}

function readCounter (root: Cell, slot: number): bigint {
  const cell = slot < COUNTERS_PER_CELL ? root : root.refs[Math.floor(slot / COUNTERS_PER_CELL) - 1]
  return cell.beginParse().skip((slot % COUNTERS_PER_CELL) * COUNTER_BITS).loadUintBig(COUNTER_BITS)
}

const LANE = readOnly(l => ({
  capNano: l.loadUintBig(48),
  slot: l.loadUint(8),
  epoch: l.loadUintBig(64),
  keyIdx: l.loadUint(8),
  signerKey: key(l),
  unlockAt: l.loadUint(32),
  gasLeftNano: l.loadCoins()
}))

/** One chain of lanes (`lanes.tolk`): each link leads to the next, the empty cell ends them. */
function * readChain (head: Cell): Iterable<[bigint, ReturnType<typeof LANE.parse>]> {
  for (let link = head; link.refs.length > 0; link = link.refs[0]) {
    const l = link.beginParse()
    yield [l.loadUintBig(256), LANE.parse(l)]
  }
}

/**
 * Reads a vault's data cell (`storage.tolk`).
 *
 * @throws {Error} it is no such cell
 */
export function parseClientVaultState (data: Cell): ClientVaultState {
  const s = data.beginParse()
  const lockedNano = s.loadCoins()
  const feeAccruedNano = s.loadCoins()
  const halves = [s.loadRef(), s.loadRef()]
  const paid = s.loadRef()
  const networkId = key(s)
  const feeBps = s.loadUint(16)
  const counts = halves[0].beginParse()
  const lastEpoch = counts.loadUintBig(64)
  const lanesCount = counts.loadUint(8)
  const slots = counts.loadUintBig(112)
  const day = counts.loadUint(32)
  const spentNano = counts.loadCoins()
  const c = s.loadRef().beginParse()
  const owner = key(c)
  const operator = { account: key(c), dailyBudgetNano: c.loadCoins(), day, spentNano }
  const terms = c.loadRef().beginParse()
  const signers = c.loadDict(Dictionary.Keys.Uint(8), readOnly(v => ({ key: key(v), retired: v.loadBit() })))
  const crowd = c.loadDict(Dictionary.Keys.BigUint(256), LANE)
  const chains = halves.flatMap(half => half.refs).flatMap(node => node.refs)
  const lanes = [...chains.flatMap(chain => [...readChain(chain)]), ...crowd]
    .map(([payee, lane]) => ({ payee: bytes32Of(payee), paidNano: readCounter(paid, lane.slot), ...lane }))
    .sort((a, b) => Buffer.compare(a.payee, b.payee))
  return {
    networkId,
    owner,
    treasury: key(terms),
    feeBps,
    unlockSeconds: terms.loadUint(32),
    lockedNano,
    feeAccruedNano,
    lastEpoch,
    lanesCount,
    slots,
    operator,
    signers: new Map([...signers]),
    lanes
  }
}
