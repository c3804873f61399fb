/** Stakes remembered; the one used longest ago makes room. A provider costs its maker nothing, a stake does. */
export const MAX_STAKES = 1_024

/** A stake that was read is read again after this. */
export const STAKE_FRESH_MS = 60_000

/** One that is not on the chain may be on its way there: it is looked for again after this. */
export const STAKE_ABSENT_MS = 2_000

/** While the chain is away, what was read last counts for this long; unbonding takes far longer on any network with coins of worth. */
export const STAKE_LIFE_MS = 10 * 60_000

/** Longest that a reading of stakes takes. */
export const STAKE_READ_TIMEOUT_MS = 10_000

/** Stakes read in one round, the others in the next: public endpoints allow a few questions a second. */
export const MAX_STAKES_PER_ROUND = 32
export const PARALLEL_STAKE_READS = 4

/** A delegation that ends sooner than this is told of. */
export const DELEGATION_WARN_MS = 3 * 86_400_000

/** A stake's weight in the ranking is half its most at this much, nanoTON: 10 TON. */
export const HALF_STAKE_NANO = 10_000_000_000n

/** Most that a stake takes off a score: a fifth. */
export const MOST_STAKE_DISCOUNT = 0.2
