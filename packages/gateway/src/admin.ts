import { CocoonError } from '@cocoon-net/protocol'
import { checkBearer, checkHost, checkOrigin } from './access.ts'
import { ADMIN_MAX_BODY_BYTES, BODY_DEADLINE_MS, DEFAULT_ALLOWED_HOSTS } from './constants.ts'
import { errorResponse, publicError } from './error-response.ts'
import { readJsonObject } from './json-body.ts'
import { serveHandler } from './server.ts'
import type { FetchHandler, RunningServer } from './server.ts'
import type { Registry } from 'prom-client'

export interface AdminInit {
  /** Needed for every POST. */
  readonly token: string
  /** `GET /<name>`: must change nothing. */
  readonly reads: Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>>
  /** `POST /<name>` with a JSON object: may change state. */
  readonly actions: Readonly<Record<string, (body: Record<string, unknown>) => Promise<unknown>>>
  /** Served as `GET /metrics`. */
  readonly registry?: Registry
  readonly allowedHosts?: readonly string[]
  onInternalError? (error: unknown): void
}

function toJson (value: unknown): string {
  return JSON.stringify(value ?? {}, (_key, item: unknown) => typeof item === 'bigint' ? item.toString() : item)
}

async function handle (request: Request, init: AdminInit): Promise<Response> {
  checkHost(request, init.allowedHosts ?? DEFAULT_ALLOWED_HOSTS)
  // No web page has business here.
  checkOrigin(request, [])
  const url = new URL(request.url)
  const name = url.pathname.slice(1)
  const read = Object.hasOwn(init.reads, name) ? init.reads[name] : undefined
  const action = Object.hasOwn(init.actions, name) ? init.actions[name] : undefined

  if (request.method === 'GET' && name === 'metrics' && init.registry !== undefined) {
    return new Response(await init.registry.metrics(), { headers: { 'content-type': init.registry.contentType } })
  }
  if (request.method === 'GET' && read !== undefined) {
    return new Response(toJson(await read(url.searchParams)), { headers: { 'content-type': 'application/json' } })
  }
  if (request.method === 'POST' && action !== undefined) {
    checkBearer(request, [{ key: init.token }])
    const body = await readJsonObject(request, { maxBytes: ADMIN_MAX_BODY_BYTES, deadlineMs: BODY_DEADLINE_MS })
    return new Response(toJson(await action(body)), { headers: { 'content-type': 'application/json' } })
  }
  throw new CocoonError(read === undefined && action === undefined ? 'not_found' : 'method_not_allowed')
}

/**
 * The administration API of a running node: reads by GET, state changes by POST with the token, amounts as decimal
 * strings, errors in the gateway's shape. Never rejects.
 */
export function createAdmin (init: AdminInit): FetchHandler {
  return {
    fetch: async request => {
      try {
        return await handle(request, init)
      } catch (thrown) {
        if (publicError(thrown).code === 'internal') {
          init.onInternalError?.(thrown)
        }
        return errorResponse(thrown)
      }
    }
  }
}

/**
 * Serves the administration API on loopback.
 *
 * @throws {CocoonError} port_taken
 */
export async function serveAdmin (init: { admin: FetchHandler, port: number, stopGraceMs?: number }): Promise<RunningServer> {
  return serveHandler({ ...init, handler: init.admin })
}
