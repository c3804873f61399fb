import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, ERRORS, isErrorCode } from '@cocoon-net/protocol'
import { tierKeyOf } from './config-keys.ts'
import { writePrivate } from './config.ts'
import { adminPlaceOf } from './running-node.ts'
import type { Config } from './config-keys.ts'
import type { CliContext } from './context.ts'
import type { Invocation } from './invocation.ts'

/** Settling waits for the chain; everything else answers at once. */
const DEADLINE_MS = 120_000
/** More than any answer of the local API, less than what hurts. */
const MAX_ANSWER_BYTES = 16 * 1_024 * 1_024

export function tokenPath (home: string): string {
  return join(home, 'admin-token')
}

/** Makes the admin token unless there is one; 32 random bytes. */
export async function ensureToken (home: string): Promise<void> {
  const isThere = await stat(tokenPath(home)).then(() => true, () => false)
  if (!isThere) {
    await writePrivate(tokenPath(home), `${randomBytes(32).toString('hex')}\n`)
  }
}

/** @throws {CocoonError} not_running */
export async function readToken (home: string): Promise<string> {
  try {
    return (await readFile(tokenPath(home), 'utf8')).trim()
  } catch (cause) {
    throw new CocoonError('not_running', `There is no admin token in ${home}: no node was started from this home`, { cause })
  }
}

async function errorOf (response: Response): Promise<CocoonError> {
  const body: unknown = await response.json().catch(() => undefined)
  const error = (body as { error?: { code?: unknown, message?: unknown } } | undefined)?.error
  return remoteError(error?.code, typeof error?.message === 'string' ? error.message : `The node answered with status ${response.status}`)
}

/** An error that a node reported. Its text ends with the remedy, which this command adds by itself. */
export function remoteError (code: unknown, message: string): CocoonError {
  const known = isErrorCode(code) ? code : 'internal'
  const { remedy } = ERRORS[known]
  return new CocoonError(known, message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message)
}

/**
 * Asks the node that runs on this machine.
 *
 * @throws {CocoonError} not_running, timeout, job_cancelled, or what the node refused with
 */
export async function callLocal (context: CliContext, url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await context.fetch(url, { ...init, redirect: 'error', signal: AbortSignal.any([context.signal, AbortSignal.timeout(DEADLINE_MS)]) })
  } catch (cause) {
    if (context.signal.aborted) {
      throw new CocoonError('job_cancelled', 'Interrupted', { cause })
    }
    if (cause instanceof Error && cause.name === 'TimeoutError') {
      throw new CocoonError('timeout', `The node at ${new URL(url).origin} did not answer in time`, { cause })
    }
    throw new CocoonError('not_running', `Nothing answers at ${new URL(url).origin}; \`cocoon gateway\` or \`cocoon provider\` starts a node, \`cocoon testnet up\` a whole network`, { cause })
  }
  if (!response.ok) {
    throw await errorOf(response)
  }
  return response
}

export async function readJson (response: Response): Promise<unknown> {
  if (Number(response.headers.get('content-length') ?? 0) > MAX_ANSWER_BYTES) {
    throw new CocoonError('body_too_large', 'The node\'s answer is too large')
  }
  return response.json()
}

/** What an administration API is asked for. */
export type Asking = Pick<Invocation, 'context' | 'home' | 'config'>

/** `GET` of the administration API. */
export async function adminRead ({ context, home, config }: Asking, path: string): Promise<unknown> {
  const { url } = await adminPlaceOf(home, config)
  return readJson(await callLocal(context, `${url}/${path}`))
}

/** `POST` of the administration API, with the token in the node's home. */
export async function adminAction ({ context, home, config }: Asking, path: string, body: Record<string, unknown> = {}): Promise<unknown> {
  const place = await adminPlaceOf(home, config)
  const token = await readToken(place.home)
  return readJson(await callLocal(context, `${place.url}/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body)
  }))
}

export function gatewayHeaders (config: Config): Record<string, string> {
  const key = config.apiKey ?? config.tierKey?.map(tierKeyOf)[0]?.key
  return { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }
}
