/** A round trip and a disk write take milliseconds; a peer that needs longer than this to answer is not worth waiting for. */
export const ANSWER_TIMEOUT_MS = 10_000

/** Longest silence in the middle of an answer before the stream counts as dead. */
export const STREAM_IDLE_MS = 30_000

/** A pay stream is quiet between jobs. */
export const PAY_IDLE_MS = 10 * 60_000

/** So is a stream that a client has negotiated for its next request. */
export const REQUEST_IDLE_MS = PAY_IDLE_MS

/** Well inside what the provider waits: a client does not use a negotiated stream that is older. */
export const WARM_STREAM_MS = REQUEST_IDLE_MS * 0.8

/** Tokens wait at most this long for company in a sealed chunk: under a frame of a 50 Hz screen. */
export const FLUSH_MS = 20

/** Tokens that fill a chunk before its flush timer does. */
export const FLUSH_TOKENS = 64

/** Streams of one protocol on one connection: a busy client runs this many jobs at once with one provider. */
export const MAX_JOB_STREAMS = 256

/** Attest, quote and pay need few. */
export const MAX_CONTROL_STREAMS = 16

/** A client asks for offers this often while it is idle; they live five minutes. */
export const REFRESH_OFFERS_MS = 60_000

/** The first look after the start, doubled with each look up to REFRESH_OFFERS_MS. */
export const FIRST_REFRESH_MS = 250

/** Anybody may announce a binding: however many do, providers are verified ahead of requests no more often than this. */
export const WARM_PAUSE_MS = 2_000

/** One look in the background. */
export const REFRESH_TIMEOUT_MS = 5_000

/** "With fewer than eight offers, more": as many a client looks for before it is content. */
export const ENOUGH_OFFERS = 8
