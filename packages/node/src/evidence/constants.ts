/** A quote takes some 50 ms, a GPU's transcript a second; a firmware that is asked too often makes its callers wait. */
export const COLLECT_TIMEOUT_MS = 30_000

/** Re-attest well before a binding's six hours end. */
export const REATTEST_MS = 3 * 3_600_000

/** How soon a change of what runs, or a failure, leads to a new binding. */
export const ATTEST_CHECK_MS = 30_000

/** TSM_REPORT_OUTBLOB_MAX of the kernel, and what an evidence frame holds. */
export const MAX_OUTBLOB_BYTES = 32 * 1_024

/** Two processes that ask at once disturb each other once; more often it is a fault. */
export const MAX_REPORT_TRIES = 5

/** A transcript with its chain has some 20 kB of JSON for each GPU, and a machine has eight. */
export const MAX_COMMAND_OUTPUT_BYTES = 1_024 * 1_024

/** What an evidence frame holds of collateral. */
export const MAX_COLLATERAL_BYTES = 64 * 1_024

/** Collateral of as many platforms is kept and served; each has some 20 kB. */
export const MAX_STORED_COLLATERAL = 64

/** Vendors publish new collateral about monthly, revocation lists weekly. */
export const COLLATERAL_FRESH_MS = 6 * 3_600_000

/** Both vendors' services answer in a second or two; without an answer there is what is stored, and there are peers. */
export const VENDOR_TIMEOUT_MS = 8_000

/** A vendor that did not answer is asked again after this long. */
export const VENDOR_REST_MS = 60_000

/** Other peers asked for collateral, besides the provider itself. */
export const MAX_PEERS_ASKED = 4

/** One binding every three hours, and room for changes. */
export const ANNOUNCEMENTS_PER_SECOND = 0.05
export const ANNOUNCEMENTS_BURST = 4

/** Providers whose last binding is remembered; the longest unheard is forgotten. */
export const MAX_ANNOUNCERS = 4_096

/** An announcement in its envelope: two hashes, a network id, a key and a signature. */
export const MAX_ANNOUNCEMENT_BYTES = 512
