import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readControl } from './control-file.ts'
import { isAlive } from './process-identity.ts'

const ONCE_PREFIX = 'once-'
/** A folder without a control file belongs to a run that has just begun, or to one that ended before it had. */
const NAMELESS_MS = 60 * 60_000

/** `$COCOON_HOME/testnet`, away from real keys. */
export function testnetRoot (env: Readonly<Record<string, string | undefined>>): string {
  const home = env.COCOON_HOME
  return join(home == null || home === '' ? join(homedir(), '.cocoon') : resolve(home), 'testnet')
}

/** A folder for a network that is gone after one job. */
export async function makeOnceFolder (root: string, prefix = ONCE_PREFIX): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  return mkdtemp(join(root, prefix))
}

/** Removes what runs of `--once` left behind that were killed. */
export async function sweepOnceFolders (root: string, nowMs: number): Promise<void> {
  const names = await readdir(root).catch(() => [])
  await Promise.all(names.filter(name => name.startsWith(ONCE_PREFIX)).map(async name => {
    const folder = join(root, name)
    const control = await readControl(folder)
    const abandoned = control == null
      ? nowMs - (await stat(folder).then(({ mtimeMs }) => mtimeMs, () => nowMs)) > NAMELESS_MS
      : !await isAlive(control.supervisor)
    if (abandoned) {
      await rm(folder, { recursive: true, force: true })
    }
  }))
}
