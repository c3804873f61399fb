import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'

/** Evidence is a few kB. */
const MAX_EVIDENCE_BYTES = 1_024 * 1_024
/** One byte above what is read as collateral or chain: what is larger is a fault of it, not of the command line. */
const MAX_MATERIAL_BYTES = 262_145
const MAX_FOLDER_ENTRIES = 256
const MAX_FOLDER_FILES = 64

/** At most `maxBytes` of a file, pipe or device; null when it is a folder. */
async function readUpTo (path: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    const file = await open(path)
    try {
      if ((await file.stat()).isDirectory()) {
        return null
      }
      const buffer = new Uint8Array(maxBytes)
      let length = 0
      while (length < maxBytes) {
        const { bytesRead } = await file.read(buffer, length, maxBytes - length)
        if (bytesRead === 0) {
          break
        }
        length += bytesRead
      }
      return buffer.slice(0, length)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new CocoonError('file_unusable', `${path} cannot be read`, { cause })
  }
}

/** @throws {CocoonError} file_unusable for a folder, a file above 1 MiB, or one that cannot be read */
export async function readBounded (path: string): Promise<Uint8Array> {
  const bytes = await readUpTo(path, MAX_EVIDENCE_BYTES + 1)
  if (bytes == null || bytes.byteLength > MAX_EVIDENCE_BYTES) {
    throw new CocoonError('file_unusable', bytes == null ? `${path} is a folder` : `${path} is larger than ${MAX_EVIDENCE_BYTES} bytes`)
  }
  return bytes
}

/**
 * The file at a path, or those files of a folder that are of a known shape. What lies in them is judged later.
 *
 * @throws {CocoonError} file_unusable when the path cannot be read, or the folder holds too much
 */
export async function readMaterialFiles (path: string, isMaterial: (data: Uint8Array) => boolean): Promise<Uint8Array[]> {
  const single = await readUpTo(path, MAX_MATERIAL_BYTES)
  if (single != null) {
    return [single]
  }
  const names = (await readdir(path)).sort()
  if (names.length > MAX_FOLDER_ENTRIES) {
    throw new CocoonError('file_unusable', `${path} holds more than ${MAX_FOLDER_ENTRIES} files`)
  }
  const files: Uint8Array[] = []
  for (const name of names) {
    // Only what has an end: a pipe in a folder is nobody's collateral.
    const info = await stat(join(path, name)).catch(() => null)
    const data = info?.isFile() === true ? await readUpTo(join(path, name), MAX_MATERIAL_BYTES) : null
    if (data != null && isMaterial(data)) {
      files.push(data)
    }
  }
  if (files.length > MAX_FOLDER_FILES) {
    throw new CocoonError('file_unusable', `${path} holds more than ${MAX_FOLDER_FILES} files of collateral`)
  }
  return files
}
