/** Tokens evaluated between two looks at the abort signal while a prompt is read. */
export const PROMPT_CHUNK_TOKENS = 512

/** Jobs that may wait per parallel sequence before `no_room`: one job's length of patience. */
export const QUEUE_PER_SEQUENCE = 2

/** What a refused client is told to wait. */
export const NO_ROOM_RETRY_MS = 1_000

/** Longest time a job waits for a sequence before `no_room`. */
export const QUEUE_WAIT_MS = 30_000

/** Used when a request names none; llama.cpp and most servers lie between 0.7 and 0.8. */
export const DEFAULT_TEMPERATURE = 0.7

/** OpenAI allows four stop strings. */
export const MAX_STOP_STRINGS = 4

/** Bytes of one stop string: bounds the text that is held back. */
export const MAX_STOP_BYTES = 256

/** A JSON schema larger than this is refused before it is compiled. */
export const MAX_SCHEMA_BYTES = 16_384

/** The nesting of a JSON schema that the grammar compiler is given. */
export const MAX_SCHEMA_DEPTH = 32

/** A server's first response byte must come within this time. */
export const CONNECT_TIMEOUT_MS = 60_000

/** Longest silence inside a stream. */
export const IDLE_TIMEOUT_MS = 30_000

/** Longest SSE line accepted from a server. */
export const MAX_LINE_BYTES = 1_048_576

/** Bytes of an error body that are read. */
export const MAX_ERROR_BYTES = 8_192

/** How long `stop()` waits for running jobs to notice before their memory is taken away. */
export const STOP_WAIT_MS = 2_000
