import { CocoonError } from '@cocoon-net/protocol'
import type { Tier } from '@cocoon-net/protocol'

/** A key that requests may carry. */
export interface ApiKey {
  readonly key: string
  /** No request with this key is answered below it, whatever the request says. */
  readonly minTier?: Tier
}

export interface AccessInit {
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  /** When there are any, a request must carry one of them. */
  readonly apiKeys: readonly ApiKey[]
}

const ENCODER = new TextEncoder()

/** Equality whose time depends on the lengths only. */
export function equalInConstantTime (a: string, b: string): boolean {
  const left = ENCODER.encode(a)
  const right = ENCODER.encode(b)
  let different = left.byteLength ^ right.byteLength
  for (let i = 0; i < left.byteLength; i++) {
    different |= left[i] ^ right[i % Math.max(right.byteLength, 1)]
  }
  return different === 0
}

/** `host` allows the name on any port, `host:port` on that port only. */
function hostAllowed (host: string, allowed: readonly string[]): boolean {
  const lower = host.toLowerCase()
  const name = lower.replace(/:\d*$/, '')
  return allowed.includes(lower) || allowed.includes(name)
}

/**
 * Gives the key that the request carries; none where none is asked for.
 *
 * Loopback is not safe by itself: any web page can post to it, and a name that an attacker controls can be made to
 * point at it. So Host and Origin must be on an allow-list, before anything else is looked at.
 *
 * @throws {CocoonError} host_not_allowed, origin_not_allowed, unauthorized
 */
export function checkAccess (request: Request, init: AccessInit): ApiKey | undefined {
  checkHost(request, init.allowedHosts)
  checkOrigin(request, init.allowedOrigins)
  return init.apiKeys.length === 0 || request.method === 'OPTIONS' ? undefined : checkBearer(request, init.apiKeys)
}

/** @throws {CocoonError} host_not_allowed */
export function checkHost (request: Request, allowedHosts: readonly string[]): void {
  const allowed = allowedHosts.map(host => host.toLowerCase())
  const header = request.headers.get('host')
  if (!hostAllowed(new URL(request.url).host, allowed) || (header !== null && !hostAllowed(header, allowed))) {
    throw new CocoonError('host_not_allowed')
  }
}

/** @throws {CocoonError} origin_not_allowed */
export function checkOrigin (request: Request, allowedOrigins: readonly string[]): void {
  const origin = request.headers.get('origin')
  // A browser leaves Origin out of some requests of other sites; what it says then in Sec-Fetch-Site no page can forge.
  const foreign = origin === null && ['cross-site', 'same-site'].includes(request.headers.get('sec-fetch-site') ?? '')
  if (foreign || (origin !== null && !allowedOrigins.includes(origin))) {
    throw new CocoonError('origin_not_allowed')
  }
}

/**
 * The one of `keys` that the request carries as a bearer token.
 *
 * @throws {CocoonError} unauthorized
 */
export function checkBearer (request: Request, keys: readonly ApiKey[]): ApiKey {
  const header = request.headers.get('authorization') ?? ''
  const token = /^bearer /i.test(header) ? header.slice(7).trim() : ''
  // All are compared, so that the time says nothing about which of them begins alike.
  const [found] = keys.filter(({ key }) => equalInConstantTime(token, key))
  if (token === '' || found === undefined) {
    throw new CocoonError('unauthorized')
  }
  return found
}

/** Headers that let a page of an allowed origin read the response. */
export function corsHeaders (request: Request): Record<string, string> {
  const origin = request.headers.get('origin')
  if (origin === null) {
    return {}
  }
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-cocoon-provider, x-cocoon-tier, x-cocoon-tier-note, x-cocoon-job, x-cocoon-model, x-should-retry, retry-after',
    vary: 'origin'
  }
}

/** The answer to a preflight of an allowed origin. */
export function preflightResponse (request: Request): Response {
  const asked = (request.headers.get('access-control-request-headers') ?? '').split(',').map(name => name.trim().toLowerCase())
  const known = asked.filter(name => /^(authorization|content-type|x-cocoon-[a-z-]{1,40}|x-stainless-[a-z-]{1,40})$/.test(name))
  return new Response(null, {
    status: 204,
    headers: {
      ...corsHeaders(request),
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': known.slice(0, 32).join(', '),
      'access-control-max-age': '600'
    }
  })
}
