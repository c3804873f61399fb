import { buildQuoteCell, buildReceiptCell } from '@cocoon-net/protocol'
import { beginCell } from '@ton/core'
import { uint256Of } from './bytes.ts'
import { PROVIDER_STAKE_OPS as OPS } from './provider-stake-ids.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'
import type { Builder, Cell } from '@ton/core'

/** A receipt with the receipt key's signature over its hash. */
export interface SignedReceipt { readonly receipt: Receipt, readonly signature: Uint8Array }

/** A quote with the same key's signature over its hash. */
export interface SignedQuote { readonly quote: Quote, readonly signature: Uint8Array }

/** The owner's word for a receipt key: the signature is over the hash of the protocol's delegation cell. */
export interface StakeDelegation {
  readonly receiptKey: Uint8Array
  /** Unix seconds. */
  readonly notAfter: bigint
  readonly signature: Uint8Array
}

function op (code: number): Builder {
  return beginCell().storeUint(code, 32)
}

function signed (builder: Builder, signature: Uint8Array): Builder {
  if (signature.byteLength !== 64) {
    throw new RangeError('a signature has 64 bytes')
  }
  return builder.storeBuffer(Buffer.from(signature))
}

/** The bill in full; the parts that no check reads by their hash only, which makes the message a third smaller. */
function claim ({ receipt, signature }: SignedReceipt): Cell {
  const [lane, bill, commits] = buildReceiptCell(receipt).refs
  const proof = signed(beginCell().storeBuffer(commits.hash()), signature).endCell()
  // the tier ends the root's bits
  const tier = buildReceiptCell(receipt).beginParse().skip(832).loadUint(8)
  return beginCell().storeUint(tier, 8).storeBuffer(lane.hash()).storeSlice(bill.beginParse()).storeRef(proof).endCell()
}

function evidence (code: number, delegation: StakeDelegation, receipt: Receipt): Builder {
  return op(code)
    .storeUint(uint256Of(delegation.receiptKey), 256)
    .storeUint(uint256Of(receipt.jobId), 256)
    .storeUint(receipt.seq, 32)
    .storeRef(signed(beginCell().storeUint(delegation.notAfter, 64), delegation.signature).endCell())
}

/** Bodies of the messages a stake takes. Amounts are nanoTON; all but the slashes are the owner wallet's. */
export const providerStakeBodies = Object.freeze({
  /** The message's value must hold the amount, 0.1 TON of reserve when that lacks, and gas; the rest comes back. */
  deposit: (amountNano: bigint): Cell => op(OPS.deposit).storeCoins(amountNano).endCell(),
  /** Starts the delay, for all that unbonds, anew. */
  unbond: (amountNano: bigint): Cell => op(OPS.unbond).storeCoins(amountNano).endCell(),
  rebond: (): Cell => op(OPS.rebond).endCell(),
  withdraw: (): Cell => op(OPS.withdraw).endCell(),
  /** Anyone: two receipts of one job and checkpoint, signed by one key, that differ in tokens, charge or answer. */
  slashContradiction: (init: { delegation: StakeDelegation, first: SignedReceipt, second: SignedReceipt }): Cell =>
    evidence(OPS.slashContradiction, init.delegation, init.first.receipt)
      .storeRef(claim(init.first))
      .storeRef(claim(init.second))
      .endCell(),
  /** Anyone: a receipt that charges more than the quote it names, both signed by one key. */
  slashOvercharge: (init: { delegation: StakeDelegation, claim: SignedReceipt, quote: SignedQuote }): Cell =>
    evidence(OPS.slashOvercharge, init.delegation, init.claim.receipt)
      .storeRef(claim(init.claim))
      .storeRef(signed(beginCell().storeUint(uint256Of(init.quote.quote.model), 256), init.quote.signature)
        .storeRef(buildQuoteCell(init.quote.quote).refs[0])
        .endCell())
      .endCell()
})
