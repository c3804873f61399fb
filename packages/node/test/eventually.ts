/** Resolves once `check` holds, asking again at each turn of the event loop's timers; mocha's timeout ends a vain wait. */
export async function eventually (check: () => boolean | Promise<boolean>): Promise<void> {
  while (!await check()) {
    await new Promise(resolve => { setTimeout(resolve, 5) })
  }
}
