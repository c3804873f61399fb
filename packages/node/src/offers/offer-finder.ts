import { CocoonError, asCocoonError, digestFromHex, modelRefMatches, parseModelRef, toHex } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { noCounters } from '../counters.ts'
import { askOffers } from './ask-offers.ts'
import { GATHER_TIMEOUT_MS, MAX_ASKS_AT_ONCE, MAX_FOLLOWED_MODELS, REFRESH_MS, SEARCH_ROUND_MS, SETTLE_MS } from './constants.ts'
import { offerVerdict } from './verdict.ts'
import type { OfferBook } from './offer-book.ts'
import type { OfferGossip } from './offer-gossip.ts'
import type { Counters } from '../counters.ts'
import type { Discovery } from '../discovery/discovery.ts'
import type { Host } from '../host/create-host.ts'
import type { Offer } from '@cocoon-net/protocol'
import type { PeerId } from '@libp2p/interface'

export interface OfferFinderInit {
  readonly host: Pick<Host, 'libp2p' | 'network' | 'peerId'>
  readonly discovery: Pick<Discovery, 'findProviders'>
  readonly book: OfferBook
  /** A node that follows gossip joins the topics of the models it looks for. */
  readonly gossip?: Pick<OfferGossip, 'follow'>
  readonly counters?: Counters
  now?(): number
}

export interface GatherOptions {
  /** 32-byte digest; or a name (`name`, `name@digest`, `@digest`); null for every model. */
  readonly model?: Uint8Array | string | null
  /** Resolves as soon as this many are known. */
  readonly minOffers?: number
  /** Ends the search; what is known then is the answer. Default: 10 s. */
  readonly signal?: AbortSignal
}

/** Where a client gets offers from: what gossip brought, otherwise the DHT and questions to the providers found. */
export interface OfferFinder {
  /** Offers valid now that are known already. */
  known(model: Uint8Array | string | null): readonly Offer[]
  /**
   * Known offers when they suffice (refreshed behind the answer when old), otherwise a search. Resolves with
   * `minOffers`, or shortly after everyone found has answered, or at the signal; never throws because of peers.
   *
   * @throws {CocoonError} model_unknown when a text is no model name
   */
  gather(options: GatherOptions): Promise<readonly Offer[]>
  /**
   * The digest that a model name stands for among the known offers.
   *
   * @throws {CocoonError} model_unknown, model_ambiguous
   */
  resolve(name: string): Uint8Array
  stop(): Promise<void>
}

interface Round {
  readonly done: Promise<void>
  finished: boolean
}

export function createOfferFinder (init: OfferFinderInit): OfferFinder {
  const { host, discovery, book } = init
  const counters = init.counters ?? noCounters
  const now = init.now ?? Date.now
  const stopping = new AbortController()
  const rounds = new Map<string, Round>()
  const refreshedAtMs = new LRUCache<string, number>({ max: 4 * MAX_FOLLOWED_MODELS })

  /** The exact digest of a name that has all 64 digits; otherwise every model has to be looked at. */
  const digestOf = (model: Uint8Array | string | null): Uint8Array | null => {
    if (typeof model !== 'string') {
      return model
    }
    const { digestPrefix } = parseModelRef(model)
    return digestPrefix?.length === 64 ? digestFromHex(digestPrefix) : null
  }

  const known = (model: Uint8Array | string | null): readonly Offer[] => {
    const offers = book.list(digestOf(model)).map(({ offer }) => offer)
    if (typeof model !== 'string') {
      return offers
    }
    const ref = parseModelRef(model)
    return offers.filter(offer => modelRefMatches(ref, offer.model))
  }

  const ask = async (peer: PeerId, model: Uint8Array | null, signal: AbortSignal): Promise<void> => {
    try {
      for (const signed of await askOffers(peer, { host, counters }, { model, signal })) {
        try {
          book.add(signed)
        } catch (error) {
          offerVerdict(error, counters, 'quote')
        }
      }
    } catch (error) {
      // A question that was ended on purpose did not fail.
      if (!stopping.signal.aborted) {
        counters.increment('cocoon_offer_asks_failed_total', { code: asCocoonError(error, 'stream_closed').code })
      }
    }
  }

  const search = async (model: Uint8Array | null, signal: AbortSignal): Promise<void> => {
    const asked = new Set<string>([host.peerId.toString()])
    const running = new Set<Promise<void>>()
    const start = async (peer: PeerId): Promise<void> => {
      if (asked.has(peer.toString())) {
        return
      }
      asked.add(peer.toString())
      while (running.size >= MAX_ASKS_AT_ONCE) {
        await Promise.race(running)
      }
      const job: Promise<void> = ask(peer, model, signal).finally(() => { running.delete(job) })
      running.add(job)
    }
    // Those known already answer without any search; a failing one costs nothing but its slot.
    for (const { peerId } of book.list(model).slice(0, MAX_ASKS_AT_ONCE)) {
      await start(peerId)
    }
    for await (const { id, multiaddrs } of discovery.findProviders(model ?? 'catalogue', { signal })) {
      if (multiaddrs.length > 0) {
        await host.libp2p.peerStore.merge(id, { multiaddrs })
      }
      await start(id)
    }
    await Promise.all(running)
  }

  /** Starts a search for a model, or joins the one under way. */
  const round = (model: Uint8Array | null): Round => {
    const key = model == null ? '' : toHex(model)
    const found = rounds.get(key)
    if (found != null) {
      return found
    }
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(SEARCH_ROUND_MS)])
    const started: Round = {
      finished: false,
      done: search(model, signal)
        .catch(error => { counters.increment('cocoon_offer_searches_failed_total', { code: asCocoonError(error).code }) })
        .finally(() => {
          started.finished = true
          rounds.delete(key)
          refreshedAtMs.set(key, now())
        })
    }
    rounds.set(key, started)
    return started
  }

  /** Resolves when enough offers are known, everyone has answered, some are known for a while, or the signal ends it. */
  const wait = async (model: Uint8Array | string | null, minOffers: number, current: Round, signal: AbortSignal): Promise<void> => {
    await new Promise<void>(resolve => {
      let settle: ReturnType<typeof setTimeout> | undefined
      const done = (): void => {
        clearTimeout(settle)
        unlisten()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const look = (): void => {
        const count = known(model).length
        if (count >= minOffers) {
          done()
        } else if (count > 0 && settle == null) {
          settle = setTimeout(done, SETTLE_MS)
        }
      }
      const unlisten = book.onChange(look)
      signal.addEventListener('abort', done)
      void current.done.then(done)
      if (signal.aborted) {
        done()
      }
      look()
    })
  }

  return {
    known,
    gather: async ({ model = null, minOffers = 1, signal }) => {
      const digest = digestOf(model)
      if (digest != null) {
        init.gossip?.follow(digest)
      }
      if (known(model).length >= minOffers) {
        if (now() - (refreshedAtMs.get(digest == null ? '' : toHex(digest)) ?? -Infinity) > REFRESH_MS) {
          round(digest)
        }
        return known(model)
      }
      const deadline = AbortSignal.any([stopping.signal, signal ?? AbortSignal.timeout(GATHER_TIMEOUT_MS)])
      // A round that joins late may end before this caller's providers are up: go on until something is known.
      do {
        await wait(model, minOffers, round(digest), deadline)
        if (known(model).length === 0 && !deadline.aborted) {
          await new Promise<void>(resolve => { setTimeout(resolve, SETTLE_MS) })
        }
      } while (known(model).length === 0 && !deadline.aborted)
      return known(model)
    },
    resolve: (name) => {
      const digests = new Map(known(name).map(({ model }) => [toHex(model.digest), model.digest]))
      const [only] = digests.values()
      if (only == null) {
        throw new CocoonError('model_unknown')
      }
      if (digests.size > 1) {
        throw new CocoonError('model_ambiguous', `${name} stands for ${digests.size} models`, { details: { digests: [...digests.keys()] } })
      }
      return only
    },
    stop: async () => {
      stopping.abort()
      await Promise.all([...rounds.values()].map(async ({ done }) => done))
    }
  }
}
