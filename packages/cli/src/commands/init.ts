import { access, chmod, mkdir } from 'node:fs/promises'
import { CONFIG_NAMES } from '../config-keys.ts'
import { configPath, readConfigFile, writeConfigFile } from '../config.ts'
import { EXIT_DONE } from '../exit-codes.ts'
import { ensureToken } from '../local-api.ts'
import { fieldsText, printResult } from '../output.ts'
import type { Invocation } from '../invocation.ts'

async function exists (path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}

/** Makes the home, its configuration and the admin token. Run again, it keeps what is there and adds what flags say. */
export async function init (invocation: Invocation): Promise<number> {
  const { home, context } = invocation
  await mkdir(home, { recursive: true, mode: 0o700 })
  await chmod(home, 0o700)
  const path = configPath(home)
  const isNew = !await exists(path)
  const before = await readConfigFile(path)
  const flags = Object.fromEntries(CONFIG_NAMES.filter(name => invocation.options[name] !== undefined).map(name => [name, invocation.config[name]]))
  const after = { network: 'devnet' as const, ...before, ...flags }
  if (isNew || Object.keys(flags).length > 0) {
    await writeConfigFile(path, after)
  }
  await ensureToken(home)
  printResult(context, invocation.json, { home, config: path, created: isNew, network: after.network }, value => fieldsText(value))
  return EXIT_DONE
}
