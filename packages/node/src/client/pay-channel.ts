import { CocoonError, LIMITS, fromRefusal, payRequestCodec, payResponseCodec, protocolId } from '@cocoon-net/protocol'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { framedStream } from '../streams/framed-stream.ts'
import type { ClosingFrame, LaneFrame, NetworkPreset, PayClose, PayFrame, PayOpen } from '@cocoon-net/protocol'
import type { Connection } from '@libp2p/interface'

/** The one pay stream of a lane: vouchers go out in the order in which they were signed. */
export interface PayChannel {
  readonly lane: LaneFrame
  readonly closed: boolean
  send(frame: PayFrame): Promise<void>
  /** Resolves when every voucher sent so far is acknowledged. */
  settled(signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** @throws {CocoonError} what the provider refuses with, stream_closed, timeout */
export async function openPayChannel (connection: Connection, open: PayOpen, init: { network: NetworkPreset, signal: AbortSignal, onRefusal(error: CocoonError): void }): Promise<PayChannel> {
  const stream = await connection.newStream(protocolId(init.network, 'pay'), { signal: init.signal })
  const frames = framedStream(stream, { reads: payResponseCodec, writes: payRequestCodec, maxReadBytes: LIMITS.payFrameBytes, idleMs: ANSWER_TIMEOUT_MS, what: 'pay' })
  await frames.write(open)
  const answer = await frames.read()
  if (answer.t !== 'lane') {
    await frames.close()
    throw answer.t === 'refusal' ? fromRefusal(answer) : new CocoonError('frame_malformed', 'a lane frame was expected')
  }
  let closed = false
  let sent = 0n
  let acknowledged = 0n
  let failure: CocoonError | undefined
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const resolve of waiting) {
      resolve()
    }
    waiting.clear()
  }
  void (async () => {
    try {
      for (;;) {
        const frame = await frames.read({ patient: true })
        if (frame.t === 'ack') {
          acknowledged = frame.cumulative
          wake()
        } else if (frame.t === 'refusal') {
          throw fromRefusal(frame)
        } else {
          throw new CocoonError('frame_malformed', 'an acknowledgement was expected')
        }
      }
    } catch (error) {
      failure = error instanceof CocoonError ? error : new CocoonError('stream_closed', undefined, { cause: error })
      if (failure.code !== 'stream_closed' || !closed) {
        init.onRefusal(failure)
      }
      closed = true
      wake()
    }
    await frames.close()
  })()
  let queue: Promise<void> = Promise.resolve()
  return {
    lane: answer,
    get closed () { return closed },
    send: async (frame) => {
      sent = frame.voucher.cumulative
      const mine = queue.then(async () => {
        if (failure != null) {
          throw failure
        }
        await frames.write(frame)
      })
      queue = mine.catch(() => { /* the sender of this frame hears of it; the next one tries for itself */ })
      await mine
    },
    settled: async (signal) => {
      const outstanding = (): boolean => acknowledged < sent
      while (outstanding()) {
        if (failure != null) {
          throw failure
        }
        signal?.throwIfAborted()
        await new Promise<void>((resolve) => {
          waiting.add(resolve)
          signal?.addEventListener('abort', () => { resolve() }, { once: true })
        })
      }
    },
    close: async () => {
      closed = true
      await frames.close()
    }
  }
}

/**
 * Asks a provider, on a stream of its own, to sign the end of a lane.
 *
 * @throws {CocoonError} what the provider refuses with, stream_closed, timeout, frame_malformed
 */
export async function askClose (connection: Connection, close: PayClose, init: { network: NetworkPreset, signal: AbortSignal, answerMs: number }): Promise<ClosingFrame> {
  const stream = await connection.newStream(protocolId(init.network, 'pay'), { signal: init.signal })
  const frames = framedStream(stream, { reads: payResponseCodec, writes: payRequestCodec, maxReadBytes: LIMITS.payFrameBytes, idleMs: init.answerMs, signal: init.signal, what: 'pay' })
  try {
    await frames.write(close)
    const answer = await frames.read()
    if (answer.t !== 'closing') {
      throw answer.t === 'refusal' ? fromRefusal(answer) : new CocoonError('frame_malformed', 'an answer to a close was expected')
    }
    return answer
  } finally {
    await frames.close()
  }
}
