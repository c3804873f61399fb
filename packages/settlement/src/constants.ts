/** One TON in nanoTON. */
export const TON_NANO = 1_000_000_000n

/** A redeem below this costs more than a tenth of what it brings. */
export const REDEEM_THRESHOLD_NANO = 65_000_000n

/** All that one redeem costs, with the wallet's own message, in the dearest case of the contracts' gas table. */
export const REDEEM_COST_NANO = 7_500_000n

/** All that a close costs whoever sends it, as the contracts' gas table has it, rounded up. */
export const CLOSE_COST_NANO = 12_000_000n

/** A payer leaves the payee this long to send the close that it said it sends; then it sends it itself. */
export const CLOSE_PATIENCE_MS = 30_000

/** Lanes with a signed close that a payee keeps; beyond, those that have ended make room, or a close is refused with `no_room`. */
export const MAX_CLOSES = 4096

/** A redeem that shows no effect after this is given up and looked at again later. */
export const REDEEM_TIMEOUT_MS = 60_000

/** Messages that a wallet sends at once. */
export const MAX_WALLET_MESSAGES = 4

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

/** Lanes that one payee follows at a time; beyond, the least useful makes room, or a new one is refused with `no_room`. */
export const MAX_LANES = 4096

/** Lanes that the chain does not show and that one peer may hold at a time: names are free, funds are not. */
export const MAX_UNFUNDED_PER_PEER = 8

/** Bytes in a client nonce. */
export const NONCE_BYTES = 32

/** A voucher's counter is an unsigned 64-bit integer. */
export const MAX_VOUCHER_NANO = 2n ** 64n - 1n

/** Ed25519 key objects kept, so that a voucher needs no key parsing. */
export const KEY_CACHE_SIZE = 1024

/** Any one call to a TON endpoint. */
export const CHAIN_TIMEOUT_MS = 10_000

/** A wallet message that is not in a block by then is taken as lost; the wallet refuses it afterwards. */
export const SEND_TIMEOUT_MS = 60_000

/** A message that shows no effect is sent again this often, until it expires. */
export const RESEND_MS = 5_000

/** The chain's clock may be this far behind ours, and its newest block that old. */
export const EXPIRY_MARGIN_MS = 15_000

/** A provider waits this long for a request's voucher. */
export const VOUCHER_TIMEOUT_MS = 2_000

/** Rows of the books in which a payer looks for a job that a payee claims a debt for. */
export const MAX_DEBT_SEARCH_ROWS = 8_192
