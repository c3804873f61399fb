import { CocoonError } from '@cocoon-net/protocol'
import { MAX_LINE_BYTES } from '../constants.ts'

/**
 * The data of each server-sent event of a body (WHATWG HTML §9.2.6; names, ids and retry times are not used here). The body
 * is cancelled however the reading ends.
 *
 * @throws {CocoonError} engine_failed when an event grows beyond `MAX_LINE_BYTES`
 */
export async function * readEvents (body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const parser = new EventParser()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  const onAbort = (): void => { reader.cancel().catch(() => {}) }
  signal.addEventListener('abort', onAbort, { once: true })

  try {
    while (true) {
      signal.throwIfAborted()
      const { done, value } = await reader.read()
      signal.throwIfAborted()

      if (done) {
        return
      }

      yield * parser.push(decoder.decode(value, { stream: true }))
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    await reader.cancel().catch(() => {})
  }
}

/** Cuts text into events, whatever way it arrives. Holds one event at most. */
export class EventParser {
  private parts: string[] = []
  private data: string[] = []
  private heldLength = 0
  private afterReturn = false

  /** @throws {CocoonError} engine_failed when what is held is too long */
  push (text: string): string[] {
    const events: string[] = []
    let start = 0

    for (let i = 0; i < text.length; i++) {
      const letter = text[i]

      if (letter !== '\n' && letter !== '\r') {
        this.afterReturn = false
        continue
      }

      // CR LF is one line end, also when the two come apart.
      const second = letter === '\n' && this.afterReturn
      this.afterReturn = letter === '\r'

      if (!second) {
        this.hold(text.slice(start, i))
        this.endLine(events)
      }

      start = i + 1
    }

    this.hold(text.slice(start))

    return events
  }

  private hold (text: string): void {
    this.heldLength += text.length

    if (this.heldLength > MAX_LINE_BYTES) {
      throw new CocoonError('engine_failed', 'The inference server sent an event that is too long.')
    }

    if (text.length > 0) {
      this.parts.push(text)
    }
  }

  private endLine (events: string[]): void {
    const line = this.parts.join('')
    this.parts = []

    if (line.length === 0) {
      const event = this.data.splice(0)
      this.heldLength = 0

      if (event.length > 0) {
        events.push(event.join('\n'))
      }
    } else if (line.startsWith('data:')) {
      this.data.push(line.slice(line[5] === ' ' ? 6 : 5))
    } else {
      this.heldLength -= line.length
    }
  }
}
