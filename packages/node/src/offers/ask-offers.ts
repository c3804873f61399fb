import { LIMITS, equalBytes, fromRefusal, protocolId, quoteAnswerCodec, quoteAskCodec } from '@cocoon-net/protocol'
import { framedStream } from '../streams/framed-stream.ts'
import { ASK_TIMEOUT_MS } from './constants.ts'
import { openOffer } from './signed-offer.ts'
import { offerVerdict } from './verdict.ts'
import type { SignedOffer } from './signed-offer.ts'
import type { Counters } from '../counters.ts'
import type { Host } from '../host/create-host.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface AskOffersInit {
  readonly host: Pick<Host, 'libp2p' | 'network'>
  readonly counters: Counters
}

export interface AskOffersOptions {
  /** 32-byte digest, or null for every model. */
  readonly model: Uint8Array | null
  readonly signal?: AbortSignal
}

/**
 * Asks one peer for its offers over quote/1. Offers that do not verify, or are of another model, are counted and left
 * out. The time is not checked here: the book does.
 *
 * @throws {CocoonError} the refusal's code, frame_too_large, frame_malformed, stream_closed, timeout
 */
export async function askOffers (peer: PeerId | Multiaddr | Multiaddr[], init: AskOffersInit, options: AskOffersOptions): Promise<readonly SignedOffer[]> {
  const { host, counters } = init
  const deadline = AbortSignal.timeout(ASK_TIMEOUT_MS)
  const signal = options.signal == null ? deadline : AbortSignal.any([options.signal, deadline])
  const stream = await host.libp2p.dialProtocol(peer, protocolId(host.network, 'quote'), { signal })
  const frames = framedStream(stream, {
    reads: quoteAnswerCodec,
    writes: quoteAskCodec,
    maxReadBytes: LIMITS.quoteAnswerFrameBytes,
    idleMs: ASK_TIMEOUT_MS,
    signal,
    what: 'quote'
  })
  try {
    await frames.write({ t: 'ask', networkId: host.network.networkId, model: options.model, order: null })
    const answer = await frames.read()
    if (answer.t === 'refusal') {
      throw fromRefusal(answer)
    }
    const opened = await Promise.all(answer.offers.map(async bytes => {
      try {
        const signed = await openOffer(bytes, host.network)
        return options.model == null || equalBytes(signed.offer.model.digest, options.model) ? signed : undefined
      } catch (error) {
        offerVerdict(error, counters, 'quote')
        return undefined
      }
    }))
    return opened.filter(signed => signed != null)
  } finally {
    void frames.close()
  }
}
