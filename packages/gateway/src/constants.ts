/** A little under the largest sealed request frame (4 MiB), so that what passes here also fits the wire. */
export const DEFAULT_MAX_BODY_BYTES = 3 * 1_024 * 1_024

/** Names that reach this machine only, and the one that embedded nodes are addressed by. */
export const DEFAULT_ALLOWED_HOSTS: readonly string[] = Object.freeze(['localhost', '127.0.0.1', '[::1]', 'cocoon.local'])

/** A body on loopback arrives at once; ten seconds forgive a slow disk behind curl. */
export const BODY_DEADLINE_MS = 10_000

/** Finding, verifying and opening a lane take seconds on a real chain; a queue in front of the engine takes more. */
export const FIRST_TOKEN_DEADLINE_MS = 120_000

/** A provider that is silent for this long in mid-answer is gone: the layers below failed to notice. */
export const IDLE_DEADLINE_MS = 60_000

/** The last receipt is one round trip after the last token. */
export const SUMMARY_DEADLINE_MS = 15_000

/** Jobs at once; each holds a few kilobytes. More than one user's applications need. */
export const MAX_CONCURRENT_JOBS = 256

/** Text of one answer that is gathered for a response without streaming: far above any model's context. */
export const MAX_ANSWER_CHARACTERS = 16 * 1_024 * 1_024

/** Bodies of administration requests are a few settings. */
export const ADMIN_MAX_BODY_BYTES = 64 * 1_024

/** Open streams get this long to end by themselves when the server stops. */
export const STOP_GRACE_MS = 1_000

/** Label values per metric that one process keeps; what comes after is counted as `other`. */
export const MAX_LABEL_SETS = 512

export const DEFAULT_GATEWAY_PORT = 10_000
// 10001 is where a local network has its chain.
export const DEFAULT_ADMIN_PORT = 10_002
