/** A message may have 64 KiB on the real chain, which is 88 kB in base64; the rest is room for the JSON around it. */
export const MAX_BODY_BYTES = 256 * 1_024
/** The real chain's limit for an external message. */
export const MAX_MESSAGE_BYTES = 64 * 1_024
/** One call of the faucet: 1,000 TON. */
export const MAX_MINT_NANO = 1_000_000_000_000n
/** One page of history, as toncenter gives it. */
export const MAX_PAGE = 100
/** The v4 API's page. */
export const V4_PAGE = 20
/** Arguments of a get-method. */
export const MAX_STACK_ITEMS = 64
/** Gas of a get-method: what a lite server grants. */
export const MAX_GET_GAS = 1_000_000n
/** Transactions that one message may set off: two contracts may send to each other for as long as they can pay. */
export const MAX_TRANSACTIONS_PER_BLOCK = 1_000
/** Messages accepted and not yet executed, when faults or a block interval hold them back. */
export const MAX_PENDING = 10_000
/** How many transactions of an account are searched for the one that a message led to. */
export const MAX_LOCATE_SCAN = 1_000
/** The emulator keeps every transaction (28 kB each) and account that it saw: past these it is emptied. */
export const TRIM_TRANSACTIONS = 64
export const TRIM_ACCOUNTS = 256
/** Client pools keep idle sockets for up to 120 s: closing them earlier races their next request. */
export const KEEP_ALIVE_TIMEOUT_MS = 130_000
/** Headers and body arrive at once on loopback. */
export const HEADERS_TIMEOUT_MS = 10_000
export const REQUEST_TIMEOUT_MS = 30_000
export const MAX_CONNECTIONS = 1_024
export const STOP_GRACE_MS = 200
/** The only shard of each workchain. */
export const SHARD = '-9223372036854775808'
/** Configuration parameter that holds the global id. */
export const GLOBAL_ID_PARAM = 19
/** The longest delay that the faults take. */
export const MAX_DELAY_MS = 600_000
