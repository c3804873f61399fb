import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { CocoonError, modelDigest } from '@cocoon-net/protocol'
import type { ModelFile } from '@cocoon-net/protocol'

/** Path of a single GGUF in the digest's list, so that the digest does not depend on the file's name. */
export const GGUF_PATH = 'model.gguf'

/** A file on disk and the path it has inside the model. */
export interface ModelFileSource {
  readonly path: string
  readonly file: string
}

/**
 * The model digest (32 bytes): SHA-256 of the deterministic CBOR list `[[path, sha256, size], …]` sorted by path. Reads
 * every byte of every file.
 *
 * @throws {CocoonError} file_unusable
 */
export async function digestModelFiles (files: readonly ModelFileSource[]): Promise<Uint8Array> {
  const list: ModelFile[] = []

  for (const { path, file } of files) {
    const hash = createHash('sha256')
    let sizeBytes = 0

    try {
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
        hash.update(chunk)
        sizeBytes += chunk.length
      }
    } catch (error) {
      throw new CocoonError('file_unusable', `The model file cannot be read: ${file}`, { cause: error })
    }

    list.push({ path, sha256: new Uint8Array(hash.digest()), sizeBytes })
  }

  return modelDigest(list)
}
