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

const CHAIN_LINKS = 8

/** One chain of lanes: each link must lead to one further from the empty cell, and be marked in its node. */
function readChain (head: RawCell, at: number, marks: bigint, paid: RawCell, lanes: Map<string, LaneView>): void {
  let links = 0
  for (let link = head; link.refs.length > 0; link = link.refs[0]) {
    const r = new Reader(link)
    const payee = r.big(256)
    const lane = readLane(r, paid)
    must(link.refs.length === 1 && r.bitsLeft === 0, 'consistency', () => `the link of ${account(payee)} has more than a lane`)
    must(Number(payee >> 251n) === at, 'consistency', () => `lane ${account(payee)} lies in chain ${at}`)
    must((marks >> ((payee >> 245n) & 255n) & 1n) === 1n, 'consistency', () => `lane ${account(payee)} is not marked`)
    must(!lanes.has(account(payee)), 'consistency', () => `lane ${account(payee)} is there twice`)
    lanes.set(account(payee), lane)
    links++
  }
  must(links <= CHAIN_LINKS, 'consistency', () => `chain ${at} has ${links} links`)
}

/** Two halves of four nodes of four chains, and the lanes for which those had no place. */
function readLanes (halves: readonly RawCell[], crowd: RawCell | undefined, paid: RawCell): Map<string, LaneView> {
  const lanes = new Map<string, LaneView>()
  const nodes = halves.flatMap(half => half.refs).map(node => ({ marks: new Reader(node).big(256), chains: node.refs }))
  must(nodes.length === 8 && nodes.every(node => node.chains.length === 4), 'consistency', () => 'the table is not whole')
  const beyond = hashmap(crowd, 256)
  nodes.forEach(({ marks, chains }, i) => {
    chains.forEach((chain, j) => {
      readChain(chain, i * 4 + j, marks, paid, lanes)
      const marked = (marks >> BigInt(j * 64)) & ((1n << 64n) - 1n)
      must(marked === 0n || chain.refs.length > 0 || beyond.some(({ key }) => Number(key >> 251n) === i * 4 + j), 'consistency', () => `chain ${i * 4 + j} is empty and marked`)
    })
  })
  for (const { key, value } of beyond) {
    must((nodes[Number(key >> 253n)].marks >> ((key >> 245n) & 255n) & 1n) === 1n, 'consistency', () => `lane ${account(key)} is not marked`)
    must(!lanes.has(account(key)), 'consistency', () => `lane ${account(key)} is there twice`)
    lanes.set(account(key), readLane(value, paid))
  }
  return lanes
}

interface Cold extends Pick<VaultView, 'owner' | 'treasury' | 'unlockSeconds' | 'signers'> {
  readonly operator: Pick<VaultView['operator'], 'account' | 'dailyBudgetNano'>
  readonly crowd: RawCell | undefined
}

function readCold (r: Reader): Cold {
  const owner = r.hex(32)
  const operator = { account: r.hex(32), dailyBudgetNano: r.coins() }
  const terms = new Reader(r.next())
  const signers = new Map(hashmap(r.maybeNext(), 8).map(({ key, value }) => [Number(key), { key: value.hex(32), retired: value.flag() }]))
  return { owner, operator, treasury: terms.hex(32), unlockSeconds: terms.uint(32), signers, crowd: r.maybeNext() }
}

export function readVault (data: RawCell): VaultView {
  const r = new Reader(data)
  const lockedNano = r.coins()
  const feeAccruedNano = r.coins()
  const halves = [r.next(), r.next()]
  const paid = r.next()
  const networkId = r.hex(32)
  const feeBps = r.uint(16)
  const { crowd, operator, ...cold } = readCold(new Reader(r.next()))
  const counts = new Reader(halves[0])
  return {
    lockedNano,
    feeAccruedNano,
    networkId,
    feeBps,
    ...cold,
    lastEpoch: counts.big(64),
    lanesCount: counts.uint(8),
    slots: counts.big(112),
    operator: { ...operator, day: counts.uint(32), spentNano: counts.coins() },
    lanes: readLanes(halves, crowd, paid)
  }
}
