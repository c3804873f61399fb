import { CocoonError } from '@cocoon-net/protocol'
import { Hono } from 'hono'
import { checkAccess, corsHeaders, preflightResponse } from './access.ts'
import { BODY_DEADLINE_MS, DEFAULT_ALLOWED_HOSTS, DEFAULT_MAX_BODY_BYTES, FIRST_TOKEN_DEADLINE_MS, IDLE_DEADLINE_MS, MAX_CONCURRENT_JOBS, SUMMARY_DEADLINE_MS } from './constants.ts'
import { errorResponse, publicError } from './error-response.ts'
import { parseInferenceRequest } from './inference-request.ts'
import { runJob } from './job-run.ts'
import { readJsonObject } from './json-body.ts'
import { aboveFloor, findListing, modelObject } from './models-route.ts'
import type { ApiKey } from './access.ts'
import type { InferenceBackend, InferenceLimits, ModelListing } from './backend.ts'
import type { Counters } from './counters.ts'
import type { Deadlines } from './job-run.ts'
import type { Tier } from '@cocoon-net/protocol'
import type { Context } from 'hono'

export interface GatewayInit {
  readonly backend: InferenceBackend
  /** Host names, with or without port, that requests may be addressed to. Default: loopback's names and cocoon.local. */
  readonly allowedHosts?: readonly string[]
  /** Origins, such as `https://app.example`, whose pages may use the gateway. Default: none. */
  readonly allowedOrigins?: readonly string[]
  /** When set, every request must carry it, or one of `apiKeys`, as a bearer token. */
  readonly apiKey?: string
  /** Further keys, each with the least tier that its requests may be answered with. */
  readonly apiKeys?: readonly ApiKey[]
  readonly maxBodyBytes?: number
  readonly maxConcurrentJobs?: number
  readonly counters?: Counters
  /** Limits for requests that name none. */
  readonly defaults?: InferenceLimits
  readonly deadlines?: Partial<Deadlines>
  /** Milliseconds since 1970. */
  now? (): number
  /** Hears of errors that are this program's own fault. */
  onInternalError? (error: unknown): void
}

/** What was found out about a request before its route. */
interface AppEnv { Bindings: { readonly floor?: Tier } }

export interface Gateway {
  /** Takes what the global fetch takes and never rejects: errors are responses. */
  fetch (input: Request | URL | string, init?: RequestInit): Promise<Response>
}

class OpenAiGateway implements Gateway {
  private readonly init: GatewayInit
  private readonly app = new Hono<AppEnv>()
  private readonly now: () => number
  private readonly created: number
  private readonly deadlines: Deadlines
  private readonly apiKeys: readonly ApiKey[]
  private active = 0

  constructor (init: GatewayInit) {
    this.init = init
    this.now = () => init.now?.() ?? Date.now()
    this.apiKeys = [...(init.apiKey === undefined ? [] : [{ key: init.apiKey }]), ...init.apiKeys ?? []]
    this.created = Math.floor(this.now() / 1_000)
    this.deadlines = {
      firstTokenMs: init.deadlines?.firstTokenMs ?? FIRST_TOKEN_DEADLINE_MS,
      idleMs: init.deadlines?.idleMs ?? IDLE_DEADLINE_MS,
      summaryMs: init.deadlines?.summaryMs ?? SUMMARY_DEADLINE_MS
    }
    this.route('GET', '/v1/models', async context => Response.json({
      object: 'list',
      data: (await this.models(context.env.floor)).map(listing => modelObject(listing, this.created))
    }))
    this.route('GET', '/v1/models/:id{.+}', async context =>
      Response.json(modelObject(findListing(await this.models(context.env.floor), context.req.param('id') ?? ''), this.created)))
    this.route('POST', '/v1/chat/completions', async context => this.infer('chat', context.req.raw, context.env.floor))
    this.route('POST', '/v1/completions', async context => this.infer('completions', context.req.raw, context.env.floor))
    this.app.notFound(context => {
      throw new CocoonError('not_found', `There is no ${context.req.path.slice(0, 128)} here`)
    })
    this.app.onError(error => { throw error })
  }

  async fetch (input: Request | URL | string, options?: RequestInit): Promise<Response> {
    const request = input instanceof Request && options === undefined ? input : new Request(input, options)
    let cors: Record<string, string> = {}
    try {
      const key = checkAccess(request, {
        allowedHosts: this.init.allowedHosts ?? DEFAULT_ALLOWED_HOSTS,
        allowedOrigins: this.init.allowedOrigins ?? [],
        apiKeys: this.apiKeys
      })
      cors = corsHeaders(request)
      if (request.method === 'OPTIONS' && request.headers.has('origin')) {
        return preflightResponse(request)
      }
      const response = await this.app.fetch(request, { floor: key?.minTier })
      for (const [name, value] of Object.entries(cors)) {
        response.headers.set(name, value)
      }
      return response
    } catch (thrown) {
      const error = publicError(thrown)
      this.init.counters?.increment('gateway_refusals', { code: error.code })
      if (error.code === 'internal') {
        this.init.onInternalError?.(thrown)
      }
      const allow: Record<string, string> = error.code === 'method_not_allowed' ? { allow: String(error.details.allow) } : {}
      return errorResponse(error, { ...cors, ...allow })
    }
  }

  private route (method: 'GET' | 'POST', path: string, handle: (context: Context<AppEnv>) => Promise<Response>): void {
    const allow = method === 'GET' ? 'GET, HEAD' : method
    this.app.on(method, path, handle)
    this.app.all(path, () => {
      throw new CocoonError('method_not_allowed', undefined, { details: { allow } })
    })
  }

  /** What can be used at the floor of the request's key. */
  private async models (floor: Tier | undefined): Promise<readonly ModelListing[]> {
    const listings = aboveFloor(this.init.backend.ready() ? await this.init.backend.models() : [], floor)
    if (listings.length === 0) {
      throw new CocoonError('no_provider', 'No model can be used yet', { retryAfterMs: 1_000 })
    }
    return listings
  }

  private async infer (endpoint: 'chat' | 'completions', request: Request, floor: Tier | undefined): Promise<Response> {
    const body = await readJsonObject(request, { maxBytes: this.init.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES, deadlineMs: BODY_DEADLINE_MS })
    const parsed = parseInferenceRequest(endpoint, body, request.headers, { ...this.init.defaults, floor })
    if (this.active >= (this.init.maxConcurrentJobs ?? MAX_CONCURRENT_JOBS)) {
      throw new CocoonError('rate_limited', 'The gateway runs as many jobs as it may', { retryAfterMs: 1_000 })
    }
    this.active++
    return runJob({
      backend: this.init.backend,
      request: parsed,
      signal: request.signal,
      deadlines: this.deadlines,
      created: Math.floor(this.now() / 1_000),
      headers: {},
      onEnd: (outcome, error) => {
        this.active--
        this.init.counters?.increment('gateway_jobs', { endpoint, outcome, code: error === undefined ? 'none' : publicError(error).code })
      }
    })
  }
}

/**
 * OpenAI's API in front of a client node, as a function from Request to Response: the same function serves HTTP
 * (`serveGateway`), an app in this process (`new OpenAI({ fetch: gateway.fetch })`) and a browser page.
 */
export function createGateway (init: GatewayInit): Gateway {
  const gateway = new OpenAiGateway(init)
  return { fetch: async (input, options) => gateway.fetch(input, options) }
}
