import { constants } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CONFIG_NAMES, variableName } from '../config-keys.ts'
import { tokenPath } from '../local-api.ts'
import { checkOf } from './doctor-check.ts'
import type { Check } from './doctor-check.ts'
import type { Config } from '../config-keys.ts'
import type { Environment } from '../config.ts'

const NEEDED_NODE = 24
/** Variables that other parts of the project read. */
const OTHER_VARIABLES = ['COCOON_HOME', 'COCOON_SHARED', 'COCOON_BUNDLE_DIR', 'COCOON_NO_BUNDLE', 'COCOON_SOURCE_MAPS', 'COCOON_PASSPHRASE', 'COCOON_NEW_PASSPHRASE']
const OTHERS_MAY = 0o077

async function isPrivate (path: string): Promise<boolean> {
  const { mode } = await stat(path)
  return process.platform === 'win32' || (mode & OTHERS_MAY) === 0
}

export function checkNode (): Check {
  return checkOf('node', Number(process.versions.node.split('.')[0]) >= NEEDED_NODE, `Node.js ${process.version}`, `Install Node.js ${NEEDED_NODE} or newer.`)
}

export async function checkHome (home: string): Promise<Check> {
  try {
    await access(home, constants.W_OK)
    const ok = await isPrivate(home)
    return checkOf('home', ok, ok ? home : `${home} is open to other users`, `Run chmod 700 ${home}.`)
  } catch {
    return checkOf('home', false, `${home} is not there or cannot be written`, 'Run cocoon init.')
  }
}

export async function checkToken (home: string): Promise<Check> {
  try {
    const ok = await isPrivate(tokenPath(home))
    return checkOf('token', ok, ok ? 'present, private' : 'The admin token can be read by other users', `Run chmod 600 ${tokenPath(home)}.`)
  } catch {
    return checkOf('token', false, 'There is no admin token', 'Run cocoon init.')
  }
}

/** Key files that others may read; a home without keys yet is fine. */
export async function checkKeys (home: string): Promise<Check> {
  const folder = join(home, 'keys')
  const names = await readdir(folder).catch((): string[] => [])
  const files = names.filter(name => name.endsWith('.key')).map(name => join(folder, name))
  const open: string[] = []
  for (const file of files) {
    if (!await isPrivate(file)) {
      open.push(file)
    }
  }
  const present = files.length === 0 ? 'none yet; a node makes them, or cocoon wallet create' : `${files.length}, private`
  return checkOf('keys', open.length === 0, open.length === 0 ? present : `Other users can read ${open.join(', ')}`, `Run chmod 600 ${open.join(' ')}, and take the keys as known to others.`)
}

export function checkVariables (env: Environment): Check {
  const known = new Set<string>([...CONFIG_NAMES.map(variableName), ...OTHER_VARIABLES])
  const unknown = Object.keys(env).filter(name => name.startsWith('COCOON_') && !known.has(name))
  return checkOf('variables', unknown.length === 0, unknown.length === 0 ? 'none unknown' : `Unknown: ${unknown.join(', ')}`, 'Unset them, or see cocoon <command> --help for the right names.')
}

async function isPortFree (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => { resolve(false) })
    server.listen(port, '127.0.0.1', () => { server.close(() => { resolve(true) }) })
  })
}

export async function checkPort (port: number): Promise<Check> {
  const ok = port === 0 || await isPortFree(port)
  return checkOf(`port ${port}`, ok, ok ? 'free' : 'in use by another program', 'Stop the other process or choose another port.')
}

export async function checkModels (config: Config): Promise<Check[]> {
  return Promise.all((config.model ?? []).map(async file => {
    const ok = await stat(file).then(found => found.isFile(), () => false)
    return checkOf(`model ${file}`, ok, ok ? 'present' : 'not there', 'Correct model in the configuration.')
  }))
}
