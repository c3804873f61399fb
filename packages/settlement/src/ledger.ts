import { decodeValue } from './store.ts'
import type { KeyValue } from './store.ts'

/** One line of either side's books. */
export interface LedgerRow {
  readonly atMs: number
  /** `paid` for a job, `earned` by a job, `redeemed` from a lane */
  readonly kind: 'paid' | 'earned' | 'redeemed'
  readonly laneKey: string
  /** hex; empty where the row is not about one job */
  readonly clientNonce: string
  /** gross, nanoTON */
  readonly paidNano: bigint
}

const LEDGER_PREFIX = 'ledger/'

/** Keys sort in the order in which rows were written. */
export function ledgerKey (sequence: number): string {
  return `${LEDGER_PREFIX}${String(sequence).padStart(12, '0')}`
}

/** The number after the last row's. */
export async function nextLedgerSequence (kv: KeyValue): Promise<number> {
  const [last] = await kv.keys({ gte: LEDGER_PREFIX, lt: `${LEDGER_PREFIX}\uffff`, reverse: true, limit: 1 }).all()
  return last === undefined ? 0 : Number(last.slice(LEDGER_PREFIX.length)) + 1
}

/** All rows in a payment store that is open, oldest first. */
export async function readLedger (kv: KeyValue): Promise<LedgerRow[]> {
  const entries = await kv.iterator({ gte: LEDGER_PREFIX, lt: `${LEDGER_PREFIX}\uffff` }).all()
  return entries.map(([, text]) => decodeValue(text) as LedgerRow)
}
