import { CocoonError, sha256, toHex } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'

export interface ParseOnceInit {
  /** Names the thing in messages, with its article. */
  readonly what: string
  /** Larger ones are refused before they are read. */
  readonly maxBytes: number
  /** Parses that are kept; issuers and their lists are the same for thousands of providers. */
  readonly maxKept: number
}

/**
 * Makes a parser out of a step that throws whatever it likes: bounded, and not run twice on the same bytes, for parsing
 * is most of the cost of a verification. What is kept is the parse, never a verdict. The step gets the bytes as a copy
 * that nobody writes to, and their SHA-256 in hex. The parser throws CocoonError only, evidence_malformed unless the
 * step's own error says otherwise.
 */
export function parseOnce<T extends object> (init: ParseOnceInit, convert: (data: Uint8Array, id: string) => T): (data: Uint8Array) => T {
  const kept = new LRUCache<string, T>({ max: init.maxKept })
  return data => {
    if (data.byteLength > init.maxBytes) {
      throw new CocoonError('evidence_malformed', `${init.what} is too large`)
    }
    const id = toHex(sha256(data))
    const known = kept.get(id)
    if (known != null) {
      return known
    }
    try {
      const value = convert(data.slice(), id)
      kept.set(id, value)
      return value
    } catch (error) {
      throw error instanceof CocoonError ? error : new CocoonError('evidence_malformed', `${init.what} cannot be parsed`, { cause: error })
    }
  }
}
