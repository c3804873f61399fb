import { assertBytes } from './bytes.ts'
import { CELL_TAGS, beginCell, bigOf, cellHash } from './cells.ts'
import type { Cell } from '@ton/core'

/**
 * What the lane's voucher signer and the payee both sign to end a lane at once: the last sum of this epoch. Whoever
 * signed it takes no further voucher on the lane. Accounts and the network id are 32 bytes; amounts are nanoTON.
 */
export interface LaneClose {
  readonly networkId: Uint8Array
  readonly vault: Uint8Array
  readonly payee: Uint8Array
  /** Unix milliseconds, pinned when the lane was opened. */
  readonly epoch: bigint
  /** All that the lane pays in this epoch. */
  readonly cumulative: bigint
}

/**
 * close#43435831 networkId:bits256 vault:bits256 payee:bits256 epoch:uint64 cumulative:uint64
 *
 * @throws {RangeError} an account or the network id is not 32 bytes
 */
export function buildCloseCell (close: LaneClose): Cell {
  assertBytes(close.networkId, 32, 'networkId')
  assertBytes(close.vault, 32, 'vault')
  assertBytes(close.payee, 32, 'payee')
  return beginCell()
    .storeUint(CELL_TAGS.close, 32)
    .storeUint(bigOf(close.networkId), 256)
    .storeUint(bigOf(close.vault), 256)
    .storeUint(bigOf(close.payee), 256)
    .storeUint(close.epoch, 64)
    .storeUint(close.cumulative, 64)
    .endCell()
}

/** What both sign: the representation hash of the close's cell. */
export function closeHash (close: LaneClose): Uint8Array {
  return cellHash(buildCloseCell(close))
}
