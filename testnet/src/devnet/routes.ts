import { CocoonError, accountFromText, accountToText, asCocoonError, toHex } from '@cocoon-net/protocol'
import { Hono } from 'hono'
import { z } from 'zod'
import { MAX_DELAY_MS, MAX_MINT_NANO } from './constants.ts'
import { jsonBody } from './json-body.ts'
import { bad } from './params.ts'
import { v4Routes } from './ton-v4.ts'
import { V2_METHODS } from './toncenter-v2.ts'
import type { ChainContext } from './chain-context.ts'
import type { Faults } from './inbox.ts'
import type { Params } from './params.ts'
import type { Snapshot } from './store.ts'
import type { Context } from 'hono'

/** What only the devnet's own routes can do. */
export interface DevnetControl extends ChainContext {
  readonly genesis: Uint8Array
  readonly faults: Faults
  faucet (address: string, amountNano: bigint): Promise<void>
  snapshot (): Snapshot
  restore (snapshot: { seqno: number }): Promise<void>
  setFaults (faults: Faults): void
}

const faucetBody = z.strictObject({ address: z.string().max(100), amountNano: z.string().regex(/^[1-9]\d{0,18}$/, 'must be a whole number of nanoTON above 0, as a text') })
const restoreBody = z.strictObject({ seqno: z.int().min(0) })
const faultsBody = z.strictObject({ messageDelayMs: z.int().min(0).max(MAX_DELAY_MS).default(0), lossRate: z.number().min(0).max(1).default(0) })

const STATUS = { bad_request: 422, body_too_large: 413, chain_rejected: 500, rate_limited: 429, unsupported_media_type: 415 } as const

function errorOf (thrown: unknown): { status: 413 | 422 | 500 | 429 | 415, message: string } {
  // What the emulator, the parser or the database say may be long and is nobody's business.
  const error = thrown instanceof CocoonError ? thrown : asCocoonError(thrown)
  const known = error.code in STATUS
  return { status: known ? STATUS[error.code as keyof typeof STATUS] : 500, message: known ? error.message : 'internal error' }
}

async function checked<T> (c: Context, schema: z.ZodType<T>): Promise<T> {
  if (!(c.req.header('content-type') ?? '').toLowerCase().startsWith('application/json')) {
    throw new CocoonError('unsupported_media_type')
  }
  const parsed = schema.safeParse(await jsonBody(c.req.raw))
  if (!parsed.success) {
    throw bad(z.prettifyError(parsed.error))
  }
  return parsed.data
}

function devnetRoutes (control: DevnetControl): Hono {
  const app = new Hono()
  app.get('/info', (c) => c.json({
    genesis: toHex(control.genesis),
    globalId: control.ledger.globalId,
    seqno: control.ledger.last.seqno,
    utime: control.ledger.last.utime,
    faults: control.faults
  }))
  app.post('/faucet', async (c) => {
    const { address, amountNano } = await checked(c, faucetBody)
    await control.faucet(address, BigInt(amountNano))
    return c.json({ ok: true })
  })
  app.post('/snapshot', async (c) => {
    await checked(c, z.object({}))
    return c.json({ ok: true, snapshot: control.snapshot() })
  })
  app.post('/restore', async (c) => {
    await control.restore(await checked(c, restoreBody))
    return c.json({ ok: true, snapshot: control.snapshot() })
  })
  app.post('/faults', async (c) => {
    control.setFaults(await checked(c, faultsBody))
    return c.json({ ok: true, faults: control.faults })
  })
  return app
}

/** What toncenter takes by POST only; nothing is sent to a chain by GET. */
const POST_ONLY: ReadonlySet<string> = new Set(['jsonRPC', 'runGetMethod', 'sendBoc', 'sendBocReturnHash', 'sendQuery', 'sendQuerySimple', 'estimateFee'])

function v2Routes (context: ChainContext): Hono {
  const app = new Hono()
  const call = async (method: string, params: Params): Promise<unknown> => {
    const handler = Object.hasOwn(V2_METHODS, method) ? V2_METHODS[method] : undefined
    if (handler == null) {
      throw bad(`method ${method.slice(0, 64)} is not served here`)
    }
    return handler(context, params)
  }
  app.post('/jsonRPC', async (c) => {
    const body = await jsonBody(c.req.raw)
    const id = typeof body.id === 'string' || typeof body.id === 'number' ? body.id : null
    try {
      const params = typeof body.params === 'object' && body.params != null ? body.params as Record<string, unknown> : {}
      return c.json({ ok: true, result: await call(String(body.method ?? ''), params), jsonrpc: '2.0', id })
    } catch (thrown) {
      const { status, message } = errorOf(thrown)
      return c.json({ ok: false, error: message, code: status, jsonrpc: '2.0', id }, status)
    }
  })
  app.get('/:method', async (c) => {
    const method = c.req.param('method')
    if (POST_ONLY.has(method)) {
      c.header('allow', 'POST')
      return c.json({ ok: false, error: 'Method Not Allowed', code: 405 }, 405)
    }
    return c.json({ ok: true, result: await call(method, c.req.query()) })
  })
  app.post('/:method', async (c) => c.json({ ok: true, result: await call(c.req.param('method'), await jsonBody(c.req.raw)) }))
  return app
}

/** @throws {CocoonError} bad_request */
export function mintOf (address: string, amountNano: bigint): { kind: 'mint', address: string, amountNano: bigint } {
  if (amountNano <= 0n || amountNano > MAX_MINT_NANO) {
    throw bad(`the faucet gives at most ${MAX_MINT_NANO} nanoTON at once`)
  }
  try {
    return { kind: 'mint', address: accountToText(accountFromText(address)), amountNano }
  } catch (error) {
    throw bad('address is not an address of the basechain')
  }
}

/** toncenter's v2 API, the v4 API (also at the root, where TonClient4 looks) and the devnet's own routes. */
export function routes (control: DevnetControl): Hono {
  const app = new Hono()
  // A web page must not drive this chain: it may neither name itself nor reach it under another name.
  app.use(async (c, next) => {
    const host = new URL(c.req.url).hostname
    if (c.req.header('origin') != null || (host !== '127.0.0.1' && host !== 'localhost')) {
      return c.json({ ok: false, error: 'not allowed', code: 403 }, 403)
    }
    await next()
  })
  app.onError((thrown, c) => {
    const { status, message } = errorOf(thrown)
    return c.json({ ok: false, error: message, code: status }, status)
  })
  app.notFound((c) => c.json({ ok: false, error: 'not found', code: 404 }, 404))
  app.route('/api/v2', v2Routes(control))
  app.route('/devnet', devnetRoutes(control))
  const v4 = v4Routes(control)
  app.route('/v4', v4)
  app.route('/', v4)
  return app
}
