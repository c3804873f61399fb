import { record, text, uint } from './codec.ts'
import { CocoonError, isErrorCode } from './errors.ts'

/** `{code, retryAfterMs}`: all that a refusal says. */
export const refusalCodec = record({ code: text(64), retryAfterMs: uint(86_400_000) })

export interface Refusal { readonly code: string, readonly retryAfterMs: number }

/** What an error looks like on the wire: nothing but its code. */
export function toRefusal (error: unknown): Refusal {
  return error instanceof CocoonError
    ? { code: error.code, retryAfterMs: Math.min(86_400_000, Math.max(0, Math.round(error.retryAfterMs))) }
    : { code: 'internal', retryAfterMs: 0 }
}

/** The error a refusal stands for on the side that reads it; unknown codes become `internal`. */
export function fromRefusal (refusal: Refusal): CocoonError {
  const code = isErrorCode(refusal.code) ? refusal.code : 'internal'
  return new CocoonError(code, undefined, { retryAfterMs: refusal.retryAfterMs, details: { refusedByPeer: true } })
}
