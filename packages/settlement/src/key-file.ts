import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'
import { isSealed, openSeed, sealSeed } from './key-seal.ts'

const SEED_BYTES = 32
const OWNER_ONLY = 0o600

export interface KeyFileOptions {
  /** protects what is written and opens what is protected */
  readonly passphrase?: string
  /** source of new seeds, `node:crypto` by default */
  random?(bytes: number): Uint8Array
  /** binary logarithm of scrypt's cost, 17 by default */
  readonly log2Cost?: number
}

/**
 * Reads the 32-byte seed in `path` (64 hex digits, or protected by a passphrase), or makes a new one.
 *
 * A new key is written to a temporary file, flushed, and linked into place, so that a crash leaves the whole key or
 * none, and of two processes that start at once both end with the same key.
 *
 * @param path - the key file
 * @param opts - passphrase and source of seeds
 * @throws {CocoonError} file_unusable when the file is malformed or others may read it, key_locked
 */
export async function loadOrCreateKey (path: string, opts: KeyFileOptions = {}): Promise<Uint8Array> {
  const existing = await readKey(path, opts)
  if (existing != null) {
    return existing
  }
  await place(path, (opts.random ?? randomBytes)(SEED_BYTES), opts)
  return loadKey(path, opts)
}

/**
 * Reads a key that must be there.
 *
 * @throws {CocoonError} file_unusable, key_locked
 */
export async function loadKey (path: string, opts: KeyFileOptions = {}): Promise<Uint8Array> {
  const seed = await readKey(path, opts)
  if (seed == null) {
    throw new CocoonError('file_unusable', `there is no key file ${path}`)
  }
  return seed
}

/**
 * Writes a seed to a file that must not be there yet.
 *
 * @throws {CocoonError} key_exists
 */
export async function importKey (path: string, seed: Uint8Array, opts: KeyFileOptions = {}): Promise<void> {
  if (seed.byteLength !== SEED_BYTES) {
    throw new RangeError(`a seed has ${SEED_BYTES} bytes, got ${seed.byteLength}`)
  }
  if (!await place(path, seed, opts)) {
    throw new CocoonError('key_exists', `the key file ${path} is there already`)
  }
}

/**
 * Writes the key anew, protected by another passphrase or, without one, by none.
 *
 * @throws {CocoonError} file_unusable, key_locked
 */
export async function changePassphrase (path: string, from: KeyFileOptions, to: KeyFileOptions): Promise<void> {
  const temporary = await writeBeside(path, await loadKey(path, from), to)
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Returns whether the key was placed; false when a file was there, which stays. */
async function place (path: string, seed: Uint8Array, opts: KeyFileOptions): Promise<boolean> {
  const temporary = await writeBeside(path, seed, opts)
  try {
    await link(temporary, path)
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') {
      return false
    }
    throw err
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
  return true
}

async function writeBeside (path: string, seed: Uint8Array, opts: KeyFileOptions): Promise<string> {
  const text = opts.passphrase == null ? Buffer.from(seed).toString('hex') : await sealSeed(seed, opts.passphrase, opts)
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = join(folder, `.${basename(path)}.${randomBytes(8).toString('hex')}`)
  const file = await open(temporary, 'wx', OWNER_ONLY)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return temporary
}

async function readKey (path: string, opts: KeyFileOptions): Promise<Uint8Array | null> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      throw new CocoonError('file_unusable', `key file ${path} is readable by others: run chmod 600 on it`)
    }
    text = (await readFile(path, 'utf8')).trim()
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return null
    }
    throw err
  }
  if (isSealed(text)) {
    if (opts.passphrase == null) {
      throw new CocoonError('key_locked', `the key file ${path} is protected by a passphrase`)
    }
    return openSeed(text, opts.passphrase)
  }
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CocoonError('file_unusable', `key file ${path} does not hold 64 hex digits`)
  }
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
