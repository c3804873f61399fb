import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, accountToText, toHex } from '@cocoon-net/protocol'
import type { EvidenceStore } from '@cocoon-net/node'

/** Evidence files kept. Each names another job and was signed by the stake's own key; beyond this, a cheat is known well enough. */
const MAX_FILES = 256

const FILE_NAME = /^([0-9a-f]{64})-[0-9a-f]{64}-E[12]\.json$/

/** Where a home keeps them. */
export function slashEvidenceFolder (home: string): string {
  return join(home, 'slash-evidence')
}

/**
 * Evidence against stakes as files `<stake>-<jobId>-<kind>.json` of a folder, each
 * `{version: 1, kind, stake: "0:hex", bodyBoc: base64 of the message's body, provider, foundAt: ISO time}`, which
 * `cocoon stake report` sends. The folder is read once.
 *
 * @throws {CocoonError} file_unusable
 */
export async function openSlashEvidence (folder: string, nowMs: () => number = Date.now): Promise<EvidenceStore> {
  let names: Set<string>
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    names = new Set((await readdir(folder)).filter(name => FILE_NAME.test(name)))
  } catch (error) {
    throw new CocoonError('file_unusable', `${folder} cannot be read`, { cause: error })
  }
  return {
    stakes: () => [...new Set([...names].map(name => name.slice(0, 64)))],
    put: async ({ kind, stake, jobId, body }, provider) => {
      const name = `${toHex(stake)}-${toHex(jobId)}-${kind}.json`
      if (names.has(name)) {
        return
      }
      if (names.size >= MAX_FILES) {
        throw new CocoonError('no_room', `${folder} holds ${MAX_FILES} files of evidence`)
      }
      names.add(name)
      const value = { version: 1, kind, stake: accountToText(stake), bodyBoc: body.toBoc().toString('base64'), provider, foundAt: new Date(nowMs()).toISOString() }
      // Under another name first: who lists the folder never meets half a file.
      const unfinished = join(folder, `${name}.part`)
      try {
        await writeFile(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true })
        await rename(unfinished, join(folder, name))
      } catch (error) {
        names.delete(name)
        throw new CocoonError('file_unusable', `${join(folder, name)} cannot be written`, { cause: error })
      }
    }
  }
}
