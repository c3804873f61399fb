/** The stake's data cell, read without running the contract and without its wrapper; accounts and keys in hex. */
import { Reader, hashmap } from '../cells.ts'
import type { RawCell } from '../cells.ts'

export interface StakeView {
  readonly bondedNano: bigint
  readonly unbondingNano: bigint
  /** Unix seconds. */
  readonly readyAt: number
  readonly slashed: boolean
  readonly networkId: string
  readonly owner: string
  readonly ownerKey: string
  readonly unbondSeconds: number
  readonly penaltyNano: bigint
  /** Jobs. */
  readonly punished: ReadonlySet<string>
}

export function readStake (data: RawCell): StakeView {
  const r = new Reader(data)
  const bondedNano = r.big(64)
  const unbondingNano = r.big(64)
  const readyAt = r.uint(32)
  const slashed = r.flag()
  const networkId = r.hex(32)
  const owner = r.hex(32)
  const ownerKey = r.hex(32)
  const terms = new Reader(r.next())
  const punished = hashmap(r.maybeNext(), 256).map(({ key }) => key.toString(16).padStart(64, '0'))
  return { bondedNano, unbondingNano, readyAt, slashed, networkId, owner, ownerKey, unbondSeconds: terms.uint(32), penaltyNano: terms.big(64), punished: new Set(punished) }
}
