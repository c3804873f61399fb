import { setImmediate } from 'node:timers/promises'
import { FLUSH_MS, FLUSH_TOKENS } from '../constants.ts'
import type { AdmittedJob } from './admitted-job.ts'
import type { ChunkWriter, PendingToken } from './chunk-writer.ts'
import type { FinishReason } from '@cocoon-net/protocol'

/** Sends the tokens of one answer in sealed chunks: the first at once, the others when there are enough or the timer fires. */
export interface AnswerSender {
  /** Tokens taken so far. */
  readonly count: number
  /** Why nothing can be sent any more; undefined while all is well. */
  readonly error: unknown
  /** Resolves when the engine may go on; never throws. */
  push(token: PendingToken): Promise<void>
  /** Sends what waits; `flush` marks a chunk that was not full, `finish` the last. Resolves when all is written; never throws. */
  flush(options: { flush: boolean, finish?: FinishReason }): Promise<void>
  /** Resolves when all that was flushed is written; never throws. */
  sent(): Promise<void>
  /** From here on nothing is sent: the client is gone. */
  lose(error: unknown): void
  /** Stops the timer. */
  stop(): void
}

export interface AnswerSenderInit {
  readonly frames: Pick<AdmittedJob['frames'], 'write'>
  readonly writer: ChunkWriter
  /** How long tokens wait for company. */
  readonly flushMs?: number
  /** Hears once of what made sending impossible. */
  onError(error: unknown): void
}

export function createAnswerSender ({ frames, writer, flushMs = FLUSH_MS, onError }: AnswerSenderInit): AnswerSender {
  const state: { count: number, error: unknown } = { count: 0, error: undefined }
  let sending: Promise<void> = Promise.resolve()
  let timer: ReturnType<typeof setTimeout> | undefined

  const stop = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  const fail = (error: unknown): void => {
    state.error ??= error
    onError(error)
  }
  const flush: AnswerSender['flush'] = async (options) => {
    stop()
    try {
      const sealed = writer.seal(options)
      if (sealed != null) {
        sending = sending.then(async () => {
          if (state.error == null) {
            await frames.write({ t: 'chunk', sealed })
          }
        }).catch(fail)
      }
    } catch (error) {
      // Nobody waits for what the timer sends: a chunk that cannot be sealed ends its job, not the process.
      fail(error)
    }
    await sending
  }

  return {
    get count () { return state.count },
    get error () { return state.error },
    push: async (token) => {
      writer.add(token)
      state.count++
      if (state.count === 1 || writer.pending >= FLUSH_TOKENS) {
        void flush({ flush: false })
        // An engine that always has the next token would keep what is written, and all other jobs, from the network.
        await setImmediate()
      } else {
        timer ??= setTimeout(() => { void flush({ flush: true }) }, flushMs)
      }
    },
    flush,
    sent: async () => sending,
    lose: (error) => { state.error ??= error },
    stop
  }
}
