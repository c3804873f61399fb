import { chargeNano, quoteHash } from '@cocoon-net/protocol'
import { START } from './fresh-chain.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'

/** Whose papers they are; 32 bytes each. */
export interface PapersOf { readonly networkId: Uint8Array, readonly stake: Uint8Array }

function bytes (byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}

/** A quote of a stake's guest. */
export function sampleQuote ({ networkId, stake }: PapersOf, changes: Partial<Quote> = {}): Quote {
  return {
    networkId,
    stake,
    model: bytes(7),
    prices: { prompt: 50_000_000n, cached: 12_500_000n, completion: 200_000_000n, reasoning: 300_000_000n },
    maxTokens: 4_096,
    windowNano: 1_000_000n,
    hedgeFeeNano: 2_000n,
    slaClass: 0,
    orderHash: bytes(0),
    validUntilMs: BigInt(START) * 1_000n,
    feeBps: 100,
    ...changes
  }
}

/** A receipt that charges exactly the quote, unless changed. */
export function sampleReceipt ({ networkId, stake }: PapersOf, quote: Quote, changes: Partial<Receipt> = {}): Receipt {
  const tokens = changes.tokens ?? { prompt: 1_001, cached: 17, completion: 321, reasoning: 5 }
  return {
    networkId,
    stake,
    vault: bytes(11),
    payee: bytes(12),
    laneEpoch: BigInt(START) * 1_000n,
    jobId: bytes(13),
    seq: 3,
    bindingHash: bytes(14),
    tier: 'silver',
    tokens,
    chargeNano: chargeNano(tokens, quote.prices),
    quoteHash: quoteHash(quote),
    mcSeqno: 99,
    reqCommit: bytes(15),
    ansCommit: bytes(16),
    auditRoot: bytes(17),
    ...changes
  }
}
