import { CocoonError } from '@cocoon-net/protocol'
import { createAdaptorServer } from '@hono/node-server'
import { STOP_GRACE_MS } from './constants.ts'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FetchHandler {
  fetch (request: Request): Promise<Response>
}

export interface ServeInit {
  readonly handler: FetchHandler
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  /** How long open streams may go on when the server stops. */
  readonly stopGraceMs?: number
}

export interface RunningServer {
  /** Such as `http://127.0.0.1:10000`. */
  readonly url: string
  /** Takes no more requests, gives the open ones a moment, then closes every connection. */
  stop (): Promise<void>
}

async function listen (server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(error.code === 'EADDRINUSE'
        ? new CocoonError('port_taken', `Port ${port} on ${host} is in use`, { details: { port }, cause: error })
        : error)
    }
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      resolve(server.address() as AddressInfo)
    })
  })
}

async function close (server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>(resolve => { server.close(() => { resolve() }) })
  server.closeIdleConnections()
  const timer = setTimeout(() => { server.closeAllConnections() }, graceMs)
  await closed
  clearTimeout(timer)
}

/**
 * Serves a handler over HTTP on Node.
 *
 * @throws {CocoonError} port_taken
 */
export async function serveHandler (init: ServeInit): Promise<RunningServer> {
  const host = init.host ?? '127.0.0.1'
  const server = createAdaptorServer({
    fetch: async (request: Request) => {
      const response = await init.handler.fetch(request)
      // Without this the adaptor waits a turn of the timers to see whether the body is short: the first token would wait too.
      if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
        response.headers.set('transfer-encoding', 'chunked')
      }
      return response
    },
    // The process may be an application's: its global Request and Response stay what they are.
    overrideGlobalObjects: false
  }) as Server
  // Slow senders hold a socket each; headers and body on loopback arrive at once.
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  server.maxConnections = 1_024
  const address = await listen(server, host, init.port)
  let stopping: Promise<void> | undefined

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    stop: async () => {
      stopping ??= close(server, init.stopGraceMs ?? STOP_GRACE_MS)
      await stopping
    }
  }
}

/**
 * Serves a gateway over HTTP on Node, by default on loopback.
 *
 * @throws {CocoonError} port_taken
 */
export async function serveGateway (init: { gateway: FetchHandler, host?: string, port: number, stopGraceMs?: number }): Promise<RunningServer> {
  return serveHandler({ ...init, handler: init.gateway })
}
