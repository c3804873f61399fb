/** A quote takes some 50 ms, a GPU's transcript a second; a firmware that is asked too often makes its callers wait. */
export const COLLECT_TIMEOUT_MS = 30_000
