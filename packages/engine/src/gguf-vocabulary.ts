import { createHash } from 'node:crypto'

/** The part of a GGUF's metadata that is read here. */
export interface TokenizerMetadata {
  readonly [key: string]: unknown
  readonly tokens?: readonly string[]
  readonly token_type?: readonly number[]
  readonly model?: string
}

// Token types of the GGUF specification, `tokenizer.ggml.token_type`.
const CONTROL = 3
const BYTE = 6

/**
 * The bytes of each token, as the model's own vocabulary gives them. A decoder to text cannot do this: a token may be a
 * part of a code point.
 */
export class GgufVocabulary {
  /** Texts of the tokens that have a meaning beside their letters, longest first. */
  readonly specials: ReadonlyArray<readonly [text: string, id: number]>
  readonly size: number
  /** 32 bytes over every key of `tokenizer.ggml`. */
  readonly digest: Uint8Array
  private readonly tokens: readonly string[]
  private readonly types: readonly number[]
  private readonly byteLevel: boolean
  private readonly fromUnicode = byteLevelAlphabet()

  constructor (metadata: TokenizerMetadata) {
    this.tokens = metadata.tokens ?? []
    this.types = metadata.token_type ?? []
    this.byteLevel = metadata.model === 'gpt2'
    this.size = this.tokens.length
    this.specials = this.tokens
      .map((text, id): readonly [string, number] => [text, id])
      .filter(([text, id]) => this.types[id] === CONTROL && text.length > 0)
      .sort((a, b) => b[0].length - a[0].length)
    this.digest = digestOf(metadata)
  }

  isControl (id: number): boolean {
    return this.types[id] === CONTROL
  }

  /** The id of a token with exactly this text, or undefined. */
  find (text: string): number | undefined {
    const id = this.tokens.indexOf(text)

    return id < 0 ? undefined : id
  }

  /** A control token has no bytes of its own. */
  bytesOf (id: number): Uint8Array {
    const text = this.tokens[id]

    if (text == null || this.types[id] === CONTROL) {
      return new Uint8Array()
    }

    if (this.types[id] === BYTE) {
      return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16))
    }

    if (!this.byteLevel) {
      return Buffer.from(text.replaceAll('\u2581', ' '))
    }

    const bytes: number[] = []

    for (const letter of text) {
      const byte = this.fromUnicode.get(letter)

      if (byte == null) {
        return Buffer.from(text)
      }

      bytes.push(byte)
    }

    return Uint8Array.from(bytes)
  }
}

/** The printable stand-in of every byte in a byte-level BPE vocabulary (GPT-2): printable Latin-1 is itself, the rest starts at U+0100. */
function byteLevelAlphabet (): Map<string, number> {
  const map = new Map<string, number>()
  let next = 0x100

  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    map.set(String.fromCodePoint(printable ? byte : next++), byte)
  }

  return map
}

function digestOf (metadata: TokenizerMetadata): Uint8Array {
  const hash = createHash('sha256')

  for (const key of Object.keys(metadata).sort()) {
    hash.update(JSON.stringify([key, metadata[key]], (_, value: unknown) => typeof value === 'bigint' ? value.toString() : value))
    hash.update('\n')
  }

  return new Uint8Array(hash.digest())
}
