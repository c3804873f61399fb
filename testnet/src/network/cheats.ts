import type { ReceiptLog } from '@cocoon-net/cocoon'

/** Ways in which a provider of a local network can lie, so that one can watch what becomes of it. */
export const CHEATS = Object.freeze({
  /** Signs twice what its quote gives, and a little. */
  overcharge: (honest: ReceiptLog): ReceiptLog => ({ record: async receipt => honest.record({ ...receipt, chargeNano: receipt.chargeNano * 2n + 1n }) }),
  /** Signs each of a job's statements as its first. */
  'double-receipt': (honest: ReceiptLog): ReceiptLog => ({ record: async receipt => honest.record({ ...receipt, seq: 0 }) })
})

export type Cheat = keyof typeof CHEATS

export const CHEAT_NAMES = Object.freeze(Object.keys(CHEATS)) as readonly Cheat[]
