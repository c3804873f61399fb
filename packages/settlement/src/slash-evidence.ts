import { providerStakeBodies } from '@cocoon-net/contracts'
import { chargeNano, equalBytes, quoteHash } from '@cocoon-net/protocol'
import type { Delegation, Quote, Receipt, TokenCounts } from '@cocoon-net/protocol'
import type { Cell } from '@ton/core'

/** A checkpoint or receipt with the receipt key's signature over its hash. */
export interface SignedReceipt { readonly receipt: Receipt, readonly signature: Uint8Array }

/** A quote with the same key's signature over its hash. */
export interface SignedQuote { readonly quote: Quote, readonly signature: Uint8Array }

/** A delegation with the signature of the stake's owner key over its hash. */
export interface SignedDelegation { readonly delegation: Delegation, readonly signature: Uint8Array }

/**
 * What one receipt key contradicts by itself. E1: two receipts of one job and step that differ in tokens, charge or answer
 * commitment. E2: a charge above `max(ceil(Σ tokens × price / 10⁶), hedgeFee)` of the quote that the receipt names.
 */
export type Contradiction =
  | { readonly kind: 'E1', readonly first: SignedReceipt, readonly second: SignedReceipt }
  | { readonly kind: 'E2', readonly claim: SignedReceipt, readonly quote: SignedQuote }

/** What the contract of a stake takes as evidence, ready to be sent by anybody. */
export interface SlashEvidence {
  readonly kind: Contradiction['kind']
  /** The stake's basechain account, 32 bytes. */
  readonly stake: Uint8Array
  readonly jobId: Uint8Array
  /** Body of the message to the stake. */
  readonly body: Cell
}

const TOKEN_CLASSES = ['prompt', 'cached', 'completion', 'reasoning'] as const satisfies ReadonlyArray<keyof TokenCounts>

function isOneStep (a: Receipt, b: Receipt): boolean {
  return a.seq === b.seq && equalBytes(a.jobId, b.jobId) && equalBytes(a.stake, b.stake) && equalBytes(a.networkId, b.networkId)
}

function saysOtherwise (a: Receipt, b: Receipt): boolean {
  return a.chargeNano !== b.chargeNano || TOKEN_CLASSES.some(name => a.tokens[name] !== b.tokens[name]) || !equalBytes(a.ansCommit, b.ansCommit)
}

function isOvercharged (receipt: Receipt, quote: Quote): boolean {
  if (!equalBytes(receipt.quoteHash, quoteHash(quote)) || !equalBytes(receipt.stake, quote.stake) || !equalBytes(receipt.networkId, quote.networkId)) {
    return false
  }
  const most = chargeNano(receipt.tokens, quote.prices)
  return receipt.chargeNano > (most > quote.hedgeFeeNano ? most : quote.hedgeFeeNano)
}

/**
 * What the newest receipt of a provider contradicts: an earlier one, or the quote that it names; null for an honest one.
 * Pure. What is NOT checked: the signatures, which the caller has verified under one receipt key.
 */
export function findContradiction (next: SignedReceipt, held: Iterable<SignedReceipt>, quote: SignedQuote): Contradiction | null {
  for (const first of held) {
    if (isOneStep(first.receipt, next.receipt) && saysOtherwise(first.receipt, next.receipt)) {
      return { kind: 'E1', first, second: next }
    }
  }
  return isOvercharged(next.receipt, quote.quote) ? { kind: 'E2', claim: next, quote } : null
}

/**
 * The message that has a stake slashed for a contradiction. The delegation must be for the receipt key that signed it, and
 * for the stake that the receipts name.
 *
 * @throws {RangeError} the delegation is for another stake or network
 */
export function slashEvidence (contradiction: Contradiction, { delegation, signature }: SignedDelegation): SlashEvidence {
  const { receipt } = contradiction.kind === 'E1' ? contradiction.first : contradiction.claim
  if (!equalBytes(receipt.stake, delegation.stake) || !equalBytes(receipt.networkId, delegation.networkId)) {
    throw new RangeError('the delegation is for another stake')
  }
  const delegated = { receiptKey: delegation.receiptKey, notAfter: delegation.notAfter, signature }
  const body = contradiction.kind === 'E1'
    ? providerStakeBodies.slashContradiction({ delegation: delegated, first: contradiction.first, second: contradiction.second })
    : providerStakeBodies.slashOvercharge({ delegation: delegated, claim: contradiction.claim, quote: contradiction.quote })
  return { kind: contradiction.kind, stake: receipt.stake, jobId: receipt.jobId, body }
}
