import { beginCell } from '@ton/core'
import { uint256Of } from './bytes.ts'
import { CLIENT_VAULT_OPS as OPS } from './client-vault-ids.ts'
import type { Builder, Cell } from '@ton/core'

/** A lane to open, or to top up by `capNano` when it is open in the same epoch. */
export interface LaneOrder { readonly payee: Uint8Array, readonly capNano: bigint }

/** The payee's wallet: its address commits to this key, which is how the vault knows whose signature to ask for. */
export interface PayeeWallet {
  readonly version: 'v4r2' | 'v5r1'
  readonly walletId: number
  readonly publicKey: Uint8Array
}

const LANE_BITS = 256 + 48

function op (code: number): Builder {
  return beginCell().storeUint(code, 32)
}

/** As many lanes as fit, the rest in a chain of references. */
function storeLanes (builder: Builder, lanes: readonly LaneOrder[]): Cell {
  const here = Math.floor(builder.availableBits / LANE_BITS)
  for (const { payee, capNano } of lanes.slice(0, here)) {
    builder.storeUint(uint256Of(payee), 256).storeUint(capNano, 48)
  }
  if (lanes.length > here) {
    builder.storeRef(storeLanes(beginCell(), lanes.slice(here)))
  }
  return builder.endCell()
}

function signatureCell (signature: Uint8Array): Cell {
  return beginCell().storeBuffer(Buffer.from(signature), 64).endCell()
}

/** Bodies of the messages a vault takes. Accounts and keys are 32 bytes, signatures 64; amounts are nanoTON. */
export const clientVaultBodies = Object.freeze({
  /** Owner, once. The operator may promise up to `dailyBudgetNano` in new caps a UTC day (default none). */
  setUp: (init: { signerKey: Uint8Array, operator: Uint8Array, dailyBudgetNano?: bigint }): Cell =>
    op(OPS.setUp).storeUint(uint256Of(init.signerKey), 256).storeUint(uint256Of(init.operator), 256).storeCoins(init.dailyBudgetNano ?? 0n).endCell(),
  topUp: (): Cell => op(OPS.topUp).endCell(),
  addSigner: (init: { idx: number, key: Uint8Array }): Cell => op(OPS.addSigner).storeUint(init.idx, 8).storeUint(uint256Of(init.key), 256).endCell(),
  retireSigner: (idx: number): Cell => op(OPS.retireSigner).storeUint(idx, 8).endCell(),
  setOperator: (operator: Uint8Array, dailyBudgetNano: bigint = 0n): Cell =>
    op(OPS.setOperator).storeUint(uint256Of(operator), 256).storeCoins(dailyBudgetNano).endCell(),
  openLanes: (init: { epoch: bigint, keyIdx: number, lanes: readonly LaneOrder[] }): Cell =>
    storeLanes(op(OPS.openLanes).storeUint(init.epoch, 64).storeUint(init.keyIdx, 8), init.lanes),
  /** Without `payee`: the sender's own lane, which makes the message smaller. */
  redeem: (init: { payee?: Uint8Array, cumulativeNano: bigint, signature: Uint8Array }): Cell => {
    const body = op(OPS.redeem)
    if (init.payee == null) {
      body.storeBit(false)
    } else {
      body.storeBit(true).storeUint(uint256Of(init.payee), 256)
    }
    return body.storeCoins(init.cumulativeNano).storeBuffer(Buffer.from(init.signature), 64).endCell()
  },
  startUnlock: (payee: Uint8Array): Cell => op(OPS.startUnlock).storeUint(uint256Of(payee), 256).endCell(),
  finishUnlock: (payee: Uint8Array): Cell => op(OPS.finishUnlock).storeUint(uint256Of(payee), 256).endCell(),
  releaseLane: (): Cell => op(OPS.releaseLane).endCell(),
  /** Both signatures are over the hash of the protocol's close cell. */
  closeLane: (init: { payee: Uint8Array, cumulativeNano: bigint, wallet: PayeeWallet, signerSignature: Uint8Array, payeeSignature: Uint8Array }): Cell =>
    op(OPS.closeLane)
      .storeUint(uint256Of(init.payee), 256)
      .storeCoins(init.cumulativeNano)
      .storeUint(init.wallet.version === 'v4r2' ? 4 : 5, 8)
      .storeUint(init.wallet.walletId, 32)
      .storeUint(uint256Of(init.wallet.publicKey), 256)
      .storeRef(signatureCell(init.signerSignature))
      .storeRef(signatureCell(init.payeeSignature))
      .endCell(),
  withdraw: (amountNano: bigint): Cell => op(OPS.withdraw).storeCoins(amountNano).endCell(),
  flushFee: (): Cell => op(OPS.flushFee).endCell()
})
