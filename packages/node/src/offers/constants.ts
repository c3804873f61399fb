/** Offers known of one model: more than a client will ever compare. */
export const MAX_OFFERS_PER_MODEL = 256

/** Offers known in all: about 3 kB each, so 12 MB at most. */
export const MAX_OFFERS = 4_096

/** Offers known of one provider: as many as a binding may name models. */
export const MAX_OFFERS_PER_PEER = 64

/** Offers last five minutes and are renewed every minute: four may be lost before one is missed. */
export const OFFER_LIFE_MS = 5 * 60_000
export const PUBLISH_EVERY_MS = 60_000

/** Changes (room, prices) within this time become one offer. */
export const PUBLISH_GATHER_MS = 500

/** A provider's offers a second that gossip forwards, and how many at once: the publisher sends at most two a second. */
export const GOSSIP_PER_SECOND = 3
export const GOSSIP_BURST = 2 * MAX_OFFERS_PER_PEER

/** Questions a second that one peer may ask, and how many at once. */
export const ASKS_PER_SECOND = 5
export const ASKS_BURST = 50

/** Peers whose rate is remembered; the longest unseen is forgotten. */
export const MAX_RATED_PEERS = 4_096

/** Offers of others in an answer: a hint for a newcomer, not a directory. */
export const MAX_FOREIGN_OFFERS_PER_ANSWER = 16

/** A provider that does not state its offers within this is skipped. */
export const ASK_TIMEOUT_MS = 3_000

/** Providers asked at once in one search. */
export const MAX_ASKS_AT_ONCE = 8

/** Once something is known, others get this long before the caller has its answer. */
export const SETTLE_MS = 150

/** A search without a caller's deadline. */
export const GATHER_TIMEOUT_MS = 10_000

/** Known offers older than this are refreshed behind an answer. */
export const REFRESH_MS = 15_000

/** A search that runs for nobody ends after this. */
export const SEARCH_ROUND_MS = 15_000

/** Models whose gossip a node follows because it looked for them; the longest unused is left. */
export const MAX_FOLLOWED_MODELS = 32
