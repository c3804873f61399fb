import { debtNano, redeemableNano } from './lane.ts'
import type { LaneState } from './lane.ts'

/** One lane of a payee's table, as far as the question goes which of them must make room. */
export interface TableRow {
  readonly key: string
  readonly state: LaneState
  /** who opened the lane's stream last */
  readonly peer: string
  /** unix milliseconds of the last open, voucher or job */
  readonly usedMs: number
}

export interface TableBounds {
  readonly maxLanes: number
  /** lanes that are not funded on chain and that one peer may hold; names are free, funds are not */
  readonly maxUnfundedPerPeer: number
}

/**
 * What may go first. Higher ranks are kept longer; null is never let go: it holds a voucher that the chain will pay, or
 * a job that runs.
 */
export function evictionRank (state: LaneState): number | null {
  const running = [...state.jobs.values()].some(job => job.begun)
  if (running || redeemableNano(state) > 0n) {
    return null
  }
  const served = state.finalisedNano > 0n || debtNano(state) > 0n
  if (state.chain === 'confirmed') {
    // funded and idle: nothing is lost, the record stays on disk and comes back with the next open
    return 2
  }
  if (state.chain === 'ended') {
    return debtNano(state) > 0n ? 3 : 0
  }
  // unfunded: nothing delivered on it costs nothing to forget; first-contact credit was used up otherwise
  return served ? 3 : 1
}

/** Whether a lane that makes room must be found on disk when it is opened again. */
export function isKeptOnDisk (state: LaneState): boolean {
  return (evictionRank(state) ?? 2) >= 2
}

function unfundedBy (rows: readonly TableRow[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { state, peer } of rows) {
    if (state.chain === 'unconfirmed') {
      counts.set(peer, (counts.get(peer) ?? 0) + 1)
    }
  }
  return counts
}

/** The row to let go: lowest rank, then of the peer with most unfunded lanes, then idle longest. */
function leastUseful (rows: readonly TableRow[], counts: ReadonlyMap<string, number>): TableRow | null {
  let best: { row: TableRow, order: readonly number[] } | null = null
  for (const row of rows) {
    const rank = evictionRank(row.state)
    if (rank == null) {
      continue
    }
    const order = [rank, -(counts.get(row.peer) ?? 0), row.usedMs]
    if (best == null || compare(order, best.order) < 0) {
      best = { row, order }
    }
  }
  return best?.row ?? null
}

function compare (a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i])
  return at === -1 ? 0 : a[at] - b[at]
}

export type Room = { readonly kind: 'free' } | { readonly kind: 'evict', readonly key: string } | { readonly kind: 'full' }

/**
 * Where a new lane can go: `free`, in the place of another lane, or nowhere. A peer at its own bound of unfunded lanes
 * replaces one of its own, so that one stranger cannot push out another's. Pure.
 */
export function roomFor (rows: readonly TableRow[], opened: Pick<TableRow, 'state' | 'peer'>, bounds: TableBounds): Room {
  const { peer, state } = opened
  const counts = unfundedBy(rows)
  const isAtOwnBound = state.chain === 'unconfirmed' && (counts.get(peer) ?? 0) >= bounds.maxUnfundedPerPeer
  if (!isAtOwnBound && rows.length < bounds.maxLanes) {
    return { kind: 'free' }
  }
  const candidates = isAtOwnBound ? rows.filter(row => row.peer === peer && row.state.chain === 'unconfirmed') : rows
  const victim = leastUseful(candidates, counts)
  return victim == null ? { kind: 'full' } : { kind: 'evict', key: victim.key }
}
