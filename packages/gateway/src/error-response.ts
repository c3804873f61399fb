import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import type { ErrorCode } from '@cocoon-net/protocol'

/** The error object of OpenAI's API; `code` is a key of the one table of coded errors. */
export interface OpenAiError {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: ErrorCode
  }
}

const TYPE_BY_STATUS: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  429: 'rate_limit_error'
}

function typeOf (status: number): string {
  return TYPE_BY_STATUS[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
}

/** Anything thrown as a coded error; what was not thrown on purpose keeps its text to itself. */
export function publicError (error: unknown): CocoonError {
  const coded = asCocoonError(error)
  return coded.code === 'internal' ? new CocoonError('internal', undefined, { cause: error }) : coded
}

/** The body of an error response. `details.param` (or `parameter`) names the parameter at fault, where there is one. */
export function errorBody (error: CocoonError): OpenAiError {
  const param = error.details.param ?? error.details.parameter
  return {
    error: {
      message: `${error.message.replace(/\.$/, '')}. ${error.spec.remedy}`,
      type: typeOf(error.spec.httpStatus),
      param: typeof param === 'string' ? param : null,
      code: error.code
    }
  }
}

/**
 * The response that an error gets: the status of the table, OpenAI's shape, `retry-after` where the error names a
 * time, and `x-should-retry: false` (which OpenAI's clients obey) where the same request cannot succeed later.
 */
export function errorResponse (thrown: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const error = publicError(thrown)
  const all = new Headers({ 'content-type': 'application/json', ...headers })
  if (!error.spec.retry) {
    all.set('x-should-retry', 'false')
  } else if (error.retryAfterMs > 0) {
    all.set('retry-after-ms', String(Math.ceil(error.retryAfterMs)))
    all.set('retry-after', String(Math.ceil(error.retryAfterMs / 1_000)))
  }
  return new Response(JSON.stringify(errorBody(error)), { status: error.spec.httpStatus, headers: all })
}
