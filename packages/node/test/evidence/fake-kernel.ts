import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { ReportFiles } from '../../src/evidence/tsm-report.ts'

export interface FakeKernel {
  readonly directory: string
  readonly files: ReportFiles
  /** Requests that stand in the directory. */
  readonly requests: Set<string>
  stop(): Promise<void>
}

export interface FakeKernelInit {
  readonly driver: string
  report(inblob: Uint8Array): Uint8Array
  readonly auxblob?: Uint8Array
  /** Called when a report was made, before it is read: to disturb. */
  onReport?(request: string, write: (inblob: Uint8Array) => Promise<void>): Promise<void>
}

/** As configfs behaves: a directory is a request, each writing raises `generation`, and reading `outblob` makes the report. */
export async function fakeKernel (init: FakeKernelInit): Promise<FakeKernel> {
  const directory = await mkdtemp(join(tmpdir(), 'cocoon-tsm-'))
  const requests = new Set<string>()
  const generation = async (path: string): Promise<number> => Number(await readFile(join(path, 'generation'), 'utf8'))
  const write = async (path: string, data: Uint8Array): Promise<void> => {
    await writeFile(join(path, 'inblob'), data)
    await writeFile(join(path, 'generation'), `${await generation(path) + 1}\n`)
  }
  return {
    directory,
    requests,
    files: {
      mkdir: async (path) => {
        await mkdir(path)
        requests.add(path)
        await writeFile(join(path, 'provider'), `${init.driver}\n`)
        await writeFile(join(path, 'generation'), '0\n')
        if (init.auxblob != null) {
          await writeFile(join(path, 'auxblob'), init.auxblob)
        }
      },
      writeFile: async (path, data) => {
        if (basename(path) !== 'inblob' || data.byteLength > 64) {
          throw Object.assign(new Error('invalid'), { code: 'EINVAL' })
        }
        await write(dirname(path), data)
      },
      readFile: async (path) => {
        if (basename(path) === 'outblob') {
          const request = dirname(path)
          await writeFile(path, init.report(await readFile(join(request, 'inblob'))))
          await init.onReport?.(request, async (inblob) => write(request, inblob))
        }
        return readFile(path)
      },
      rmdir: async (path) => {
        requests.delete(path)
        await rm(path, { recursive: true })
      }
    },
    stop: async () => { await rm(directory, { recursive: true, force: true }) }
  }
}
