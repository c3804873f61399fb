import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { parseRegistryState } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { Cell } from '@ton/core'
import { z } from 'zod'
import type { RegistryState } from '@cocoon-net/contracts'

/** The last good state of a registry, with the time at which the chain last showed it. */
export interface SeenRegistry {
  readonly state: RegistryState
  readonly data: Cell
  /** Unix milliseconds. */
  readonly seenAtMs: number
}

/** Where a node keeps what it has seen of its network's registry, so that a restart can neither forget nor be rolled back. */
export interface RegistryMemory {
  load (account: Uint8Array): Promise<SeenRegistry | null>
  save (account: Uint8Array, seen: SeenRegistry): Promise<void>
}

/** 1,024 entries and 64 that are coming have some 150 kB in base64. */
const MAX_BYTES = 1_024 * 1_024

const fileSchema = z.strictObject({ v: z.literal(1), registry: z.string(), seenAtMs: z.int().min(0), data: z.base64() })

/** One file, mode 0600, written whole or not at all. What it holds of another registry is forgotten. */
export function registryFile (path: string): RegistryMemory {
  return {
    load: async account => {
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return null
        }
        throw new CocoonError('file_unusable', `${path} cannot be read`, { cause: error })
      }
      try {
        if (text.length > MAX_BYTES) {
          throw new RangeError('too large')
        }
        const { registry, seenAtMs, data } = fileSchema.parse(JSON.parse(text))
        const cell = Cell.fromBase64(data)
        return registry === accountToText(account) ? { state: parseRegistryState(cell), data: cell, seenAtMs } : null
      } catch (error) {
        throw new CocoonError('file_unusable', `${path} does not hold a registry's state: remove it to read the chain afresh`, { cause: error })
      }
    },
    save: async (account, { data, seenAtMs }) => {
      const temporary = `${path}.tmp`
      const text = JSON.stringify({ v: 1, registry: accountToText(account), seenAtMs, data: data.toBoc().toString('base64') } satisfies z.input<typeof fileSchema>)
      try {
        await writeFile(temporary, text, { mode: 0o600, flush: true })
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw new CocoonError('file_unusable', `${path} cannot be written`, { cause: error })
      }
    }
  }
}
