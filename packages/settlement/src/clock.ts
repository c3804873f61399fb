/** Time, injected: tests move it by hand. */
export interface Clock {
  /** unix milliseconds */
  nowMs (): number
  /** Runs `action` once after `delayMs`; returns what cancels it. */
  schedule (delayMs: number, action: () => void): () => void
}

export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  schedule: (delayMs: number, action: () => void) => {
    const timer = setTimeout(action, delayMs)
    return () => { clearTimeout(timer) }
  }
})

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export async function delay (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      cancel()
      reject(signal.reason)
    }
    const cancel = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
