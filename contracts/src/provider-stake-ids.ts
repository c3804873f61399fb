/** Opcodes, as in `messages.tolk`. */
export const PROVIDER_STAKE_OPS = Object.freeze({
  deposit: 0x43530001,
  unbond: 0x43530002,
  rebond: 0x43530003,
  withdraw: 0x43530004,
  slashContradiction: 0x43530005,
  slashOvercharge: 0x43530006
})

/** Exit codes, as in `errors.tolk`. A body that is too short or too long for its opcode exits with TVM's own 9. */
export const PROVIDER_STAKE_ERRORS = Object.freeze({
  notOwner: 201,
  lowValue: 202,
  badAmount: 203,
  nothingDue: 204,
  slashed: 205,
  delegation: 206,
  signature: 207,
  noContradiction: 208,
  punished: 209,
  notOvercharged: 210,
  otherQuote: 211,
  badConfig: 212,
  unknownOp: 0xffff
})

/** Bounds of a stake, as in `fees.tolk`. */
export const PROVIDER_STAKE_LIMITS = Object.freeze({
  /** Rent kept outside the stake. */
  reserveNano: 100_000_000n,
  /** Least that a deposit's message carries beyond the deposit and the missing reserve; what it does not need comes back. */
  depositGasNano: 10_000_000n,
  /** Of 100, to whoever brings the evidence, with all that the message carried; the rest is burned. */
  reporterShare: 10,
  /** Less is not taken, as its check would cost as much: a contradiction then only marks the stake. */
  leastTakenNano: 30_000_000n,
  leastPenaltyNano: 30_000_000n
})
