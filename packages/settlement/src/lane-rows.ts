import { Store } from './store.ts'
import { hex, unhex } from './types.ts'
import type { LaneJob, LaneState, SettledJob } from './lane.ts'
import type { KeyValue, StoreWrite } from './store.ts'

/** A payee's lane as the disk has it. */
export interface StoredLane {
  readonly laneKey: string
  readonly state: LaneState
  /** the finished jobs that have rows of their own, as they are there */
  readonly rows: ReadonlyMap<string, SettledJob>
}

/** What every voucher changes is one short row; finished jobs, which few vouchers change, have one each. */
const LANE_PREFIX = 'lane/'
const SETTLED_PREFIX = 'settled/'
const NONE = '-'

function settledKey (laneKey: string, nonce: string): string {
  return `${SETTLED_PREFIX}${laneKey}/${nonce}`
}

/** Text of fixed fields and one more for each running job: it is written for each voucher, and has no use for names. */
function laneText (lane: LaneState): string {
  const { capNano, paidOnChainNano, unlockAt, gasLeftNano, cumulativeNano, finalisedNano } = lane
  const signature = lane.signature == null ? NONE : hex(lane.signature)
  let text = `${hex(lane.signerKey)} ${lane.chain} ${capNano} ${paidOnChainNano} ${unlockAt} ${gasLeftNano} ${cumulativeNano} ${signature} ${finalisedNano}`
  for (const [nonce, { allocatedNano, vestedNano, begun }] of lane.jobs) {
    text += ` ${nonce}:${allocatedNano}:${vestedNano}:${begun ? 1 : 0}`
  }
  return text
}

function jobOf (text: string): [string, LaneJob] {
  const [nonce, allocated, vested, begun] = text.split(':')
  return [nonce, { allocatedNano: BigInt(allocated), vestedNano: BigInt(vested), begun: begun === '1' }]
}

function laneOf (laneKey: string, text: string): Omit<LaneState, 'settled'> {
  const [vault, payee, epoch] = laneKey.split(':')
  const [signerKey, chain, cap, paid, unlockAt, gasLeft, cumulative, signature, finalised, ...jobs] = text.split(' ')
  return {
    id: { vault: unhex(vault), payee: unhex(payee), epoch: BigInt(epoch) },
    signerKey: unhex(signerKey),
    chain: chain as LaneState['chain'],
    capNano: BigInt(cap),
    paidOnChainNano: BigInt(paid),
    unlockAt: Number(unlockAt),
    gasLeftNano: BigInt(gasLeft),
    cumulativeNano: BigInt(cumulative),
    signature: signature === NONE ? null : unhex(signature),
    finalisedNano: BigInt(finalised),
    jobs: new Map(jobs.map(jobOf))
  }
}

/** The lane's row, and those of its finished jobs that the disk has otherwise. `orderMs` keeps them in the order in which they ended. */
export function laneWrites (laneKey: string, next: LaneState, rows: ReadonlyMap<string, SettledJob>, orderMs: number): StoreWrite[] {
  const writes: StoreWrite[] = [{ key: `${LANE_PREFIX}${laneKey}`, value: laneText(next) }]
  if (next.settled === rows) {
    return writes
  }
  for (const [nonce, job] of next.settled) {
    if (rows.get(nonce) !== job) {
      writes.push({ key: settledKey(laneKey, nonce), value: `${orderMs} ${job.chargeNano} ${job.paidNano}` })
    }
  }
  for (const nonce of rows.keys()) {
    if (!next.settled.has(nonce)) {
      writes.push({ key: settledKey(laneKey, nonce), value: null })
    }
  }
  return writes
}

/** What takes a lane off the disk. */
export function laneDeletes (laneKey: string, rows: ReadonlyMap<string, SettledJob>): StoreWrite[] {
  return [`${LANE_PREFIX}${laneKey}`, ...[...rows.keys()].map(nonce => settledKey(laneKey, nonce))].map(key => ({ key, value: null }))
}

function storedLane (laneKey: string, value: unknown, settled: ReadonlyMap<string, SettledJob>): StoredLane {
  // schema 1 has the whole state in one row
  const state = typeof value === 'string' ? { ...laneOf(laneKey, value), settled } : value as LaneState
  return { laneKey, state, rows: settled }
}

async function settledRows (store: Store, laneKey: string): Promise<ReadonlyMap<string, SettledJob>> {
  const prefix = settledKey(laneKey, '')
  const rows = (await store.list(prefix)).map(([key, value]) => {
    const [order, charge, paid] = (value as string).split(' ')
    return { order: Number(order), nonce: key.slice(prefix.length), job: { chargeNano: BigInt(charge), paidNano: BigInt(paid) } }
  })
  return new Map(rows.sort((a, b) => a.order - b.order).map(({ nonce, job }) => [nonce, job]))
}

/** One lane, or null where the disk has none. */
export async function readLane (kv: KeyValue, laneKey: string): Promise<StoredLane | null> {
  const store = new Store(kv)
  const value = await store.get(`${LANE_PREFIX}${laneKey}`)
  return value === undefined ? null : storedLane(laneKey, value, await settledRows(store, laneKey))
}

/** All lanes in a payee's payment store that is open. */
export async function readLanes (kv: KeyValue): Promise<StoredLane[]> {
  const store = new Store(kv)
  return Promise.all((await store.list(LANE_PREFIX)).map(async ([key, value]) => {
    const laneKey = key.slice(LANE_PREFIX.length)
    return storedLane(laneKey, value, await settledRows(store, laneKey))
  }))
}
