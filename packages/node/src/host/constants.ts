/** A home or small server holds this many sockets easily; each costs a few dozen kB with its muxer. */
export const MAX_CONNECTIONS = 512

/** A light node talks to a bootstrap, a few DHT peers and a few providers. */
export const MAX_CONNECTIONS_LIGHT = 128

/** New connections a second from one public address: a household behind one NAT restarts its nodes at once, no more. */
export const INBOUND_PER_SECOND = 8

/** On a devnet every peer shares one loopback address. */
export const INBOUND_PER_SECOND_DEVNET = 500

/** Handshakes under way at once: each is a signature and a key agreement, about a millisecond of CPU. */
export const MAX_PENDING_INBOUND = 64

/** A peer that has not answered a dial by then is not worth a client's wait. */
export const DIAL_TIMEOUT_MS = 5_000

/** A handshake takes three round trips; a slow link needs well under this. */
export const UPGRADE_TIMEOUT_MS = 5_000

/**
 * Streams of one connection: yamux would allow 1,000. A busy gateway runs up to 256 jobs with one provider, beside pay,
 * quote, DHT and gossip streams; twice that leaves room for those closing.
 */
export const MAX_STREAMS_PER_CONNECTION = 512

/** DHT streams live for one message each way. */
export const MAX_DHT_STREAMS = 32

/** Kademlia queries ask peers near the key at once: enough to hide one dead peer, few enough for a small node. */
export const DHT_ALPHA = 3

/** How long the initial self-query waits after start; our own searches do not wait for it. */
export const INITIAL_SELF_QUERY_MS = 250

/** Redialling a lost bootstrap peer: first delay, and the longest. */
export const BOOTSTRAP_RETRY_MS = 250
export const BOOTSTRAP_RETRY_MAX_MS = 30_000

/** How often a connection to each bootstrap peer is checked. */
export const BOOTSTRAP_CHECK_MS = 15_000

/** A gossip message is one offer in its envelope; room for an attestation announcement. */
export const MAX_GOSSIP_BYTES = 8 * 1_024

/**
 * A connection whose ping fails is given up, and with it every job on it: so the ping waits far longer than a busy
 * machine ever keeps it, and a slow one does not stand in the way of the next (the library allows one, and fails it).
 */
export const PING_INTERVAL_MS = 20_000
export const PING_TIMEOUT_MS = 15_000
export const MAX_PING_STREAMS = 8
