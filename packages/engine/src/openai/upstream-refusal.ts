import { CocoonError } from '@cocoon-net/protocol'
import { MAX_ERROR_BYTES, NO_ROOM_RETRY_MS } from '../constants.ts'

/** The error that stands for a server's answer other than 2xx; what it says is read up to a bound and not passed on. */
export async function upstreamRefusal (response: Response): Promise<CocoonError> {
  const details = { status: response.status }
  const text = await readSome(response.body, MAX_ERROR_BYTES)

  if (response.status === 429 || response.status === 503) {
    return new CocoonError('no_room', undefined, { details, retryAfterMs: NO_ROOM_RETRY_MS })
  }

  if (response.status === 400 && /context|maximum.*length|too long/i.test(text)) {
    return new CocoonError('context_too_long', undefined, { details })
  }

  return new CocoonError(response.status === 400 || response.status === 422 ? 'bad_request' : 'engine_failed', 'The inference server refused the request.', { details })
}

async function readSome (body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0

  for await (const part of body ?? []) {
    parts.push(part)
    size += part.length

    if (size >= maxBytes) {
      break
    }
  }

  return Buffer.concat(parts).subarray(0, maxBytes).toString()
}
