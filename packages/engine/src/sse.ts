import { CocoonError } from '@cocoon-net/protocol'
import { createParser } from 'eventsource-parser'
import { MAX_LINE_BYTES } from './constants.ts'

export interface ReadEventsOptions {
  readonly signal: AbortSignal
  /** Called when a whole event has come: comments and half lines do not keep a stream alive. */
  readonly onProgress: () => void
}

/**
 * The data of each server-sent event of a body. The body is cancelled however the reading ends.
 *
 * @throws engine_failed when an event grows beyond `MAX_LINE_BYTES` or the connection breaks
 */
export async function * readEvents (body: ReadableStream<Uint8Array>, options: ReadEventsOptions): AsyncGenerator<string, void, undefined> {
  const ready: string[] = []
  const decoder = new TextDecoder()
  const parser = createParser({ onEvent: event => { ready.push(event.data) } })
  const reader = body.getReader()
  const onAbort = (): void => { reader.cancel().catch(() => {}) }
  let pendingBytes = 0
  options.signal.addEventListener('abort', onAbort, { once: true })

  try {
    while (true) {
      const { done, value } = await reader.read()
      options.signal.throwIfAborted()

      if (done) {
        return
      }

      pendingBytes += value.length
      parser.feed(decoder.decode(value, { stream: true }))

      if (ready.length > 0) {
        pendingBytes = 0
        options.onProgress()
      }

      if (pendingBytes > MAX_LINE_BYTES) {
        throw new CocoonError('engine_failed', 'The inference server sent an event that is too long.')
      }

      for (const data of ready.splice(0)) {
        yield data
      }
    }
  } finally {
    options.signal.removeEventListener('abort', onAbort)
    await reader.cancel().catch(() => {})
  }
}
