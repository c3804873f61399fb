import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { DEFAULT_ADMIN_PORT, DEFAULT_GATEWAY_PORT } from '@cocoon-net/gateway'
import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import pc from 'picocolors'
import { CONFIG_NAMES, variableName } from '../config-keys.ts'
import { resolveConfig } from '../config.ts'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { adminRead, adminUrl, tokenPath } from '../local-api.ts'
import { printResult, printable } from '../output.ts'
import { withProgress } from '../progress.ts'
import type { Config } from '../config-keys.ts'
import type { Invocation } from '../invocation.ts'

const NEEDED_NODE = 24
/** A chain API that takes longer than this is as good as gone for a streaming payment. */
const CHAIN_DEADLINE_MS = 5_000
/** Variables that other parts of the project read. */
const OTHER_VARIABLES = new Set(['COCOON_HOME', 'COCOON_SHARED', 'COCOON_BUNDLE_DIR'])

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly message: string
  readonly remedy?: string
}

function failed (name: string, error: unknown): Check {
  const coded = asCocoonError(error)
  return { name, ok: false, message: coded.message, remedy: coded.spec.remedy }
}

function checkNode (): Check {
  const ok = Number(process.versions.node.split('.')[0]) >= NEEDED_NODE
  return { name: 'node', ok, message: `Node.js ${process.version}`, remedy: ok ? undefined : `Install Node.js ${NEEDED_NODE} or newer.` }
}

async function checkHome (home: string): Promise<Check> {
  try {
    const { mode } = await stat(home)
    await access(home, constants.W_OK)
    const open = (mode & 0o077) !== 0 && process.platform !== 'win32'
    return { name: 'home', ok: !open, message: open ? `${home} is open to other users` : home, remedy: open ? `Run chmod 700 ${home}.` : undefined }
  } catch {
    return { name: 'home', ok: false, message: `${home} is not there or cannot be written`, remedy: 'Run cocoon init.' }
  }
}

async function checkToken (home: string): Promise<Check> {
  try {
    const { mode } = await stat(tokenPath(home))
    const open = (mode & 0o077) !== 0 && process.platform !== 'win32'
    return { name: 'token', ok: !open, message: open ? 'The admin token can be read by other users' : 'present, private', remedy: open ? `Run chmod 600 ${tokenPath(home)}.` : undefined }
  } catch {
    return { name: 'token', ok: false, message: 'There is no admin token', remedy: 'Run cocoon init.' }
  }
}

function checkVariables (invocation: Invocation): Check {
  const known = new Set<string>([...CONFIG_NAMES.map(variableName), ...OTHER_VARIABLES])
  const unknown = Object.keys(invocation.context.env).filter(name => name.startsWith('COCOON_') && !known.has(name))
  const ok = unknown.length === 0
  return { name: 'variables', ok, message: ok ? 'none unknown' : `Unknown: ${unknown.join(', ')}`, remedy: ok ? undefined : 'Unset them, or see cocoon <command> --help for the right names.' }
}

async function isPortFree (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => { resolve(false) })
    server.listen(port, '127.0.0.1', () => { server.close(() => { resolve(true) }) })
  })
}

async function checkPorts (invocation: Invocation, config: Config): Promise<Check[]> {
  try {
    await adminRead(invocation.context, config, 'status')
    return [{ name: 'running', ok: true, message: `A node answers at ${adminUrl(config)}` }]
  } catch {
    const ports = [config.gatewayPort ?? DEFAULT_GATEWAY_PORT, config.adminPort ?? DEFAULT_ADMIN_PORT]
    return Promise.all(ports.map(async port => {
      const ok = port === 0 || await isPortFree(port)
      return { name: `port ${port}`, ok, message: ok ? 'free' : 'in use by another program', remedy: ok ? undefined : 'Stop the other process or choose another port.' }
    }))
  }
}

async function checkChain (invocation: Invocation, { chainUrl }: Config): Promise<Check[]> {
  if (chainUrl === undefined) {
    return []
  }
  const name = `chain ${chainUrl}`
  try {
    const response = await invocation.context.fetch(chainUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: '1', jsonrpc: '2.0', method: 'getMasterchainInfo', params: {} }),
      signal: AbortSignal.any([invocation.context.signal, AbortSignal.timeout(CHAIN_DEADLINE_MS)])
    })
    const body = await response.json() as { result?: { last?: { seqno?: unknown } } } | null
    const seqno = body?.result?.last?.seqno
    if (!response.ok || typeof seqno !== 'number') {
      throw new CocoonError('chain_unavailable', `${chainUrl} does not answer like a toncenter API`)
    }
    return [{ name, ok: true, message: `at block ${seqno}` }]
  } catch (error) {
    return [failed(name, error instanceof CocoonError ? error : new CocoonError('chain_unavailable', undefined, { cause: error }))]
  }
}

async function checkModels (config: Config): Promise<Check[]> {
  return Promise.all((config.model ?? []).map(async file => {
    const ok = await stat(file).then(found => found.isFile(), () => false)
    return { name: `model ${file}`, ok, message: ok ? 'present' : 'not there', remedy: ok ? undefined : 'Correct model in the configuration.' }
  }))
}

/** Looks at everything that commonly goes wrong, and says of each what to do. Exits 1 when anything is wrong. */
export async function doctor (invocation: Invocation): Promise<number> {
  const { context, home } = invocation
  const checks = await withProgress(context, 'Looking', async () => {
    const found: Check[] = [checkNode(), await checkHome(home), await checkToken(home), checkVariables(invocation)]
    try {
      const config = await resolveConfig({ home, env: context.env, flags: invocation.options })
      found.push({ name: 'config', ok: true, message: 'valid' }, ...await checkPorts(invocation, config), ...await checkChain(invocation, config), ...await checkModels(config))
    } catch (error) {
      found.push(failed('config', error))
    }
    return found
  })
  const ok = checks.every(check => check.ok)
  printResult(context, invocation.json, { ok, checks }, value => value.checks.map(check =>
    printable(`${check.ok ? pc.green('ok') : pc.red('no')}  ${check.name}: ${check.message}${check.remedy === undefined ? '' : `. ${check.remedy}`}`)).join('\n'))
  return ok ? EXIT_DONE : EXIT_NO
}
