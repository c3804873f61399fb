import type { PayeeWallet } from '@cocoon-net/contracts'
import type { Cell, StateInit } from '@ton/core'

/**
 * What payments need of the vault contract. The composition root fills it from
 * `@cocoon-net/contracts` and the network preset.
 */
export interface VaultContract {
  /** The one account that an owner's vault can have under the preset. */
  account (owner: Uint8Array): Uint8Array
  stateInit (owner: Uint8Array): StateInit
  /** First message of the owner: writes signer 0 and makes `operator` the operator. */
  deployBody (init: { signerKey: Uint8Array, operator: Uint8Array }): Cell
  /** Opens lanes, at most eight; for a lane that is open in the same epoch, `capNano` is added to its cap. */
  openLanesBody (init: { epoch: bigint, keyIdx: number, lanes: ReadonlyArray<{ payee: Uint8Array, capNano: bigint }> }): Cell
  redeemBody (init: { payee: Uint8Array, cumulativeNano: bigint, signature: Uint8Array }): Cell
  /** Ends a lane at once with what both of its sides have signed; whoever sends it. */
  closeLaneBody (init: { payee: Uint8Array, cumulativeNano: bigint, wallet: PayeeWallet, signerSignature: Uint8Array, payeeSignature: Uint8Array }): Cell
}
