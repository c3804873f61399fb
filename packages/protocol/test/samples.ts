import { createHash } from 'node:crypto'
import type { Binding, Delegation, LaneClose, Offer, Quote, Receipt, Voucher } from '../src/index.ts'

/** 32 bytes that stand for `label`. */
export function bytes32 (label: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`sample/${label}`).digest())
}

export function bytes64 (label: string): Uint8Array {
  return new Uint8Array(createHash('sha512').update(`sample/${label}`).digest())
}

export const voucher: Voucher = {
  networkId: bytes32('network'),
  vault: bytes32('vault'),
  payee: bytes32('payee'),
  epoch: 1_760_000_000_123n,
  cumulative: 12_345_678n
}

/** The same facts as the voucher's, in another kind of cell. */
export const close: LaneClose = voucher

export const delegation: Delegation = {
  networkId: bytes32('network'),
  stake: bytes32('stake'),
  receiptKey: bytes32('receipt key'),
  notAfter: 1_770_000_000n
}

export const quote: Quote = {
  networkId: bytes32('network'),
  stake: bytes32('stake'),
  model: bytes32('model'),
  prices: { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 210_000_000n },
  maxTokens: 4_096,
  windowNano: 1_000_000n,
  hedgeFeeNano: 7n,
  slaClass: 2,
  orderHash: new Uint8Array(32),
  validUntilMs: 1_760_000_600_000n,
  feeBps: 100
}

export const receipt: Receipt = {
  networkId: bytes32('network'),
  stake: bytes32('stake'),
  vault: bytes32('vault'),
  payee: bytes32('payee'),
  laneEpoch: 1_760_000_000_123n,
  jobId: bytes32('job'),
  seq: 3,
  bindingHash: bytes32('binding'),
  tier: 'simulated',
  tokens: { prompt: 20, cached: 4, completion: 100, reasoning: 8 },
  chargeNano: 22_700n,
  quoteHash: bytes32('quote'),
  mcSeqno: 77,
  reqCommit: bytes32('request'),
  ansCommit: bytes32('answer'),
  auditRoot: new Uint8Array(32)
}

export const binding: Binding = {
  v: 1,
  networkId: bytes32('network'),
  role: 'provider',
  peerKey: bytes32('peer key'),
  hpkeKeys: [{ kem: 0x647a, key: bytes64('hpke key') }],
  receiptKey: bytes32('receipt key'),
  stake: bytes32('stake'),
  payee: bytes32('payee'),
  models: [bytes32('model')],
  runtimeConfigDigest: bytes32('runtime'),
  beacon: { seqno: 77, rootHash: bytes32('block'), atMs: 1_760_000_000_000 },
  notAfterMs: 1_760_010_000_000,
  evidenceKind: 'simulated',
  gpuDigest: null
}

export const offer: Offer = {
  v: 1,
  networkId: bytes32('network'),
  peerId: bytes32('peer'),
  addresses: [bytes32('address')],
  model: { name: 'demo', digest: bytes32('model'), tokenizerDigest: bytes32('tokenizer'), quantization: 'f16' },
  contextLength: 2_048,
  endpoints: ['chat', 'completions'],
  tier: 'simulated',
  noIds: false,
  resumable: true,
  bindingHash: bytes32('binding'),
  receiptKey: bytes32('receipt key'),
  payee: bytes32('payee'),
  stake: bytes32('stake'),
  delegation: null,
  quote: bytes64('quote'),
  quoteSignature: bytes64('signature'),
  room: { total: 4, free: 2 },
  draining: false,
  seq: 1_760_000_000_000,
  validUntilMs: 1_760_000_060_000
}
