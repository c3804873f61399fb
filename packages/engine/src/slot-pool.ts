import { CocoonError } from '@cocoon-net/protocol'
import { NO_ROOM_RETRY_MS } from './constants.ts'

interface Waiter<T> {
  resolve(item: T): void
  reject(error: Error): void
}

export interface SlotPoolInit {
  /** Jobs that may wait; the next one gets `no_room`. */
  readonly maxQueue: number
  readonly maxWaitMs: number
}

/** A fixed set of things that one job at a time may hold, with a bounded, first-come queue. */
export class SlotPool<T> {
  readonly total: number
  private readonly free: T[]
  private readonly waiters = new Set<Waiter<T>>()
  private readonly init: SlotPoolInit

  constructor (items: readonly T[], init: SlotPoolInit) {
    this.free = [...items]
    this.total = items.length
    this.init = init
  }

  get busy (): number {
    return this.total - this.free.length
  }

  /** @throws {CocoonError} no_room when the queue is full or the wait was too long; job_cancelled when the signal fires */
  async acquire (signal?: AbortSignal): Promise<T> {
    if (signal?.aborted === true) {
      throw new CocoonError('job_cancelled')
    }

    const item = this.free.pop()

    if (item !== undefined) {
      return item
    }

    if (this.waiters.size >= this.init.maxQueue) {
      throw new CocoonError('no_room', 'The engine\'s queue is full.', { retryAfterMs: NO_ROOM_RETRY_MS })
    }

    return this.wait(signal)
  }

  release (item: T): void {
    const [first] = this.waiters

    if (first == null) {
      this.free.push(item)
    } else {
      first.resolve(item)
    }
  }

  /** Refuses all that wait. */
  close (): void {
    for (const waiter of [...this.waiters]) {
      waiter.reject(new CocoonError('engine_unavailable', 'The engine was stopped.'))
    }
  }

  private async wait (signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.waiters.delete(waiter)
      }
      const waiter: Waiter<T> = {
        resolve: item => { settle(); resolve(item) },
        reject: error => { settle(); reject(error) }
      }
      const onAbort = (): void => { waiter.reject(new CocoonError('job_cancelled')) }
      const timer = setTimeout(() => {
        waiter.reject(new CocoonError('no_room', 'No sequence became free in time.', { retryAfterMs: NO_ROOM_RETRY_MS }))
      }, this.init.maxWaitMs)

      signal?.addEventListener('abort', onAbort, { once: true })
      this.waiters.add(waiter)
    })
  }
}
