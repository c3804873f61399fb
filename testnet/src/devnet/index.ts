import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { serveHandler } from '@cocoon-net/gateway'
import { CocoonError, DEVNET_GLOBAL_ID, accountFromText, accountToText, asCocoonError, equalBytes, fromHex, toHex } from '@cocoon-net/protocol'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { Level } from 'level'
import { z } from 'zod'
import { Ledger } from './ledger.ts'
import { V2_METHODS } from './toncenter-v2.ts'
import type { LedgerInput } from './ledger.ts'
import type { Context } from 'hono'

export interface DevnetInit {
  /** State folder; made when missing. */
  readonly home: string
  /** 0 takes a free one. */
  readonly port?: number
  /** 32 bytes; kept from the first start on. */
  readonly genesis?: Uint8Array
  now? (): number
}

/** A running devnet chain. It proves nothing to anyone: coins are free. */
export interface Devnet {
  /** toncenter v2 JSON-RPC. */
  readonly endpoint: string
  readonly url: string
  readonly genesis: Uint8Array
  readonly globalId: number
  stop(): Promise<void>
}

/** A message with a large contract is some 60 kB in base64. */
const MAX_BODY_BYTES = 256 * 1_024
/** One call of the faucet. */
const MAX_MINT_NANO = 1_000_000_000_000n

const faucetBody = z.strictObject({ address: z.string().max(100), amountNano: z.string().regex(/^[1-9]\d{0,18}$/) })

/**
 * Starts the chain: opens the journal, replays it, serves toncenter's API on loopback.
 *
 * @throws {CocoonError} port_taken, home_locked, file_unusable
 */
export async function startDevnet (init: DevnetInit): Promise<Devnet> {
  const now = init.now ?? Date.now
  await mkdir(init.home, { recursive: true, mode: 0o700 })
  const journal = new Level<string, string>(join(init.home, 'journal'))
  await journal.open().catch((error: unknown) => { throw new CocoonError('home_locked', `${init.home} is in use or cannot be opened`, { cause: error }) })
  try {
    const known = await journal.get('genesis')
    const genesis = known == null ? init.genesis ?? randomBytes(32) : fromHex(known)
    if (init.genesis != null && !equalBytes(genesis, init.genesis)) {
      throw new CocoonError('file_unusable', 'the chain in this folder has another genesis')
    }
    if (known == null) {
      await journal.put('genesis', toHex(genesis), { sync: true })
    }
    const ledger = await Ledger.create(genesis)
    let count = 0
    for await (const [, value] of journal.iterator({ gte: 'input/', lt: 'input0' })) {
      const input: LedgerInput = JSON.parse(value)
      // What was refused when it came is refused again: the order is the same.
      await ledger.apply(input).catch(() => {})
      count++
    }
    let turn: Promise<unknown> = Promise.resolve()
    /** Executes, then writes with a sync before the answer: what was acknowledged survives, what was refused leaves no trace. */
    const accept = async (input: LedgerInput): Promise<void> => {
      const mine = turn.then(async () => {
        await ledger.apply(input)
        await journal.put(`input/${String(count++).padStart(12, '0')}`, JSON.stringify(input), { sync: true })
      })
      turn = mine.catch(() => { /* its caller hears of it */ })
      await mine
    }
    const app = routes({ ledger, now, accept, genesis })
    const server = await serveHandler({ handler: { fetch: async (request) => app.fetch(request) }, port: init.port ?? 0, stopGraceMs: 200 })
    return {
      endpoint: `${server.url}/api/v2/jsonRPC`,
      url: server.url,
      genesis,
      globalId: DEVNET_GLOBAL_ID,
      stop: async () => {
        await server.stop()
        await turn
        await journal.close()
      }
    }
  } catch (error) {
    await journal.close()
    throw error
  }
}

function routes (init: { ledger: Ledger, now(): number, accept(input: LedgerInput): Promise<void>, genesis: Uint8Array }): Hono {
  const { ledger, now, accept } = init
  const context = { ledger, now, send: async (boc: string) => accept({ kind: 'external', boc, atMs: now() }) }
  const app = new Hono()
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES }))
  // A web page must not drive this chain: it may neither name itself nor reach it under another name.
  app.use(async (c, next) => {
    const host = new URL(c.req.url).hostname
    if (c.req.header('origin') != null || (host !== '127.0.0.1' && host !== 'localhost')) {
      return c.json({ ok: false, error: 'not allowed', code: 403 }, 403)
    }
    await next()
  })
  const answer = async (c: Context, method: string, params: Record<string, unknown>, id?: unknown): Promise<Response> => {
    const handler = Object.hasOwn(V2_METHODS, method) ? V2_METHODS[method] : undefined
    try {
      if (handler == null) {
        throw new CocoonError('bad_request', `method ${method.slice(0, 64)} is not served here`)
      }
      return c.json({ ok: true, result: await handler(context, params), ...(id === undefined ? {} : { jsonrpc: '2.0', id }) })
    } catch (thrown) {
      const error = asCocoonError(thrown, 'bad_request')
      const status = error.code === 'bad_request' ? 422 : 500
      return c.json({ ok: false, error: error.message, code: status, ...(id === undefined ? {} : { jsonrpc: '2.0', id }) }, status)
    }
  }
  const jsonOf = async (c: Context): Promise<Record<string, unknown>> => {
    const value: unknown = await c.req.json().catch(() => null)
    return typeof value === 'object' && value != null && !Array.isArray(value) ? value as Record<string, unknown> : {}
  }
  app.post('/api/v2/jsonRPC', async (c) => {
    const body = await jsonOf(c)
    const params = typeof body.params === 'object' && body.params != null ? body.params as Record<string, unknown> : {}
    return answer(c, String(body.method ?? ''), params, body.id ?? null)
  })
  app.get('/api/v2/:method', async (c) => answer(c, c.req.param('method'), c.req.query()))
  app.post('/api/v2/:method', async (c) => answer(c, c.req.param('method'), await jsonOf(c)))
  app.get('/devnet/info', (c) => c.json({ genesis: toHex(init.genesis), globalId: DEVNET_GLOBAL_ID, seqno: ledger.last.seqno }))
  app.post('/devnet/faucet', async (c) => {
    if (!(c.req.header('content-type') ?? '').startsWith('application/json')) {
      return c.json({ ok: false, error: 'content-type must be application/json' }, 415)
    }
    const parsed = faucetBody.safeParse(await jsonOf(c))
    if (!parsed.success || BigInt(parsed.data.amountNano) > MAX_MINT_NANO) {
      return c.json({ ok: false, error: `give {address, amountNano}, at most ${MAX_MINT_NANO} nanoTON at once` }, 400)
    }
    try {
      const address = accountToText(accountFromText(parsed.data.address))
      await accept({ kind: 'mint', address, amountNano: parsed.data.amountNano, atMs: now() })
      return c.json({ ok: true })
    } catch (thrown) {
      return c.json({ ok: false, error: asCocoonError(thrown).message }, 400)
    }
  })
  return app
}
