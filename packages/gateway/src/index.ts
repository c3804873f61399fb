/**
 * @packageDocumentation
 *
 * The OpenAI-compatible face of a client node as a `Request -> Response` function, its Node server, the administration
 * API and the metrics endpoint.
 *
 * @example
 *
 * ```typescript
 * import { createGateway, serveGateway } from '@cocoon-net/gateway'
 * import type { InferenceBackend } from '@cocoon-net/gateway'
 *
 * declare const backend: InferenceBackend
 *
 * const gateway = createGateway({ backend })
 * const server = await serveGateway({ gateway, port: 10_000 })
 * console.info(`point an OpenAI client at ${server.url}/v1`)
 * await server.stop()
 * ```
 */
export { createAdmin, serveAdmin } from './admin.ts'
export type { ApiKey } from './access.ts'
export type { AdminInit } from './admin.ts'
export { nanoToJson } from './answer.ts'
export type {
  InferenceBackend,
  InferenceEvent,
  InferenceJob,
  InferenceLimits,
  InferenceRequest,
  JobAttempt,
  JobReceipt,
  JobSummary,
  ModelListing,
  ModelProvider,
  Preference
} from './backend.ts'
export { DEFAULT_ADMIN_PORT, DEFAULT_ALLOWED_HOSTS, DEFAULT_GATEWAY_PORT } from './constants.ts'
export { prometheusCounters } from './counters.ts'
export type { Counters } from './counters.ts'
export { errorBody, errorResponse } from './error-response.ts'
export type { OpenAiError } from './error-response.ts'
export { createGateway } from './gateway.ts'
export type { Gateway, GatewayInit } from './gateway.ts'
export type { Deadlines } from './job-run.ts'
export { serveGateway, serveHandler } from './server.ts'
export type { FetchHandler, RunningServer, ServeInit } from './server.ts'
