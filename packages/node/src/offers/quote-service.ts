import { CocoonError, LIMITS, equalBytes, protocolId, quoteAnswerCodec, quoteAskCodec } from '@cocoon-net/protocol'
import { ANSWER_TIMEOUT_MS, MAX_CONTROL_STREAMS } from '../constants.ts'
import { serve } from '../services/serve.ts'
import { ASKS_BURST, ASKS_PER_SECOND, MAX_FOREIGN_OFFERS_PER_ANSWER } from './constants.ts'
import { createRateLimit } from './rate-limit.ts'
import type { OfferBook } from './offer-book.ts'
import type { OfferPublisher } from './offer-publisher.ts'
import type { SignedOffer } from './signed-offer.ts'
import type { Counters } from '../counters.ts'
import type { Host } from '../host/create-host.ts'

export interface QuoteServiceInit {
  readonly host: Pick<Host, 'libp2p' | 'network'>
  /** Own offers come first. */
  readonly publisher?: Pick<OfferPublisher, 'current'>
  /** Offers of others fill up the answer. */
  readonly book?: Pick<OfferBook, 'list'>
  readonly counters: Counters
  now(): number
}

/** Room for the frame's own bytes beside the offers. */
const FRAME_ROOM_BYTES = 1_024

/** Own offers first, then those of others up to a bound, as many as one frame holds. */
export function answerWith (own: readonly SignedOffer[], others: readonly SignedOffer[]): Uint8Array[] {
  const answer: Uint8Array[] = []
  let room = LIMITS.quoteAnswerFrameBytes - FRAME_ROOM_BYTES
  for (const { envelope } of [...own, ...others.slice(0, MAX_FOREIGN_OFFERS_PER_ANSWER)]) {
    // Each byte string has a head of at most three bytes at these sizes.
    room -= envelope.byteLength + 3
    if (room < 0 || answer.length >= LIMITS.maxOffersPerAnswer) {
      break
    }
    answer.push(envelope)
  }
  return answer
}

/** Serves quote/1. Refuses with wrong_network, rate_limited, or not_available_yet for orders. */
export async function serveQuotes (init: QuoteServiceInit): Promise<() => Promise<void>> {
  const { host, now } = init
  const rate = createRateLimit({ perSecond: ASKS_PER_SECOND, burst: ASKS_BURST, now })
  return serve({
    libp2p: host.libp2p,
    protocol: protocolId(host.network, 'quote'),
    reads: quoteAskCodec,
    writes: quoteAnswerCodec,
    maxReadBytes: LIMITS.quoteAskFrameBytes,
    idleMs: ANSWER_TIMEOUT_MS,
    maxStreams: MAX_CONTROL_STREAMS,
    counters: init.counters,
    what: 'quote',
    refusal: (refusal) => ({ t: 'refusal' as const, ...refusal }),
    handle: async (frames, connection) => {
      const retryAfterMs = rate.take(connection.remotePeer.toString())
      if (retryAfterMs > 0) {
        throw new CocoonError('rate_limited', undefined, { retryAfterMs })
      }
      const ask = await frames.read()
      if (!equalBytes(ask.networkId, host.network.networkId)) {
        throw new CocoonError('wrong_network')
      }
      if (ask.order != null) {
        throw new CocoonError('not_available_yet')
      }
      const own = (await init.publisher?.current() ?? []).filter(({ offer }) => ask.model == null || equalBytes(offer.model.digest, ask.model))
      const others = (init.book?.list(ask.model) ?? []).filter(({ peerId }) => !peerId.equals(connection.remotePeer) && !peerId.equals(host.libp2p.peerId))
      await frames.write({ t: 'offers', offers: answerWith(own, others) })
    }
  })
}
