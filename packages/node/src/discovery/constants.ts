/** protocol.md: "records live 2 h". */
export const RECORD_LIFE_MS = 2 * 3_600_000

/** protocol.md: "at most 100 returned". */
export const MAX_PROVIDERS_RETURNED = 100

/** Records kept under one key; above it a random one makes room, so that nobody can lock a key by being first. */
export const MAX_RECORDS_PER_KEY = 512

/** Records kept in all: about 300 bytes each, so 6 MB at most. */
export const MAX_RECORDS = 20_000

/** Records of one peer: 64 models and the catalogue, for two hours, and room. */
export const MAX_RECORDS_PER_PEER = 256

/** Other entries of the DHT (public keys), kept in memory. */
export const MAX_OTHER_ENTRIES = 1_024

/** protocol.md: "A client asks three buckets and, with fewer than eight offers, more." */
export const BUCKETS_PER_ROUND = 3
export const ENOUGH_PROVIDERS = 8

/** protocol.md: "Providers publish the next hour from minute 50". */
export const NEXT_HOUR_FROM_MS = 50 * 60_000

/** protocol.md: "clients also ask the previous hour until minute 5". */
export const PREVIOUS_HOUR_UNTIL_MS = 5 * 60_000

/** One DHT query; whatever it found until then counts. */
export const QUERY_TIMEOUT_MS = 5_000

/** A search without a caller's deadline. */
export const SEARCH_TIMEOUT_MS = 30_000

/** Delay before a search asks again, doubled each time: a query costs a round trip to a few peers. */
export const SEARCH_RETRY_MS = 25
export const SEARCH_RETRY_MAX_MS = 2_000

/** From a peer's identification until the routing table holds it, measured at about 10 ms. */
export const ROUTING_TABLE_MS = 12

/** Republish: peers near a key come and go; a record missed costs at most this long. */
export const REPUBLISH_MS = 10 * 60_000

/** Delay before publishing again after nobody took the records, doubled each time. */
export const ANNOUNCE_RETRY_MS = 50
export const ANNOUNCE_RETRY_MAX_MS = 10_000

/** New DHT peers within this time share one announcement. */
export const ANNOUNCE_GATHER_MS = 100

/** While so few peers are known, a new one is likely to be near every key. */
export const SMALL_NETWORK_PEERS = 20

/** Keys published at once. */
export const ANNOUNCE_CONCURRENCY = 4

/** One key's publication. */
export const PROVIDE_TIMEOUT_MS = 10_000
