const PATIENCE_MS = 20_000

/** Resolves once `check` holds, asking again at each turn of the event loop's timers; says what did not come when the wait is vain. */
export async function eventually (check: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!await check()) {
    if (Date.now() > endMs) {
      throw new Error(`never came true: ${check.toString()}`)
    }
    await new Promise(resolve => { setTimeout(resolve, 5) })
  }
}
