import { dhtProtocolId } from '@cocoon-net/protocol'
import { BUCKETS_PER_ROUND, ENOUGH_PROVIDERS, MAX_PROVIDERS_RETURNED, QUERY_TIMEOUT_MS, ROUTING_TABLE_MS, SEARCH_RETRY_MAX_MS, SEARCH_RETRY_MS, SEARCH_TIMEOUT_MS } from './constants.ts'
import { cidOf, hoursToAsk, keyOf, shuffledBuckets } from './keys.ts'
import type { Target } from './keys.ts'
import type { Counters } from '../counters.ts'
import type { Host } from '../host/create-host.ts'
import type { IdentifyResult, PeerInfo } from '@libp2p/interface'

export interface FindProvidersInit {
  readonly host: Pick<Host, 'dht' | 'libp2p' | 'peerId' | 'network'>
  readonly counters: Counters
  now(): number
  random(): number
}

export interface FindProvidersOptions {
  /** Ends the search; what was found until then stands. */
  readonly signal?: AbortSignal
}

/** Waits for a time, the signal, or a newly identified DHT peer, whichever is first; true when it was a peer. */
async function pause (host: FindProvidersInit['host'], ms: number, signal: AbortSignal): Promise<boolean> {
  const protocol = dhtProtocolId(host.network)
  return new Promise<boolean>(resolve => {
    let woken = false
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      host.libp2p.removeEventListener('peer:identify', onIdentify)
      resolve(woken)
    }
    const onIdentify = (event: CustomEvent<IdentifyResult>): void => {
      if (event.detail.protocols.includes(protocol) && !woken) {
        woken = true
        clearTimeout(timer)
        // The routing table takes a peer shortly after it is identified: asking at once would ask nobody.
        timer = setTimeout(done, ROUTING_TABLE_MS)
      }
    }
    let timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    host.libp2p.addEventListener('peer:identify', onIdentify)
    if (signal.aborted) {
      done()
    }
  })
}

/** Yields what several searches find, as it is found; a search that fails ends alone. */
async function * merge (sources: ReadonlyArray<AsyncIterable<PeerInfo>>, onError: () => void, onEnd: () => void): AsyncGenerator<PeerInfo> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]())
  type Step = { index: number, result?: IteratorResult<PeerInfo> }
  const next = async (index: number): Promise<Step> => {
    try {
      return { index, result: await iterators[index].next() }
    } catch {
      onError()
      return { index }
    }
  }
  const waiting = new Map(iterators.map((_, index) => [index, next(index)]))
  try {
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values())
      if (result == null || result.done === true) {
        waiting.delete(index)
        continue
      }
      waiting.set(index, next(index))
      yield result.value
    }
  } finally {
    onEnd()
    for (const index of waiting.keys()) {
      void iterators[index].return?.().catch(onError)
    }
  }
}

/**
 * Searches until at least one provider is found, asking again with growing pauses: providers may come up after the
 * client. Yields each provider once, at most 100, as soon as it is known. A record is a hint until a signed offer
 * arrives. Ends at the signal, or after 30 s without one.
 */
export async function * findProviders (target: Target, init: FindProvidersInit, options: FindProvidersOptions = {}): AsyncGenerator<PeerInfo> {
  const { host, counters, now } = init
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal ?? AbortSignal.timeout(SEARCH_TIMEOUT_MS), stop.signal])
  const seen = new Set<string>([host.peerId.toString()])
  const onError = (): void => {
    // A query that was ended on purpose did not fail.
    if (!signal.aborted) {
      counters.increment('cocoon_dht_queries_failed_total')
    }
  }

  async function * ask (key: Uint8Array, ended: AbortSignal): AsyncGenerator<PeerInfo> {
    const deadline = AbortSignal.any([signal, ended, AbortSignal.timeout(QUERY_TIMEOUT_MS)])
    for await (const event of host.dht.findProviders(cidOf(key), { signal: deadline })) {
      if (event.name === 'PROVIDER') {
        yield * event.providers
      }
    }
  }

  /** Newly found peers of some buckets. */
  async function * round (buckets: readonly number[]): AsyncGenerator<PeerInfo> {
    // Leaving early ends this round's queries, and no other's.
    const ended = new AbortController()
    const keys = buckets.flatMap(bucket => hoursToAsk(now()).map(hour => keyOf(host.network, target, hour, bucket)))
    for await (const peer of merge(keys.map(key => ask(key, ended.signal)), onError, () => { ended.abort() })) {
      const id = peer.id.toString()
      if (seen.has(id)) {
        continue
      }
      seen.add(id)
      yield peer
      if (seen.size > MAX_PROVIDERS_RETURNED) {
        return
      }
    }
  }

  try {
    let retryMs = SEARCH_RETRY_MS
    while (!signal.aborted) {
      const buckets = shuffledBuckets(host.network.buckets, init.random)
      // This node itself is among the seen.
      while (buckets.length > 0 && seen.size <= ENOUGH_PROVIDERS && !signal.aborted) {
        yield * round(buckets.splice(0, BUCKETS_PER_ROUND))
      }
      if (seen.size > 1) {
        return
      }
      const woken = await pause(host, retryMs, signal)
      retryMs = woken ? SEARCH_RETRY_MS : Math.min(SEARCH_RETRY_MAX_MS, retryMs * 2)
    }
  } finally {
    stop.abort()
  }
}
