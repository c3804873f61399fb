import { beginCell } from '@ton/core'
import { uint256Of } from './bytes.ts'
import { REGISTRY_KINDS, REGISTRY_OPS as OPS } from './registry-ids.ts'
import type { RegistryKind } from './registry-ids.ts'
import type { Builder, Cell } from '@ton/core'

/** A hash of one kind, 32 bytes. */
export interface RegistryEntry { readonly kind: RegistryKind, readonly hash: Uint8Array }

/** How an entry is a key of the contract's maps: its kind, then its hash. */
export function entryKey ({ kind, hash }: RegistryEntry): bigint {
  return BigInt(REGISTRY_KINDS.indexOf(kind)) << 256n | uint256Of(hash)
}

function op (code: number): Builder {
  return beginCell().storeUint(code, 32)
}

function ofEntry (code: number, entry: RegistryEntry): Cell {
  return op(code).storeUint(entryKey(entry), 264).endCell()
}

function ofNumber (code: number, id: number): Builder {
  return op(code).storeUint(id, 8)
}

/** Bodies of the messages a registry takes. What tightens acts at once; what loosens is proposed, waits, and is then done by anyone. */
export const registryBodies = Object.freeze({
  proposeEntry: (entry: RegistryEntry): Cell => ofEntry(OPS.proposeEntry, entry),
  /** Anyone, from its time on. */
  listEntry: (entry: RegistryEntry): Cell => ofEntry(OPS.listEntry, entry),
  /** What is listed, or what is coming. */
  removeEntry: (entry: RegistryEntry): Cell => ofEntry(OPS.removeEntry, entry),
  tightenNumber: (id: number, value: bigint): Cell => ofNumber(OPS.tightenNumber, id).storeUint(value, 64).endCell(),
  /** Without a value: the bound is to be lifted. */
  proposeNumber: (id: number, value?: bigint): Cell =>
    (value == null ? ofNumber(OPS.proposeNumber, id).storeBit(false) : ofNumber(OPS.proposeNumber, id).storeBit(true).storeUint(value, 64)).endCell(),
  /** Anyone, from its time on. */
  loosenNumber: (id: number): Cell => ofNumber(OPS.loosenNumber, id).endCell(),
  cancelNumber: (id: number): Cell => ofNumber(OPS.cancelNumber, id).endCell(),
  /** Account 0 takes the proposal back. */
  proposeGovernor: (account: Uint8Array): Cell => op(OPS.proposeGovernor).storeUint(uint256Of(account), 256).endCell(),
  /** The next governor, from its time on. */
  acceptGovernor: (): Cell => op(OPS.acceptGovernor).endCell()
})
