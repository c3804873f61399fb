import { CocoonError, sha256, toHex } from '@cocoon-net/protocol'

export interface ReplayGuardInit {
  /** Unix milliseconds. */
  now (): number
  /** Requests remembered at once; each takes about 150 bytes. */
  readonly maxEntries?: number
}

/** 100,000 requests in six hours are five a second, for one provider's HPKE key: some 15 MB. */
const DEFAULT_MAX_ENTRIES = 100_000

/**
 * Remembers sealed requests until their binding ends. When it is full it refuses new ones rather than forget, because
 * what it forgot could be replayed. Nothing is kept over a restart: the HPKE key dies with the process as well.
 */
export class ReplayGuard {
  /** Hashes by the end of their binding, so that whole bindings are dropped at once. */
  readonly #byEnd = new Map<number, Set<string>>()
  readonly #now: () => number
  readonly #maxEntries: number
  #size = 0

  constructor (init: ReplayGuardInit) {
    this.#now = init.now
    this.#maxEntries = init.maxEntries ?? DEFAULT_MAX_ENTRIES
  }

  /**
   * Checks and remembers in one step. `notAfterMs` is the end of the binding that the request was sealed to.
   *
   * @throws {CocoonError} request_replayed; no_room when full; binding_unknown when the binding has ended
   */
  insert (ciphertext: Uint8Array, notAfterMs: number): void {
    const nowMs = this.#now()
    if (notAfterMs <= nowMs) {
      throw new CocoonError('binding_unknown')
    }
    const key = toHex(sha256(ciphertext))
    // A provider has few bindings alive, so this loop is short.
    for (const [endMs, keys] of this.#byEnd) {
      if (endMs <= nowMs) {
        this.#byEnd.delete(endMs)
        this.#size -= keys.size
      } else if (keys.has(key)) {
        throw new CocoonError('request_replayed')
      }
    }
    if (this.#size >= this.#maxEntries) {
      throw new CocoonError('no_room', 'too many requests in the life of this binding', { retryAfterMs: this.#untilRoomMs(nowMs) })
    }
    let keys = this.#byEnd.get(notAfterMs)
    if (keys == null) {
      keys = new Set()
      this.#byEnd.set(notAfterMs, keys)
    }
    keys.add(key)
    this.#size++
  }

  /** Requests remembered now. */
  get size (): number {
    return this.#size
  }

  #untilRoomMs (nowMs: number): number {
    return Math.min(...this.#byEnd.keys()) - nowMs
  }
}
