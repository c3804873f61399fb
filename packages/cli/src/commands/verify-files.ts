import { constants } from 'node:fs'
import { open, opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CocoonError } from '@cocoon-net/protocol'
import type { FileHandle } from 'node:fs/promises'

/** Evidence is a few kB. */
const MAX_EVIDENCE_BYTES = 1_024 * 1_024
/** One byte above what is read as collateral or chain: what is larger is a fault of it, not of the command line. */
const MAX_MATERIAL_BYTES = 262_145
const MAX_FOLDER_ENTRIES = 256
const MAX_FOLDER_FILES = 64
/** All that is read of one folder: collateral of several platforms has some 200 kB. */
const MAX_FOLDER_BYTES = 8 * 1_024 * 1_024
/** How long a pipe may say nothing. */
const PIPE_TIMEOUT_MS = 5_000
const PIPE_POLL_MS = 10

export interface ReadOptions {
  /** How long to wait for a pipe, milliseconds. */
  readonly pipeTimeoutMs?: number
}

/** What collateral or chain was found, and why some of it could not be read. */
export interface MaterialFiles { readonly files: readonly Uint8Array[], readonly faults: readonly string[] }

/** At most `maxBytes` of a file, pipe or device; null when it is a folder. */
async function readUpTo (path: string, maxBytes: number, options: ReadOptions = {}): Promise<Uint8Array | null> {
  try {
    // Else opening a pipe that nobody writes to never ends.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return (await file.stat()).isDirectory() ? null : await readOpen(file, maxBytes, options.pipeTimeoutMs ?? PIPE_TIMEOUT_MS)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new CocoonError('file_unusable', `${path} cannot be read`, { cause })
  }
}

async function readOpen (file: FileHandle, maxBytes: number, pipeTimeoutMs: number): Promise<Uint8Array> {
  const isPipe = (await file.stat()).isFIFO()
  const buffer = new Uint8Array(maxBytes)
  let length = 0
  for (let idleMs = 0; length < maxBytes;) {
    const count = await readSome(file, buffer, length)
    // A pipe without a writer seems to be at its end before it has begun.
    const isEarly = count == null || (count === 0 && isPipe && length === 0)
    if (!isEarly && count === 0) {
      break
    }
    if (isEarly && idleMs >= pipeTimeoutMs) {
      throw new CocoonError('timeout', 'nothing came through the pipe')
    }
    if (isEarly) {
      await setTimeout(PIPE_POLL_MS)
    }
    idleMs = isEarly ? idleMs + PIPE_POLL_MS : 0
    length += count ?? 0
  }
  return buffer.slice(0, length)
}

/** How many bytes came; null when there is nothing yet. */
async function readSome (file: FileHandle, buffer: Uint8Array, offset: number): Promise<number | null> {
  try {
    return (await file.read(buffer, offset, buffer.byteLength - offset)).bytesRead
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
      return null
    }
    throw error
  }
}

/**
 * @throws {CocoonError} file_unusable for a folder, a file above 1 MiB, or one that cannot be read
 */
export async function readBounded (path: string, options?: ReadOptions): Promise<Uint8Array> {
  const bytes = await readUpTo(path, MAX_EVIDENCE_BYTES + 1, options)
  if (bytes == null || bytes.byteLength > MAX_EVIDENCE_BYTES) {
    throw new CocoonError('file_unusable', bytes == null ? `${path} is a folder` : `${path} is larger than ${MAX_EVIDENCE_BYTES} bytes`)
  }
  return bytes
}

/**
 * The file at a path, or those files of a folder that are of a known shape; folders in it are passed over. What lies in
 * them is judged later; what cannot be read is a fault of the collateral or chain, not of the command line.
 */
export async function readMaterialFiles (path: string, isMaterial: (data: Uint8Array) => boolean, options?: ReadOptions): Promise<MaterialFiles> {
  try {
    const single = await readUpTo(path, MAX_MATERIAL_BYTES, options)
    return { files: single == null ? await readFolder(path, isMaterial) : [single], faults: [] }
  } catch (error) {
    return { files: [], faults: [error instanceof CocoonError ? error.message : `${path} cannot be read`] }
  }
}

/** @throws {CocoonError} file_unusable when it holds too much, or a file of it cannot be read */
async function readFolder (path: string, isMaterial: (data: Uint8Array) => boolean): Promise<Uint8Array[]> {
  const files: Uint8Array[] = []
  let readBytes = 0
  for (const name of await namesIn(path)) {
    // Only what has an end: a pipe in a folder is nobody's collateral.
    const info = await stat(join(path, name)).catch(() => null)
    const data = info?.isFile() === true ? await readUpTo(join(path, name), MAX_MATERIAL_BYTES) : null
    readBytes += data?.byteLength ?? 0
    if (readBytes > MAX_FOLDER_BYTES) {
      throw new CocoonError('file_unusable', `${path} holds more than ${MAX_FOLDER_BYTES} bytes`)
    }
    if (data != null && isMaterial(data)) {
      files.push(data)
    }
  }
  if (files.length > MAX_FOLDER_FILES) {
    throw new CocoonError('file_unusable', `${path} holds more than ${MAX_FOLDER_FILES} files of collateral`)
  }
  return files
}

/** Sorted, so that a report does not depend on the file system. */
async function namesIn (path: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of await opendir(path)) {
    if (names.length === MAX_FOLDER_ENTRIES) {
      throw new CocoonError('file_unusable', `${path} holds more than ${MAX_FOLDER_ENTRIES} files`)
    }
    names.push(name)
  }
  return names.sort()
}
