import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'

const SEED_BYTES = 32
const OWNER_ONLY = 0o600

/**
 * Reads the 32-byte seed in `path` (64 hex digits), or makes a new one.
 *
 * A new key is written to a temporary file, flushed, and linked into place, so
 * that a crash leaves the whole key or none, and of two processes that start
 * at once both end with the same key.
 *
 * @param path - the key file
 * @param opts - options
 * @param opts.random - source of new seeds, `node:crypto` by default
 * @throws {CocoonError} `file_unusable` when the file is malformed or others may read it
 */
export async function loadOrCreateKey (path: string, opts: { random?(bytes: number): Uint8Array } = {}): Promise<Uint8Array> {
  const existing = await readKey(path)
  if (existing != null) {
    return existing
  }
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const seed = (opts.random ?? randomBytes)(SEED_BYTES)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(8).toString('hex')}`)
  const file = await open(temporary, 'wx', OWNER_ONLY)
  try {
    await file.writeFile(`${Buffer.from(seed).toString('hex')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(temporary, path)
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw err
    }
  } finally {
    await unlink(temporary)
  }
  await syncFolder(folder)
  const written = await readKey(path)
  if (written == null) {
    throw new CocoonError('file_unusable', `key file ${path} vanished while it was created`)
  }
  return written
}

async function readKey (path: string): Promise<Uint8Array | null> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      throw new CocoonError('file_unusable', `key file ${path} is readable by others: run chmod 600 on it`)
    }
    text = await readFile(path, 'utf8')
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return null
    }
    throw err
  }
  const hex = text.trim()
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new CocoonError('file_unusable', `key file ${path} does not hold 64 hex digits`)
  }
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
