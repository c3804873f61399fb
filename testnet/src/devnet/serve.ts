import { CocoonError } from '@cocoon-net/protocol'
import { createAdaptorServer } from '@hono/node-server'
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS, MAX_CONNECTIONS, REQUEST_TIMEOUT_MS, STOP_GRACE_MS } from './constants.ts'
import type { Hono } from 'hono'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Serving {
  /** Such as `http://127.0.0.1:8081`. */
  readonly url: string
  /** Takes no more requests, gives the open ones a moment, then closes every connection. */
  stop (): Promise<void>
}

/**
 * Serves on one port of loopback; 0 takes a free one.
 *
 * @throws {CocoonError} port_taken
 */
export async function serve (app: Hono, init: { host: string, port: number }): Promise<Serving> {
  const server = createAdaptorServer({ fetch: async (request: Request) => app.fetch(request), overrideGlobalObjects: false }) as Server
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE'
        ? new CocoonError('port_taken', `Port ${init.port} on ${init.host} is in use`, { details: { port: init.port }, cause: error })
        : error)
    })
    server.listen(init.port, init.host, resolve)
  })
  return {
    url: `http://${init.host}:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = new Promise<void>(resolve => { server.close(() => { resolve() }) })
      server.closeIdleConnections()
      const timer = setTimeout(() => { server.closeAllConnections() }, STOP_GRACE_MS)
      await closed
      clearTimeout(timer)
    }
  }
}
