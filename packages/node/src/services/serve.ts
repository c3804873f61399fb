import { toRefusal, asCocoonError } from '@cocoon-net/protocol'
import { framedStream } from '../streams/framed-stream.ts'
import type { Counters } from '../counters.ts'
import type { FramedStream, FramedStreamInit } from '../streams/framed-stream.ts'
import type { Refusal } from '@cocoon-net/protocol'
import type { Connection, Libp2p } from '@libp2p/interface'

export interface ServeInit<In, Out> extends Omit<FramedStreamInit<In, Out>, 'signal'> {
  readonly libp2p: Pick<Libp2p, 'handle' | 'unhandle'>
  readonly protocol: string
  readonly maxStreams: number
  readonly counters: Counters
  refusal (refusal: Refusal): Out
  handle (frames: FramedStream<In, Out>, connection: Connection, signal: AbortSignal): Promise<void>
}

/**
 * Registers a stream protocol. Whatever a handler throws becomes one refusal frame with its code and one count; the
 * returned function unregisters and aborts what still runs.
 */
export async function serve<In, Out> (init: ServeInit<In, Out>): Promise<() => Promise<void>> {
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  await init.libp2p.handle(init.protocol, (stream, connection) => {
    const frames = framedStream<In, Out>(stream, { ...init, signal: stopping.signal })
    const job = (async () => {
      try {
        await init.handle(frames, connection, stopping.signal)
      } catch (error) {
        const refusal = toRefusal(asCocoonError(error))
        init.counters.increment('cocoon_refusals_total', { service: init.what, code: refusal.code })
        await frames.write(init.refusal(refusal)).catch(() => { /* the peer is gone: the refusal has nobody to go to */ })
      }
      await frames.close()
    })()
    running.add(job)
    void job.finally(() => running.delete(job))
  }, { maxInboundStreams: init.maxStreams, maxOutboundStreams: init.maxStreams })
  return async () => {
    await init.libp2p.unhandle(init.protocol)
    stopping.abort()
    await Promise.allSettled([...running])
  }
}
