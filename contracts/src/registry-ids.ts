/** Opcodes, as in `messages.tolk`. */
export const REGISTRY_OPS = Object.freeze({
  proposeEntry: 0x43520001,
  listEntry: 0x43520002,
  removeEntry: 0x43520003,
  tightenNumber: 0x43520004,
  proposeNumber: 0x43520005,
  loosenNumber: 0x43520006,
  cancelNumber: 0x43520007,
  proposeGovernor: 0x43520008,
  acceptGovernor: 0x43520009
})

/** Exit codes, as in `errors.tolk`. A body that is too short or too long for its opcode exits with TVM's own 9. */
export const REGISTRY_ERRORS = Object.freeze({
  notGovernor: 301,
  nothingPending: 302,
  tooEarly: 303,
  notStricter: 304,
  notLooser: 305,
  tooMany: 306,
  listed: 307,
  notListed: 308,
  notNextGovernor: 309,
  unknownOp: 0xffff
})

/** Bounds of a registry, as in `limits.tolk`, and the wait that networks use. */
export const REGISTRY_LIMITS = Object.freeze({
  maxListed: 1_024,
  maxPending: 64,
  /** 21 days: longer than the 14 that a stake unbonds. */
  delaySeconds: 21 * 86_400
})

/** What a registry lists by hash; the places are the contract's numbers. */
export const REGISTRY_KINDS = Object.freeze(['vaultCode', 'stakeCode', 'measurement', 'model'] as const)

export type RegistryKind = typeof REGISTRY_KINDS[number]

/** Ids of numbers. Under 128 more is stricter; from 128 on less is. */
export const REGISTRY_NUMBERS = Object.freeze({
  /** Least evaluation data number of Intel's collateral. */
  intelCollateralFloor: 0,
  /** Least bonded stake of a provider, nanoTON. */
  leastStakeNano: 1,
  leastUnbondSeconds: 2,
  leastUnlockSeconds: 3,
  mostFeeBps: 128,
  mostEvidenceAgeSeconds: 129
})
