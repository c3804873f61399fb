import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'
import { closest } from 'fastest-levenshtein'
import { CONFIG_KEYS, CONFIG_NAMES, configKey, variableName } from './config-keys.ts'
import type { Config, ConfigName } from './config-keys.ts'

/** A configuration is a few kilobytes; more is another file. */
const MAX_CONFIG_BYTES = 256 * 1_024

export type Environment = Readonly<Record<string, string | undefined>>

/** The folder that all state lies under. */
export function homeOf (env: Environment, flag?: string): string {
  const chosen = flag ?? env.COCOON_HOME
  return chosen === undefined || chosen === '' ? join(homedir(), '.cocoon') : resolve(chosen)
}

export function configPath (home: string): string {
  return join(home, 'config.json')
}

/**
 * One value against its key's schema; `where` says where it came from.
 *
 * @throws {CocoonError} config_invalid, config_unknown_key
 */
export function checkValue (name: string, value: unknown, where: string): unknown {
  if (!Object.hasOwn(CONFIG_KEYS, name)) {
    const near = name.length > 64 ? undefined : closest(name, [...CONFIG_NAMES])
    throw new CocoonError('config_unknown_key', `${where} has no key ${JSON.stringify(name.slice(0, 64))}${near === undefined ? '' : `; the nearest is ${JSON.stringify(near)}`}`)
  }
  const result = configKey(name as ConfigName).schema.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]
    const nested = issue.code === 'invalid_union' ? issue.errors.flat().at(-1)?.message : undefined
    throw new CocoonError('config_invalid', `${name} in ${where}: ${nested ?? issue.message}`)
  }
  return result.data
}

/**
 * The configuration in a file, or an empty one when there is no file.
 *
 * @throws {CocoonError} file_unusable, config_invalid, config_unknown_key
 */
export async function readConfigFile (path: string): Promise<Config> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return {}
    }
    throw new CocoonError('file_unusable', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`, { cause: error })
  }
  let value: unknown
  try {
    if (bytes.byteLength > MAX_CONFIG_BYTES) {
      throw new RangeError('too large')
    }
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new CocoonError('config_invalid', `${path} is not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CocoonError('config_invalid', `${path} does not hold a JSON object`)
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, checkValue(name, item, path)]))
}

function fromVariable (name: ConfigName, text: string): unknown {
  return configKey(name).list === true ? text.split(',').map(item => item.trim()).filter(item => item !== '') : text
}

/**
 * The configuration in force: flags come before variables, and these before the file. Every source is checked.
 *
 * @throws {CocoonError} file_unusable, config_invalid, config_unknown_key
 */
export async function resolveConfig (init: { home: string, env: Environment, flags: Readonly<Record<string, unknown>> }): Promise<Config> {
  const merged: Record<string, unknown> = { ...await readConfigFile(configPath(init.home)) }
  for (const name of CONFIG_NAMES) {
    const text = init.env[variableName(name)]
    if (text !== undefined && text !== '') {
      merged[name] = checkValue(name, fromVariable(name, text), variableName(name))
    }
    if (init.flags[name] !== undefined) {
      merged[name] = checkValue(name, init.flags[name], 'the command line')
    }
  }
  return merged
}

/** Writes a file whole or not at all, readable by its owner only. */
export async function writePrivate (path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}.tmp`
  await writeFile(temporary, text, { mode: 0o600, flush: true })
  await rename(temporary, path)
}

export async function writeConfigFile (path: string, config: Config): Promise<void> {
  await writePrivate(path, `${JSON.stringify(config, null, 2)}\n`)
}
