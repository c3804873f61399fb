import { decodeWith, encodeWith, asCocoonError, CocoonError } from '@cocoon-net/protocol'
import { lpStream } from '@libp2p/utils'
import type { Codec } from '@cocoon-net/protocol'
import type { Stream } from '@libp2p/interface'

export interface FramedStreamInit<In, Out> {
  readonly reads: Codec<In>
  readonly writes: Codec<Out>
  /** A longer frame is refused before its body is read. */
  readonly maxReadBytes: number
  /** The stream is aborted when nothing arrives for this long while a read waits. */
  readonly idleMs: number
  /** Aborts the stream. */
  readonly signal?: AbortSignal
  /** Names the frames in errors. */
  readonly what: string
}

/** Typed frames (varint length, deterministic CBOR) over one libp2p stream, with a bound and a deadline on each. */
export interface FramedStream<In, Out> {
  /**
   * Reads one frame; with `patient` it waits without a deadline, until the stream ends, and `idleMs` replaces the stream's deadline.
   *
   * @throws {CocoonError} frame_too_large, frame_malformed, stream_closed, timeout
   */
  read(options?: { patient?: boolean, idleMs?: number }): Promise<In>
  /**
   * Reads one frame, or null when the peer is done: it closed the stream, or was silent until the deadline.
   *
   * @throws {CocoonError} frame_too_large, frame_malformed
   */
  next(options?: { idleMs?: number }): Promise<In | null>
  /** @throws {CocoonError} stream_closed, timeout */
  write(frame: Out): Promise<void>
  /** Closes the writing side after what was written; never throws. */
  close(): Promise<void>
  abort(error: Error): void
}

const QUIET_ENDS: ReadonlySet<string> = new Set(['stream_closed', 'timeout'])

function streamError (error: unknown): CocoonError {
  if (error instanceof CocoonError) {
    return error
  }
  const name = error instanceof Error ? error.name : ''
  if (name === 'InvalidDataLengthError' || name === 'InvalidDataLengthLengthError' || name === 'InvalidMessageLengthError') {
    return new CocoonError('frame_too_large', 'the peer announced a frame larger than allowed', { cause: error })
  }
  return asCocoonError(error, 'stream_closed')
}

export function framedStream<In, Out> (stream: Stream, init: FramedStreamInit<In, Out>): FramedStream<In, Out> {
  const frames = lpStream(stream, { maxDataLength: init.maxReadBytes, maxBufferSize: init.maxReadBytes + 1_024 * 1_024 })
  let failure: CocoonError | undefined

  const abort = (error: Error): void => {
    failure ??= asCocoonError(error, 'stream_closed')
    stream.abort(error)
  }
  const onAbort = (): void => {
    abort(asCocoonError(init.signal?.reason, 'stream_closed'))
  }
  if (init.signal?.aborted === true) {
    onAbort()
  }
  init.signal?.addEventListener('abort', onAbort)
  stream.addEventListener('close', () => { init.signal?.removeEventListener('abort', onAbort) }, { once: true })

  const guarded = async <T>(work: () => Promise<T>, what: string, { patient = false, idleMs = init.idleMs }: { patient?: boolean, idleMs?: number } = {}): Promise<T> => {
    if (failure != null) {
      throw failure
    }
    const timer = patient
      ? undefined
      : setTimeout(() => { abort(new CocoonError('timeout', `${init.what}: ${what} took longer than ${idleMs} ms`)) }, idleMs)
    try {
      return await work()
    } catch (error) {
      throw failure ?? streamError(error)
    } finally {
      clearTimeout(timer)
    }
  }

  const read: FramedStream<In, Out>['read'] = async (options) => {
    const data = await guarded(async () => (await frames.read()).subarray(), 'reading', options)
    return decodeWith(init.reads, data, init.maxReadBytes, init.what)
  }

  return {
    read,
    next: async (options) => read(options).catch((error: unknown) => {
      if (error instanceof CocoonError && QUIET_ENDS.has(error.code)) {
        return null
      }
      throw error
    }),
    write: async (frame) => {
      const data = encodeWith(init.writes, frame)
      await guarded(async () => frames.write(data), 'writing')
    },
    close: async () => {
      init.signal?.removeEventListener('abort', onAbort)
      try {
        await stream.close({ signal: AbortSignal.timeout(init.idleMs) })
      } catch (error) {
        stream.abort(streamError(error))
      }
    },
    abort
  }
}
