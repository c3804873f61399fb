import { CocoonError } from '@cocoon-net/protocol'

/** One event of the gateway is a few hundred bytes; the bill a few kilobytes. */
const MAX_EVENT_CHARACTERS = 1_024 * 1_024

/**
 * The data of each event of a `text/event-stream` body (HTML standard, "Server-sent events"; only the data field is
 * read, comments and other fields are passed over).
 *
 * @throws {CocoonError} body_too_large
 */
export async function * eventData (body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let buffered = ''
  let data: string[] = []
  for await (const bytes of body) {
    buffered += decoder.decode(bytes, { stream: true })
    if (buffered.length > MAX_EVENT_CHARACTERS) {
      throw new CocoonError('body_too_large', 'The gateway sent an endless event')
    }
    const lines = buffered.split(/\r\n|\n|\r(?!$)/)
    buffered = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '' && data.length > 0) {
        yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) {
        data.push(line.slice(5).replace(/^ /, ''))
      }
    }
  }
}
