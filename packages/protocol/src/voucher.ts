import { beginCell } from '@ton/core'
import { assertBytes, assertUint64, concat, sha256, u32be } from './bytes.ts'
import { CELL_TAGS, bigOf } from './cells.ts'
import type { Cell } from '@ton/core'

/** The client's cumulative promise on one lane. Accounts and the network id are 32 bytes; amounts are nanoTON. */
export interface Voucher {
  readonly networkId: Uint8Array
  readonly vault: Uint8Array
  readonly payee: Uint8Array
  /** Unix milliseconds, pinned when the lane was opened. */
  readonly epoch: bigint
  /** All that the lane has promised in this epoch. */
  readonly cumulative: bigint
}

/** voucher#43435631 networkId:bits256 vault:bits256 payee:bits256 epoch:uint64 cumulative:uint64 */
export function buildVoucherCell (voucher: Voucher): Cell {
  return beginCell()
    .storeUint(CELL_TAGS.voucher, 32)
    .storeUint(bigOf(voucher.networkId), 256)
    .storeUint(bigOf(voucher.vault), 256)
    .storeUint(bigOf(voucher.payee), 256)
    .storeUint(voucher.epoch, 64)
    .storeUint(voucher.cumulative, 64)
    .endCell()
}

// A cell without references and with 116 whole bytes is hashed as d1 = 0 (no refs, level 0), d2 = 2 × 116, then data.
const PREFIX = concat(Uint8Array.of(0, 232), u32be(CELL_TAGS.voucher))
const VAULT_AT = PREFIX.byteLength + 32
const EPOCH_AT = VAULT_AT + 64

/**
 * What the signer signs: the representation hash of the voucher's cell, computed without building the cell.
 *
 * @throws {RangeError} an account or the network id is not 32 bytes, an amount or the epoch is no unsigned 64-bit integer
 */
export function voucherHash (voucher: Voucher): Uint8Array {
  // lengths first: bytes moved from one field to its neighbour must not give the same hash
  assertBytes(voucher.networkId, 32, 'networkId')
  assertBytes(voucher.vault, 32, 'vault')
  assertBytes(voucher.payee, 32, 'payee')
  assertUint64(voucher.epoch)
  assertUint64(voucher.cumulative)
  const data = new Uint8Array(EPOCH_AT + 16)
  const view = new DataView(data.buffer)
  data.set(PREFIX)
  data.set(voucher.networkId, PREFIX.byteLength)
  data.set(voucher.vault, VAULT_AT)
  data.set(voucher.payee, VAULT_AT + 32)
  view.setBigUint64(EPOCH_AT, voucher.epoch)
  view.setBigUint64(EPOCH_AT + 8, voucher.cumulative)
  return sha256(data)
}
