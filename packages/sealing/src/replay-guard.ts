import { CocoonError, sha256, toHex } from '@cocoon-net/protocol'

export interface ReplayGuardInit {
  readonly now: () => number
  /** Requests remembered at once; each takes about 150 bytes. */
  readonly maxEntries?: number
}

/** 100,000 requests in six hours are five a second, for one provider's HPKE key. */
const DEFAULT_MAX_ENTRIES = 100_000

/**
 * Remembers sealed requests until their binding ends. When it is full it refuses new ones rather than forget: what it
 * forgot could be replayed.
 */
export class ReplayGuard {
  readonly #seen = new Map<string, number>()
  readonly #now: () => number
  readonly #maxEntries: number

  constructor (init: ReplayGuardInit) {
    this.#now = init.now
    this.#maxEntries = init.maxEntries ?? DEFAULT_MAX_ENTRIES
  }

  /** @throws {CocoonError} request_replayed, no_room, binding_unknown when the binding has ended */
  insert (ciphertext: Uint8Array, notAfterMs: number): void {
    const nowMs = this.#now()
    if (notAfterMs <= nowMs) {
      throw new CocoonError('binding_unknown')
    }
    const key = toHex(sha256(ciphertext))
    if (this.#seen.has(key)) {
      throw new CocoonError('request_replayed')
    }
    if (this.#seen.size >= this.#maxEntries) {
      for (const [old, endMs] of this.#seen) {
        if (endMs <= nowMs) {
          this.#seen.delete(old)
        }
      }
      if (this.#seen.size >= this.#maxEntries) {
        throw new CocoonError('no_room', 'too many requests in the life of this binding', { retryAfterMs: 60_000 })
      }
    }
    this.#seen.set(key, notAfterMs)
  }

  get size (): number {
    return this.#seen.size
  }
}
