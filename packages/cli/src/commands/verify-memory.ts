import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import type { CollateralVersions } from '@cocoon-net/attestation'

const FILE_NAME = 'collateral-versions.json'
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

export async function openMemory (home: string): Promise<VersionMemory> {
  const { newestVersions } = await import('@cocoon-net/attestation')
  try {
    const versions = await readVersions(home)
    return {
      versions,
      fault: null,
      remember: async seen => {
        const newest = newestVersions(versions, seen)
        if (newest !== versions) {
          await writeVersions(home, newest)
        }
      }
    }
  } catch (error) {
    return { ...NO_MEMORY, fault: asCocoonError(error).message }
  }
}
