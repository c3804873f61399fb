/** One TON in nanoTON. */
export const TON_NANO = 1_000_000_000n

/** Smallest cap that a payee accepts: below it a redeem costs more gas than it brings ("lanes smaller than redeem gas are free service"). */
export const MIN_LANE_CAP_NANO = 20_000_000n

/** Most a vault may owe before its lane is confirmed, where the network allows first-contact credit at all. */
export const FIRST_CONTACT_CREDIT_NANO = 3_000_000n

/** Most first-contact credit that one provider grants in a day: a hundred unknown vaults. */
export const FIRST_CONTACT_DAILY_NANO = 300_000_000n

/** Measured: a redeem in a vault of 100 lanes costs its sender 0.0065 TON all in. */
export const REDEEM_COST_NANO = 6_500_000n

/** A redeem below this costs more than a tenth of what it brings. */
export const REDEEM_THRESHOLD_NANO = 65_000_000n

/** Sent along with a redeem; what is not spent comes back. */
export const REDEEM_VALUE_NANO = 50_000_000n

/** Sent along with an open of up to eight lanes (measured: at most 0.02 TON all in); the rest stays in the vault. */
export const OPEN_VALUE_NANO = 50_000_000n

/** Lanes that one open message carries. */
export const MAX_LANES_PER_OPEN = 8

/** Open or announced jobs of one lane: bounds what a payer can make a payee remember. */
export const MAX_LANE_JOBS = 256

/** Finished jobs that a lane remembers, so that a late last voucher can still be told from a new job. */
export const MAX_SETTLED_JOBS = 256

/** Lanes that one payee keeps open at a time; more are refused with `too_many_lanes`. */
export const MAX_LANES = 4096

/** Random bytes in a client nonce: 16 to 32. */
export const MIN_NONCE_BYTES = 8
export const MAX_NONCE_BYTES = 64

/** Ed25519 key objects kept, so that a voucher needs no key parsing. */
export const KEY_CACHE_SIZE = 1024

/** Any one call to a TON endpoint. */
export const CHAIN_TIMEOUT_MS = 10_000

/** A wallet message that is not in a block by then is taken as lost; the wallet refuses it afterwards. */
export const SEND_TIMEOUT_MS = 60_000

/** A provider waits this long for a request's voucher. */
export const VOUCHER_TIMEOUT_MS = 2_000
