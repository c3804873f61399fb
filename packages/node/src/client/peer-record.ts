/** What a client remembers of one provider: exponentially weighted, so that old news fades. */
export interface PeerRecord {
  /** Time to the first token, milliseconds; undefined before the first success. */
  readonly ttftMs?: number
  readonly tokensPerSecond?: number
  /** Share of successes, from 0 to 1; a newcomer starts at 1. */
  readonly success: number
  /** Not before this time (unix ms) after failures in a row. */
  readonly restUntilMs: number
  readonly failuresInRow: number
}

export const NEW_PEER: PeerRecord = Object.freeze({ success: 1, restUntilMs: 0, failuresInRow: 0 })

const WEIGHT = 0.3
/** A failed provider rests for this long, doubled with every further failure up to 64 times. */
const REST_MS = 2_000

function blend (old: number | undefined, value: number): number {
  return old == null ? value : old + WEIGHT * (value - old)
}

export function recordSuccess (record: PeerRecord, init: { ttftMs: number, tokensPerSecond: number }): PeerRecord {
  return {
    ttftMs: blend(record.ttftMs, init.ttftMs),
    tokensPerSecond: init.tokensPerSecond > 0 ? blend(record.tokensPerSecond, init.tokensPerSecond) : record.tokensPerSecond,
    success: blend(record.success, 1),
    restUntilMs: 0,
    failuresInRow: 0
  }
}

export function recordFailure (record: PeerRecord, nowMs: number): PeerRecord {
  const failuresInRow = record.failuresInRow + 1
  return {
    ...record,
    success: blend(record.success, 0),
    failuresInRow,
    restUntilMs: nowMs + REST_MS * 2 ** Math.min(6, failuresInRow - 1)
  }
}

/** A provider without room rests for as long as one that failed once; its share of successes stays. */
export function recordBusy (record: PeerRecord, nowMs: number): PeerRecord {
  return { ...record, restUntilMs: Math.max(record.restUntilMs, nowMs + REST_MS) }
}
