/** Opcodes, as in `messages.tolk`. */
export const CLIENT_VAULT_OPS = Object.freeze({
  setUp: 0x43560000,
  topUp: 0x43560001,
  addSigner: 0x43560002,
  setOperator: 0x43560003,
  openLanes: 0x43560004,
  redeem: 0x43560005,
  startUnlock: 0x43560006,
  finishUnlock: 0x43560007,
  releaseLane: 0x43560008,
  withdraw: 0x43560009,
  flushFee: 0x4356000a,
  retireSigner: 0x4356000b,
  closeLane: 0x4356000c,
  unlockNotice: 0x43560010
})

/** Exit codes, as in `errors.tolk`. A body that is too short or too long for its opcode exits with TVM's own 9. */
export const CLIENT_VAULT_ERRORS = Object.freeze({
  notOwner: 101,
  notOperator: 102,
  signerExists: 103,
  noSigner: 104,
  epoch: 105,
  noLane: 106,
  signature: 107,
  nothingDue: 108,
  solvency: 109,
  unlocking: 110,
  notUnlocked: 111,
  tooManyLanes: 112,
  notPayee: 113,
  lowValue: 114,
  badConfig: 115,
  budget: 116,
  badLane: 117,
  badWallet: 118,
  unknownOp: 0xffff
})

/** Bounds of a vault, as in `fees.tolk` and `counters.tolk`. */
export const CLIENT_VAULT_LIMITS = Object.freeze({
  /** Two levels of counters, so that a redeem in a full vault keeps within its goal. */
  maxLanes: 105,
  /** 48 bits per lane. */
  maxCapNano: 2n ** 48n - 1n,
  /** Rent kept outside what is owed, besides `reservePerLaneNano` for each lane. */
  reserveBaseNano: 100_000_000n,
  reservePerLaneNano: 2_000_000n,
  /** Least value of StartUnlock; what it does not need comes back. */
  startUnlockValueNano: 30_000_000n,
  /** Sent to the payee with the notice of an unlock. */
  noticeValueNano: 10_000_000n,
  /** Waits in an unlocking lane for its first redeem. */
  unlockGasNano: 10_000_000n,
  /** Least value of OpenLanes for its execution. */
  openGasNano: 20_000_000n,
  flushAtNano: 100_000_000n,
  maxFeeBps: 100
})
