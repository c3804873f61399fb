import { Dictionary } from '@ton/core'
import { bytes32Of } from './bytes.ts'
import { REGISTRY_KINDS } from './registry-ids.ts'
import type { RegistryEntry } from './registry-bodies.ts'
import type { Cell, DictionaryValue } from '@ton/core'

/** A number that is about to be loosened. */
export interface ComingNumber {
  /** Undefined: the bound is lifted. */
  readonly value: bigint | undefined
  /** Unix seconds, from which anyone may let it act. */
  readonly readyAt: number
}

/** All that a registry's data cell holds. */
export interface RegistryState {
  readonly governor: Uint8Array
  readonly delaySeconds: number
  /** Grows with every change. */
  readonly version: number
  /** Undefined while none was proposed. */
  readonly nextGovernor: { readonly account: Uint8Array, readonly readyAt: number } | undefined
  readonly entries: readonly RegistryEntry[]
  /** What is about to be listed, and from which unix second. */
  readonly comingEntries: ReadonlyArray<RegistryEntry & { readonly readyAt: number }>
  readonly numbers: ReadonlyMap<number, bigint>
  readonly comingNumbers: ReadonlyMap<number, ComingNumber>
}

/** Undefined for a kind that this version does not know: it is left out, since nothing can be allowed by it. */
function entryOf (key: bigint): RegistryEntry | undefined {
  const kind = REGISTRY_KINDS[Number(key >> 256n)]
  return kind == null ? undefined : { kind, hash: bytes32Of(key & (1n << 256n) - 1n) }
}

const comingNumber: DictionaryValue<ComingNumber> = {
  serialize: () => {
    throw new Error('read only')
  },
  parse: (slice) => {
    const isSet = slice.loadBit()
    const value = slice.loadUintBig(64)
    return { value: isSet ? value : undefined, readyAt: slice.loadUint(32) }
  }
}

/**
 * Reads a registry's data cell (`storage.tolk`).
 *
 * @throws {Error} it is no such cell
 */
export function parseRegistryState (data: Cell): RegistryState {
  const s = data.beginParse()
  const governor = bytes32Of(s.loadUintBig(256))
  const delaySeconds = s.loadUint(32)
  const version = s.loadUint(32)
  const next = { account: bytes32Of(s.loadUintBig(256)), readyAt: s.loadUint(32) }
  const lists = s.loadRef().beginParse()
  const numbers = s.loadRef().beginParse()
  const keys = Dictionary.Keys.BigUint(264)
  const listed = lists.loadDict(keys, Dictionary.Values.Bool())
  const pending = lists.skip(16).loadDict(keys, Dictionary.Values.Uint(32))
  return {
    governor,
    delaySeconds,
    version,
    nextGovernor: next.account.every(byte => byte === 0) ? undefined : next,
    entries: listed.keys().flatMap(key => entryOf(key) ?? []),
    comingEntries: [...pending].flatMap(([key, readyAt]) => {
      const entry = entryOf(key)
      return entry == null ? [] : [{ ...entry, readyAt }]
    }),
    numbers: new Map(numbers.loadDict(Dictionary.Keys.Uint(8), Dictionary.Values.BigUint(64))),
    comingNumbers: new Map(numbers.loadDict(Dictionary.Keys.Uint(8), comingNumber))
  }
}
