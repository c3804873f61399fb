import { CELL_TAGS, beginCell, bigOf, cellHash, loadBytes32, parseCell, readTag } from './cells.ts'
import type { TokenCounts } from './charge.ts'
import type { Cell } from '@ton/core'

export const TIERS = Object.freeze(['gold', 'silver', 'open', 'simulated'] as const)
export type Tier = typeof TIERS[number]

/** How a tier stands in cells: its place in {@link TIERS} plus one. */
export function tierToNumber (tier: Tier): number {
  return TIERS.indexOf(tier) + 1
}

/** @throws {RangeError} not a tier */
export function tierFromNumber (value: number): Tier {
  const tier = TIERS[value - 1]
  if (tier == null) {
    throw new RangeError('unknown tier')
  }
  return tier
}

/** The provider's signed account of one job; with a growing `seq` the checkpoints, the last of which is the receipt. */
export interface Receipt {
  readonly networkId: Uint8Array
  readonly stake: Uint8Array
  readonly vault: Uint8Array
  readonly payee: Uint8Array
  readonly laneEpoch: bigint
  readonly jobId: Uint8Array
  readonly seq: number
  readonly bindingHash: Uint8Array
  readonly tier: Tier
  readonly tokens: TokenCounts
  /** nanoTON. */
  readonly chargeNano: bigint
  readonly quoteHash: Uint8Array
  readonly mcSeqno: number
  readonly reqCommit: Uint8Array
  readonly ansCommit: Uint8Array
  /** Commits to logprobs at every position; zero for a job that cannot be audited. */
  readonly auditRoot: Uint8Array
}

/**
 * receipt#43435231 networkId:bits256 stake:bits256 jobId:bits256 seq:uint32 tier:uint8
 * ^[ vault:bits256 payee:bits256 laneEpoch:uint64 bindingHash:bits256 ]
 * ^[ tokens:(4 × uint32) charge:uint64 mcSeqno:uint32 quoteHash:bits256 ansCommit:bits256 ]
 * ^[ reqCommit:bits256 auditRoot:bits256 ]
 */
export function buildReceiptCell (receipt: Receipt): Cell {
  const { tokens } = receipt
  return beginCell()
    .storeUint(CELL_TAGS.receipt, 32)
    .storeUint(bigOf(receipt.networkId), 256)
    .storeUint(bigOf(receipt.stake), 256)
    .storeUint(bigOf(receipt.jobId), 256)
    .storeUint(receipt.seq, 32)
    .storeUint(tierToNumber(receipt.tier), 8)
    .storeRef(beginCell()
      .storeUint(bigOf(receipt.vault), 256)
      .storeUint(bigOf(receipt.payee), 256)
      .storeUint(receipt.laneEpoch, 64)
      .storeUint(bigOf(receipt.bindingHash), 256)
      .endCell())
    .storeRef(beginCell()
      .storeUint(tokens.prompt, 32)
      .storeUint(tokens.cached, 32)
      .storeUint(tokens.completion, 32)
      .storeUint(tokens.reasoning, 32)
      .storeUint(receipt.chargeNano, 64)
      .storeUint(receipt.mcSeqno, 32)
      .storeUint(bigOf(receipt.quoteHash), 256)
      .storeUint(bigOf(receipt.ansCommit), 256)
      .endCell())
    .storeRef(beginCell()
      .storeUint(bigOf(receipt.reqCommit), 256)
      .storeUint(bigOf(receipt.auditRoot), 256)
      .endCell())
    .endCell()
}

export function receiptHash (receipt: Receipt): Uint8Array {
  return cellHash(buildReceiptCell(receipt))
}

/** @throws {CocoonError} frame_too_large, frame_malformed */
export function parseReceipt (bytes: Uint8Array): Receipt {
  return parseCell(bytes, 'receipt', (slice) => {
    readTag(slice, CELL_TAGS.receipt)
    const networkId = loadBytes32(slice)
    const stake = loadBytes32(slice)
    const jobId = loadBytes32(slice)
    const seq = slice.loadUint(32)
    const tier = tierFromNumber(slice.loadUint(8))
    const lane = slice.loadRef().beginParse()
    const bill = slice.loadRef().beginParse()
    const commits = slice.loadRef().beginParse()
    return {
      networkId,
      stake,
      jobId,
      seq,
      tier,
      vault: loadBytes32(lane),
      payee: loadBytes32(lane),
      laneEpoch: lane.loadUintBig(64),
      bindingHash: loadBytes32(lane),
      tokens: { prompt: bill.loadUint(32), cached: bill.loadUint(32), completion: bill.loadUint(32), reasoning: bill.loadUint(32) },
      chargeNano: bill.loadUintBig(64),
      mcSeqno: bill.loadUint(32),
      quoteHash: loadBytes32(bill),
      ansCommit: loadBytes32(bill),
      reqCommit: loadBytes32(commits),
      auditRoot: loadBytes32(commits)
    }
  }, buildReceiptCell)
}
