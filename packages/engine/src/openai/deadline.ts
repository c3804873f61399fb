/** One timer that aborts a signal unless it is set again in time. */
export class Deadline {
  private readonly controller = new AbortController()
  private timer: ReturnType<typeof setTimeout>

  constructor (timeoutMs: number) {
    this.timer = this.arm(timeoutMs)
  }

  get signal (): AbortSignal {
    return this.controller.signal
  }

  restart (timeoutMs: number): void {
    this.clear()
    this.timer = this.arm(timeoutMs)
  }

  clear (): void {
    clearTimeout(this.timer)
  }

  private arm (timeoutMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => { this.controller.abort() }, timeoutMs)
  }
}
