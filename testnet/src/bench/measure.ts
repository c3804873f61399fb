/** One streamed answer: times in milliseconds from sending the request. */
export interface Sample {
  readonly ttftMs: number
  readonly totalMs: number
  readonly tokens: number
  /** Tokens per second from the first token to the last. */
  readonly decodeSpeed: number
}

const REQUEST_TIMEOUT_MS = 60_000

/** Asks once and reads the stream to its end, counting the events that carry text. */
export async function sample (url: string, model: string, prompt: string): Promise<Sample> {
  const startMs = performance.now()
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, temperature: 0, max_tokens: 256, messages: [{ role: 'user', content: prompt }] }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS)
  })
  if (!response.ok || response.body == null) {
    throw new Error(`HTTP ${response.status}: ${(await response.text()).slice(0, 300)}`)
  }
  let ttftMs = 0
  let lastMs = 0
  let tokens = 0
  let tail = ''
  const decoder = new TextDecoder()
  for await (const part of response.body) {
    tail += decoder.decode(part, { stream: true })
    const events = tail.split('\n\n')
    tail = events.pop() ?? ''
    for (const event of events) {
      if (event.startsWith('data: {"error"')) {
        throw new Error(`the answer ended in the middle: ${event.slice(0, 300)}`)
      }
      if (event.includes('"content":"') && !event.includes('"content":""')) {
        lastMs = performance.now() - startMs
        ttftMs ||= lastMs
        tokens++
      }
    }
  }
  return { ttftMs, totalMs: performance.now() - startMs, tokens, decodeSpeed: (tokens - 1) / (lastMs - ttftMs) * 1_000 }
}

/** The value below which this share of the samples lies. */
export function quantile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}
