import { CocoonError } from '@cocoon-net/protocol'

async function readBounded (request: Request, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > maxBytes) {
    throw new CocoonError('body_too_large', `The body has ${declared} bytes, ${maxBytes} are allowed`)
  }
  if (request.body === null) {
    return new Uint8Array(0)
  }
  const reader = request.body.getReader()
  const onAbort = (): void => { reader.cancel(signal.reason).catch(() => {}) }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const parts: Uint8Array[] = []
    let total = 0
    while (true) {
      signal.throwIfAborted()
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) {
        break
      }
      total += value.byteLength
      if (total > maxBytes) {
        onAbort()
        throw new CocoonError('body_too_large', `The body is larger than ${maxBytes} bytes`)
      }
      parts.push(value)
    }
    const bytes = new Uint8Array(total)
    let offset = 0
    for (const part of parts) {
      bytes.set(part, offset)
      offset += part.byteLength
    }
    return bytes
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * The JSON object in a request's body. Bytes are bounded before they are parsed.
 *
 * @throws {CocoonError} unsupported_media_type, body_too_large, bad_request, timeout
 */
export async function readJsonObject (request: Request, init: { maxBytes: number, deadlineMs: number }): Promise<Record<string, unknown>> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase()
  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase()
  // Only a preflighted type: a page's form can post text/plain or url-encoded bodies to any address.
  if (type !== 'application/json' || encoding !== 'identity') {
    throw new CocoonError('unsupported_media_type', encoding === 'identity' ? undefined : 'The body must not be compressed')
  }
  const bytes = await readBounded(request, init.maxBytes, AbortSignal.any([request.signal, AbortSignal.timeout(init.deadlineMs)]))
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new CocoonError('bad_request', 'The body is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CocoonError('bad_request', 'The body is not a JSON object')
  }
  return value as Record<string, unknown>
}
