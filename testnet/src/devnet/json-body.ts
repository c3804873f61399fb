import { CocoonError } from '@cocoon-net/protocol'
import { MAX_BODY_BYTES } from './constants.ts'
import { bad } from './params.ts'
import type { Params } from './params.ts'

async function bytesOf (request: Request): Promise<Uint8Array> {
  const tooLarge = (): CocoonError => new CocoonError('body_too_large', 'the body is too large')
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) {
    throw tooLarge()
  }
  const parts: Uint8Array[] = []
  let length = 0
  // A body that is sent in chunks says its length nowhere.
  for await (const part of request.body ?? []) {
    length += part.byteLength
    if (length > MAX_BODY_BYTES) {
      throw tooLarge()
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/**
 * The JSON object in a request's body, bounded before it is parsed.
 *
 * @throws {CocoonError} body_too_large, bad_request
 */
export async function jsonBody (request: Request): Promise<Params> {
  const bytes = await bytesOf(request)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    value = null
  }
  if (typeof value !== 'object' || value == null || Array.isArray(value)) {
    throw bad('the body must be a JSON object')
  }
  return value as Params
}
