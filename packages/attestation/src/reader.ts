import { CocoonError } from '@cocoon-net/protocol'

/** Reads a vendor's little-endian structure; anything that does not fit is `evidence_malformed`. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor (bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset (): number {
    return this.#offset
  }

  get left (): number {
    return this.#bytes.byteLength - this.#offset
  }

  /** A view, not a copy. */
  take (length: number): Uint8Array {
    if (length > this.left) {
      throw new CocoonError('evidence_malformed', `${length} bytes are missing at ${this.#offset}`)
    }
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }

  u8 (): number {
    return this.take(1)[0]
  }

  u16 (): number {
    const at = this.#offset
    this.take(2)
    return this.#view.getUint16(at, true)
  }

  u32 (): number {
    const at = this.#offset
    this.take(4)
    return this.#view.getUint32(at, true)
  }

  u64 (): bigint {
    const at = this.#offset
    this.take(8)
    return this.#view.getBigUint64(at, true)
  }
}
