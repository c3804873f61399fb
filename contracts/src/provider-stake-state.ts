import { Dictionary } from '@ton/core'
import { bytes32Of } from './bytes.ts'
import type { Cell, Slice } from '@ton/core'

/** All that a stake's data cell holds. */
export interface ProviderStakeState {
  /** What counts. */
  readonly bondedNano: bigint
  /** On its way out: counts as zero, can still be slashed. */
  readonly unbondingNano: bigint
  /** Unix seconds, of all that unbonds. */
  readonly readyAt: number
  /** A key of the stake contradicted itself: it never counts again. */
  readonly slashed: boolean
  readonly networkId: Uint8Array
  readonly owner: Uint8Array
  readonly ownerKey: Uint8Array
  readonly unbondSeconds: number
  readonly penaltyNano: bigint
  /** Jobs whose overcharge was punished. */
  readonly punishedJobs: readonly Uint8Array[]
}

function key (slice: Slice): Uint8Array {
  return bytes32Of(slice.loadUintBig(256))
}

/**
 * Reads a stake's data cell (`storage.tolk`).
 *
 * @throws {Error} it is no such cell
 */
export function parseProviderStakeState (data: Cell): ProviderStakeState {
  const s = data.beginParse()
  const bondedNano = s.loadUintBig(64)
  const unbondingNano = s.loadUintBig(64)
  const readyAt = s.loadUint(32)
  const slashed = s.loadBit()
  const networkId = key(s)
  const owner = key(s)
  const ownerKey = key(s)
  const terms = s.loadRef().beginParse()
  const punished = s.loadDict(Dictionary.Keys.BigUint(256), Dictionary.Values.Bool())
  return {
    bondedNano,
    unbondingNano,
    readyAt,
    slashed,
    networkId,
    owner,
    ownerKey,
    unbondSeconds: terms.loadUint(32),
    penaltyNano: terms.loadUintBig(64),
    punishedJobs: punished.keys().map(bytes32Of)
  }
}
