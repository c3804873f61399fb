import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import type { CollateralVersions } from '@cocoon-net/attestation'

const FILE_NAME = 'collateral-versions.json'
/** Writing takes some milliseconds: who holds the lock for longer has died. */
const LOCK_TIMEOUT_MS = 2_000
const LOCK_POLL_MS = 10
const versionsSchema = z.record(z.string().max(128), z.int().min(0))

/**
 * The highest versions of collateral that this home has seen; none when it has seen none.
 *
 * @throws {CocoonError} file_unusable: what was remembered is never silently forgotten
 */
export async function readVersions (home: string): Promise<CollateralVersions> {
  const path = join(home, FILE_NAME)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') {
      return {}
    }
    throw new CocoonError('file_unusable', `${path} cannot be read`, { cause: error })
  }
  try {
    return versionsSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new CocoonError('file_unusable', `${path}, which holds the highest versions of collateral seen, is damaged`, { cause })
  }
}

/** Replaces the file as a whole, so that a crash leaves the old one. */
export async function writeVersions (home: string, versions: CollateralVersions): Promise<void> {
  const path = join(home, FILE_NAME)
  const draft = `${path}.${process.pid}`
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    await writeFile(draft, `${JSON.stringify(versions)}\n`, { mode: 0o600 })
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => { /* it was not written either */ })
    throw new CocoonError('file_unusable', `${path} cannot be written`, { cause })
  }
}

/** One process at a time: of two that read before either wrote, the second would lower what the first raised. */
async function inTurn (home: string, timeoutMs: number, work: () => Promise<void>): Promise<void> {
  const lock = join(home, `${FILE_NAME}.lock`)
  // Where nothing can be made, writing fails and says so.
  const isFree = async (): Promise<boolean> => mkdir(lock).then(() => true, (error: NodeJS.ErrnoException) => error.code !== 'EEXIST')
  for (let waitedMs = 0; waitedMs < timeoutMs && !await isFree(); waitedMs += LOCK_POLL_MS) {
    await setTimeout(LOCK_POLL_MS)
  }
  try {
    await work()
  } finally {
    await rmdir(lock).catch(() => { /* another took it for dead */ })
  }
}

/** The versions that a home remembers, while one judgement is made. */
export interface VersionMemory {
  readonly versions: CollateralVersions
  /** Why they cannot be told, or null: then nobody knows whether collateral was rolled back. */
  readonly fault: string | null
  /** Keeps what is higher than before; never touches what could not be read. */
  remember(seen: CollateralVersions): Promise<void>
}

/** For questions about another time: nothing is read, nothing written. */
export const NO_MEMORY: VersionMemory = Object.freeze({ versions: Object.freeze({}), fault: null, remember: async () => {} })

export async function openMemory (home: string, lockTimeoutMs = LOCK_TIMEOUT_MS): Promise<VersionMemory> {
  const { newestVersions } = await import('@cocoon-net/attestation')
  try {
    const versions = await readVersions(home)
    return {
      versions,
      fault: null,
      remember: async seen => {
        if (newestVersions(versions, seen) === versions) {
          return
        }
        await mkdir(home, { recursive: true, mode: 0o700 }).catch(() => { /* writing says so */ })
        await inTurn(home, lockTimeoutMs, async () => { await writeVersions(home, newestVersions(await readVersions(home), seen)) })
      }
    }
  } catch (error) {
    return { ...NO_MEMORY, fault: asCocoonError(error).message }
  }
}
