import { TOKEN_CLASSES, encodeChunk, runningHashNext } from '@cocoon-net/protocol'
import type { FinishReason } from '@cocoon-net/protocol'
import type { ChunkSealer } from '@cocoon-net/sealing'

export interface PendingToken { readonly id: number, readonly bytes: Uint8Array, readonly class: 'completion' | 'reasoning' }

/** Collects tokens into sealed, padded chunks with running index and hash. */
export interface ChunkWriter {
  readonly pending: number
  /** Running hash after the last token that was sealed. */
  readonly hash: Uint8Array
  add(token: PendingToken): void
  /** Seals what is pending; null when nothing is and the chunk is not final. */
  seal(options: { flush: boolean, finish?: FinishReason }): Uint8Array | null
}

export function createChunkWriter (init: { sealer: ChunkSealer, startHash: Uint8Array, counts(): readonly [number, number] }): ChunkWriter {
  let hash = init.startHash
  let firstIndex = 0
  let first = true
  let tokens: PendingToken[] = []
  return {
    get pending () { return tokens.length },
    get hash () { return hash },
    add: (token) => { tokens.push(token) },
    seal: ({ flush, finish }) => {
      if (tokens.length === 0 && finish == null) {
        return null
      }
      for (const token of tokens) {
        hash = runningHashNext(hash, token.id)
      }
      const plaintext = encodeChunk({
        firstIndex,
        ids: tokens.map(t => t.id),
        utf8: tokens.map(t => t.bytes),
        classes: Uint8Array.from(tokens, t => TOKEN_CLASSES[t.class]),
        hash,
        counts: first ? init.counts() : null,
        final: finish != null,
        flush,
        finish: finish ?? null,
        extra: null
      })
      first = false
      firstIndex += tokens.length
      tokens = []
      return init.sealer.seal(plaintext, { final: finish != null })
    }
  }
}
