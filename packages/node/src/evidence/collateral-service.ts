import { CocoonError, equalBytes, fromHex, fromRefusal, protocolId, toHex } from '@cocoon-net/protocol'
import { bytes, fixedBytes, list, record, text, uint, union } from '@cocoon-net/protocol/codec'
import { ANSWER_TIMEOUT_MS, MAX_CONTROL_STREAMS } from '../constants.ts'
import { serve } from '../services/serve.ts'
import { framedStream } from '../streams/framed-stream.ts'
import { contentIdOf } from './collateral-store.ts'
import { MAX_COLLATERAL_BYTES } from './constants.ts'
import type { CollateralStore } from './collateral-store.ts'
import type { Counters } from '../counters.ts'
import type { NetworkPreset, ValueOf } from '@cocoon-net/protocol'
import type { Connection, Libp2p } from '@libp2p/interface'

const MAX_SUBJECT_LENGTH = 256
const MAX_QUESTION_BYTES = 1_024
const MAX_ANSWER_BYTES = MAX_COLLATERAL_BYTES + 1_024

/** collateral/1: the content id of what is there for a subject, and the content of an id. */
const questionCodec = union({
  find: record({ networkId: fixedBytes(32), subject: text(MAX_SUBJECT_LENGTH) }),
  get: record({ networkId: fixedBytes(32), id: fixedBytes(32) })
})
const answerCodec = union({
  ids: record({ ids: list(fixedBytes(32), 1) }),
  content: record({ data: bytes(MAX_COLLATERAL_BYTES) }),
  refusal: record({ code: text(64), retryAfterMs: uint(86_400_000) })
})

type Question = ValueOf<typeof questionCodec>
type Answer = ValueOf<typeof answerCodec>

export interface CollateralServiceInit {
  readonly libp2p: Pick<Libp2p, 'handle' | 'unhandle'>
  readonly network: NetworkPreset
  readonly store: CollateralStore
  readonly counters: Counters
}

function answerTo (question: Question, store: CollateralStore): Answer {
  if (question.t === 'find') {
    const found = store.bySubject(question.subject)
    return { t: 'ids', ids: found == null ? [] : [fromHex(found.id)] }
  }
  const found = store.byId(toHex(question.id))
  if (found == null) {
    throw new CocoonError('not_found')
  }
  return { t: 'content', data: found.data }
}

/** Serves what this node verified evidence with: one question for each stream. */
export async function serveCollateral (init: CollateralServiceInit): Promise<() => Promise<void>> {
  return serve({
    libp2p: init.libp2p,
    protocol: protocolId(init.network, 'collateral'),
    reads: questionCodec,
    writes: answerCodec,
    maxReadBytes: MAX_QUESTION_BYTES,
    idleMs: ANSWER_TIMEOUT_MS,
    maxStreams: MAX_CONTROL_STREAMS,
    counters: init.counters,
    what: 'collateral',
    refusal: (refusal) => ({ t: 'refusal' as const, ...refusal }),
    handle: async (frames) => {
      const question = await frames.read()
      if (!equalBytes(question.networkId, init.network.networkId)) {
        throw new CocoonError('wrong_network')
      }
      await frames.write(answerTo(question, init.store))
    }
  })
}

async function ask (connection: Connection, network: NetworkPreset, question: Question, signal: AbortSignal): Promise<Answer> {
  const stream = await connection.newStream(protocolId(network, 'collateral'), { signal })
  const frames = framedStream(stream, { reads: answerCodec, writes: questionCodec, maxReadBytes: MAX_ANSWER_BYTES, idleMs: ANSWER_TIMEOUT_MS, signal, what: 'collateral' })
  try {
    await frames.write(question)
    const answer = await frames.read()
    if (answer.t === 'refusal') {
      throw fromRefusal(answer)
    }
    return answer
  } finally {
    await frames.close()
  }
}

/**
 * What a peer has for a subject, unless its content id is one of `except`; null when it has nothing else. Nothing but its
 * id is verified.
 *
 * @throws {CocoonError} why the peer gives nothing
 */
export async function askCollateral (connection: Connection, init: { network: NetworkPreset, subject: string, except: ReadonlySet<string>, signal: AbortSignal }): Promise<Uint8Array | null> {
  const { network, subject, except, signal } = init
  const { networkId } = network
  const found = await ask(connection, network, { t: 'find', networkId, subject }, signal)
  const id = found.t === 'ids' ? found.ids.find(candidate => !except.has(toHex(candidate))) : undefined
  if (id == null) {
    return null
  }
  const content = await ask(connection, network, { t: 'get', networkId, id }, signal)
  if (content.t !== 'content' || contentIdOf(content.data) !== toHex(id)) {
    throw new CocoonError('frame_malformed', 'the collateral is not what its id names')
  }
  return content.data
}
