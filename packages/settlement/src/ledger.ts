import { decodeValue } from './store.ts'
import { hex } from './types.ts'
import type { KeyValue } from './store.ts'
import type { LaneId } from './types.ts'

/** One line of either side's books. */
export interface LedgerRow {
  readonly atMs: number
  /** `paid` for a job, `earned` by a job, `redeemed` from a lane */
  readonly kind: 'paid' | 'earned' | 'redeemed'
  readonly laneKey: string
  /** hex; empty where the row is not about one job: a redeem, or what two sides found to differ after a lost connection */
  readonly clientNonce: string
  /** gross, nanoTON; below 0 where less was used than had been booked */
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

/**
 * How often each job is in the last rows about one payee: once when it ended, again when a debt of it was paid.
 *
 * @param kv - an open payment store
 * @param lane - vault and payee; of all epochs
 * @param maxRows - rows that are looked at, newest first
 */
export async function paidJobs (kv: KeyValue, lane: Pick<LaneId, 'vault' | 'payee'>, maxRows: number): Promise<Map<string, number>> {
  const rows = await kv.values({ gte: LEDGER_PREFIX, lt: `${LEDGER_PREFIX}\uffff`, reverse: true, limit: maxRows }).all()
  const prefix = `${hex(lane.vault)}:${hex(lane.payee)}:`
  const counts = new Map<string, number>()
  for (const text of rows) {
    const row = decodeValue(text) as LedgerRow
    if (row.kind === 'paid' && row.laneKey.startsWith(prefix)) {
      counts.set(row.clientNonce, (counts.get(row.clientNonce) ?? 0) + 1)
    }
  }
  return counts
}
