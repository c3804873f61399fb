import { CELL_TAGS, beginCell, bigOf, cellHash, loadBytes32, parseCell, readTag } from './cells.ts'
import type { Cell } from '@ton/core'

/** The stake owner's word that `receiptKey` signs for the stake until `notAfter` (unix seconds). */
export interface Delegation {
  readonly networkId: Uint8Array
  readonly stake: Uint8Array
  readonly receiptKey: Uint8Array
  readonly notAfter: bigint
}

/** delegation#43434431 networkId:bits256 stake:bits256 receiptKey:bits256 notAfter:uint64 */
export function buildDelegationCell (delegation: Delegation): Cell {
  return beginCell()
    .storeUint(CELL_TAGS.delegation, 32)
    .storeUint(bigOf(delegation.networkId), 256)
    .storeUint(bigOf(delegation.stake), 256)
    .storeUint(bigOf(delegation.receiptKey), 256)
    .storeUint(delegation.notAfter, 64)
    .endCell()
}

export function delegationHash (delegation: Delegation): Uint8Array {
  return cellHash(buildDelegationCell(delegation))
}

/** @throws {CocoonError} frame_too_large, frame_malformed */
export function parseDelegation (bytes: Uint8Array): Delegation {
  return parseCell(bytes, 'delegation', (slice) => {
    readTag(slice, CELL_TAGS.delegation)
    return {
      networkId: loadBytes32(slice),
      stake: loadBytes32(slice),
      receiptKey: loadBytes32(slice),
      notAfter: slice.loadUintBig(64)
    }
  }, buildDelegationCell)
}
