import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'
import { MAX_OUTBLOB_BYTES, MAX_REPORT_TRIES } from './constants.ts'

/** Where Linux offers reports of a TDX or SEV-SNP guest. */
export const TSM_DIRECTORY = '/sys/kernel/config/tsm/report'

const DRIVERS = Object.freeze({ tdx_guest: 'tdx', sev_guest: 'snp' } as const)
export type GuestKind = typeof DRIVERS[keyof typeof DRIVERS]

/** What is done to the kernel's directory: making one in it makes a request, and reading a file may run firmware. */
export interface ReportFiles {
  mkdir(path: string): Promise<void>
  readFile(path: string): Promise<Uint8Array>
  writeFile(path: string, data: Uint8Array): Promise<void>
  rmdir(path: string): Promise<void>
}

const systemFiles: ReportFiles = {
  mkdir: async (path) => { await mkdir(path) },
  readFile: async (path) => readFile(path),
  // Opened for writing only, as the kernel demands of `inblob`.
  writeFile: async (path, data) => { await writeFile(path, data) },
  rmdir: async (path) => { await rmdir(path) }
}

export interface TsmInit {
  /** Default: TSM_DIRECTORY. */
  readonly directory?: string
  readonly files?: ReportFiles
}

/** A report as the kernel gives it. */
export interface TsmReport {
  readonly kind: GuestKind
  /** The quote or report, in its vendor's format. */
  readonly outblob: Uint8Array
  /** Certificates that the host gave with it; empty when there are none. */
  readonly auxblob: Uint8Array
}

function missing (message: string, cause?: unknown): CocoonError {
  return new CocoonError('evidence_missing', message, { cause })
}

function codeOf (error: unknown): unknown {
  return (error as NodeJS.ErrnoException | null)?.code
}

/** Another request runs, or changed this one: not a fault. */
const PASSING = new Set<unknown>(['EAGAIN', 'EBUSY', 'EINTR', 'EWOULDBLOCK'])

/** Makes a request of its own, and takes it away again. */
async function withRequest<T> (init: TsmInit, use: (path: string, files: ReportFiles) => Promise<T>): Promise<T> {
  const { directory = TSM_DIRECTORY, files = systemFiles } = init
  const path = join(directory, `cocoon-${randomUUID()}`)
  try {
    await files.mkdir(path)
  } catch (error) {
    throw missing(`this machine offers no attestation reports in ${directory}`, error)
  }
  try {
    return await use(path, files)
  } finally {
    await files.rmdir(path).catch(() => { /* the kernel forgets it when the guest ends */ })
  }
}

async function readText (files: ReportFiles, path: string): Promise<string> {
  return new TextDecoder().decode(await files.readFile(path)).trim()
}

async function kindOf (path: string, files: ReportFiles): Promise<GuestKind> {
  const driver = await readText(files, join(path, 'provider'))
  if (!Object.hasOwn(DRIVERS, driver)) {
    throw missing(`the kernel's driver ${JSON.stringify(driver.slice(0, 32))} is neither TDX's nor SEV-SNP's`)
  }
  return DRIVERS[driver as keyof typeof DRIVERS]
}

/**
 * Which hardware this guest runs on.
 *
 * @throws {CocoonError} evidence_missing
 */
export async function guestKind (init: TsmInit): Promise<GuestKind> {
  return withRequest(init, async (path, files) => {
    try {
      return await kindOf(path, files)
    } catch (error) {
      throw error instanceof CocoonError ? error : missing('the kernel does not say which hardware it runs on', error)
    }
  })
}

async function generationOf (path: string, files: ReportFiles): Promise<number> {
  const text = await readText(files, join(path, 'generation'))
  if (!/^\d{1,15}$/.test(text)) {
    throw missing('the kernel\'s generation is not a number')
  }
  return Number(text)
}

async function optional (files: ReportFiles, path: string): Promise<Uint8Array> {
  try {
    return await files.readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      return new Uint8Array(0)
    }
    throw error
  }
}

/** Null when the request was changed by others meanwhile: what was read may commit to their data. */
async function tryReport (path: string, files: ReportFiles, reportData: Uint8Array): Promise<TsmReport | null> {
  const expected = await generationOf(path, files) + 1
  await files.writeFile(join(path, 'inblob'), reportData)
  const outblob = await files.readFile(join(path, 'outblob'))
  const auxblob = await optional(files, join(path, 'auxblob'))
  if (await generationOf(path, files) !== expected) {
    return null
  }
  if (outblob.byteLength === 0 || outblob.byteLength > MAX_OUTBLOB_BYTES || auxblob.byteLength > MAX_OUTBLOB_BYTES) {
    throw missing(`the kernel's report has ${outblob.byteLength} bytes`)
  }
  return { kind: await kindOf(path, files), outblob: outblob.slice(), auxblob: auxblob.slice() }
}

/**
 * One report over 64 bytes of data through Linux's configfs TSM interface (Documentation/ABI/testing/configfs-tsm-report).
 * Each writing raises `generation`, so a report between two equal readings commits to what was written between them.
 *
 * @throws {CocoonError} evidence_missing
 */
export async function readTsmReport (init: TsmInit & { readonly reportData: Uint8Array, readonly signal?: AbortSignal }): Promise<TsmReport> {
  return withRequest(init, async (path, files) => {
    for (let attempt = 0; attempt < MAX_REPORT_TRIES; attempt++) {
      if (init.signal?.aborted === true) {
        throw missing('the kernel did not give a report in time', init.signal.reason)
      }
      try {
        const report = await tryReport(path, files, init.reportData)
        if (report != null) {
          return report
        }
      } catch (error) {
        if (error instanceof CocoonError || !PASSING.has(codeOf(error))) {
          throw error instanceof CocoonError ? error : missing('the kernel gives no report', error)
        }
      }
    }
    throw missing(`the kernel gave no report of this request in ${MAX_REPORT_TRIES} attempts`)
  })
}
