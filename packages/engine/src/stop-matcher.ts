import type { TokenClass } from './engine.ts'

/** A decoded token on its way out. */
export interface Piece {
  readonly id: number
  readonly bytes: Uint8Array
  readonly class: TokenClass
}

export interface StopResult {
  /** What may leave now. */
  readonly release: readonly Piece[]
  /** True once a stop string was met; nothing more may be pushed. */
  readonly stopped: boolean
}

/**
 * Finds stop strings in a stream of tokens, whatever way they are cut. Bytes that could still become a stop string are
 * held back. When one is complete, tokens before it leave, a token that straddles its start leaves with the bytes
 * before it, and the rest is dropped. Matching is on UTF-8 bytes: the earliest end wins, and of those the earliest start.
 */
export class StopMatcher {
  private readonly stops: Uint8Array[]
  private readonly longest: number
  private held: Piece[] = []
  private heldBytes: number[] = []

  constructor (stops: readonly string[]) {
    const encoder = new TextEncoder()
    this.stops = stops.filter(stop => stop.length > 0).map(stop => encoder.encode(stop))
    this.longest = this.stops.reduce((most, stop) => Math.max(most, stop.length), 0)
  }

  push (piece: Piece): StopResult {
    if (this.longest === 0) {
      return { release: [piece], stopped: false }
    }

    this.held.push(piece)

    for (const byte of piece.bytes) {
      this.heldBytes.push(byte)
      const start = this.matchAtEnd()

      if (start >= 0) {
        return { release: this.takeBefore(start), stopped: true }
      }
    }

    return { release: this.takeSafe(), stopped: false }
  }

  /** What was held when the stream ended without a stop string. */
  flush (): readonly Piece[] {
    const rest = this.held
    this.held = []
    this.heldBytes = []

    return rest
  }

  /** Index where a stop string that ends with the last byte begins, or -1. */
  private matchAtEnd (): number {
    let best = -1

    for (const stop of this.stops) {
      const start = this.heldBytes.length - stop.length

      if (start >= 0 && (best < 0 || start < best) && this.equalAt(start, stop, stop.length)) {
        best = start
      }
    }

    return best
  }

  private equalAt (start: number, stop: Uint8Array, length: number): boolean {
    for (let i = 0; i < length; i++) {
      if (this.heldBytes[start + i] !== stop[i]) {
        return false
      }
    }

    return true
  }

  /** Whole tokens that lie before the first byte that could begin a stop string. */
  private takeSafe (): Piece[] {
    const total = this.heldBytes.length
    let safe = total

    for (let start = Math.max(0, total - this.longest + 1); start < total; start++) {
      if (this.stops.some(stop => total - start < stop.length && this.equalAt(start, stop, total - start))) {
        safe = start
        break
      }
    }

    const release: Piece[] = []
    let used = 0

    while (this.held.length > 0 && used + this.held[0].bytes.length <= safe) {
      used += this.held[0].bytes.length
      release.push(this.held[0])
      this.held.shift()
    }

    this.heldBytes.splice(0, used)

    return release
  }

  private takeBefore (start: number): Piece[] {
    const release: Piece[] = []
    let at = 0

    for (const piece of this.held) {
      if (at >= start) {
        break
      }

      release.push(at + piece.bytes.length <= start ? piece : { ...piece, bytes: piece.bytes.subarray(0, start - at) })
      at += piece.bytes.length
    }

    this.flush()

    return release
  }
}
