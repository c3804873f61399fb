/** Work that is asked for more often than it is done. */
export interface Coalesced {
  /** Does the work now, or once the pause since the last time is over; whatever is asked for meanwhile is one. */
  ask(): void
  stop(): void
}

export interface CoalescedInit {
  readonly pauseMs: number
  /** Never throws. */
  work (): Promise<void>
  /** Default: a timer that keeps no process alive. The returned function takes it back. */
  schedule? (ms: number, action: () => void): () => void
}

function timer (ms: number, action: () => void): () => void {
  const handle = setTimeout(action, ms)
  handle.unref()
  return () => { clearTimeout(handle) }
}

export function coalesced ({ pauseMs, work, schedule = timer }: CoalescedInit): Coalesced {
  let isAsked = false
  let isStopped = false
  /** Set from the beginning of the work to the end of the pause. */
  let isBusy = false
  let forget = (): void => {}
  const run = (): void => {
    isAsked = false
    isBusy = true
    void work().finally(() => {
      if (isStopped) {
        return
      }
      forget = schedule(pauseMs, () => {
        isBusy = false
        if (isAsked) {
          run()
        }
      })
    })
  }
  return {
    ask: () => {
      isAsked = true
      if (!isBusy && !isStopped) {
        run()
      }
    },
    stop: () => {
      isStopped = true
      forget()
    }
  }
}
