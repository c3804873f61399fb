/** What the padding and the flush timer cost, as `packages/node/bench/shaping-cost.ts` prints it. Bytes are sealed, and by token. */
export interface ShapingCost {
  readonly flushMs: number
  readonly streams: ReadonlyArray<{
    readonly tokensPerSecond: number
    readonly tokensPerChunk: number
    /** All that leaves. */
    readonly wireBytes: number
    /** The same chunks without padding. */
    readonly unpaddedBytes: number
    /** Each token sealed and sent by itself, padded: without the timer. */
    readonly aloneBytes: number
    /** From the token to its chunk's way out. */
    readonly delayMeanMs: number
    readonly delayMostMs: number
  }>
  /** By the length of a request's text. */
  readonly requests: ReadonlyArray<{ readonly textBytes: number, readonly sealedBytes: number, readonly unpaddedBytes: number }>
}

export const STREAM_HEAD = ['tokens a second', 'tokens a chunk', 'sealed bytes a token', 'without padding', 'without the timer', 'a token waits, mean / most'] as const
export const REQUEST_HEAD = ['text of a request', 'sealed', 'without padding', 'ratio'] as const

export function streamRows ({ streams }: ShapingCost): string[][] {
  return streams.map(one => [
    String(one.tokensPerSecond), one.tokensPerChunk.toFixed(1), one.wireBytes.toFixed(0), one.unpaddedBytes.toFixed(0), one.aloneBytes.toFixed(0),
    `${one.delayMeanMs.toFixed(1)} / ${one.delayMostMs.toFixed(1)} ms`
  ])
}

export function requestRows ({ requests }: ShapingCost): string[][] {
  return requests.map(({ textBytes, sealedBytes, unpaddedBytes }) => [`${textBytes} bytes`, `${sealedBytes} bytes`, `${unpaddedBytes} bytes`, `× ${(sealedBytes / unpaddedBytes).toFixed(2)}`])
}
