import { LRUCache } from 'lru-cache'
import { NEW_PEER, recordBusy, recordFailure, recordSuccess } from './peer-record.ts'
import type { PeerRecord } from './peer-record.ts'

/** Peers remembered; the one heard of longest ago makes room. */
const MAX_RECORDS = 1_024

/** What a client remembers of the providers that it used, by peer in hex. */
export interface PeerMemory {
  get(peer: string): PeerRecord | undefined
  succeeded(peer: string, init: { ttftMs: number, tokensPerSecond: number }): void
  failed(peer: string): void
  /** It had no room, which is no fault. */
  busy(peer: string): void
}

export function createPeerMemory (now: () => number): PeerMemory {
  const records = new LRUCache<string, PeerRecord>({ max: MAX_RECORDS })
  const note = (peer: string, update: (record: PeerRecord) => PeerRecord): void => {
    records.set(peer, update(records.get(peer) ?? NEW_PEER))
  }
  return {
    get: (peer) => records.get(peer),
    succeeded: (peer, init) => { note(peer, (record) => recordSuccess(record, init)) },
    failed: (peer) => { note(peer, (record) => recordFailure(record, now())) },
    busy: (peer) => { note(peer, (record) => recordBusy(record, now())) }
  }
}
