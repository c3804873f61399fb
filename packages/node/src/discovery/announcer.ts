import { bucketOf, dhtProtocolId } from '@cocoon-net/protocol'
import { ANNOUNCE_CONCURRENCY, ANNOUNCE_GATHER_MS, ANNOUNCE_RETRY_MAX_MS, ANNOUNCE_RETRY_MS, PROVIDE_TIMEOUT_MS, REPUBLISH_MS, SMALL_NETWORK_PEERS } from './constants.ts'
import { cidOf, hoursToPublish, keyOf, nextPublishChange } from './keys.ts'
import type { Target } from './keys.ts'
import type { Counters } from '../counters.ts'
import type { Host } from '../host/create-host.ts'
import type { IdentifyResult } from '@libp2p/interface'

export interface AnnouncerInit {
  readonly host: Pick<Host, 'dht' | 'libp2p' | 'peerId' | 'network'>
  readonly counters: Counters
  now(): number
}

/** Publishes a provider's records again and again, until told otherwise. */
export interface Announcer {
  /** Replaces the set of models that are announced; an empty set ends announcing. */
  announce(digests: readonly Uint8Array[]): void
  stop(): Promise<void>
}

export function createAnnouncer (init: AnnouncerInit): Announcer {
  const { host, counters, now } = init
  const protocol = dhtProtocolId(host.network)
  const bucket = bucketOf(host.peerId.toMultihash().bytes, host.network.buckets)
  const stopping = new AbortController()
  let targets: readonly Target[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueMs = Infinity
  let running: Promise<void> | undefined
  let again = false
  let retryMs = ANNOUNCE_RETRY_MS
  let takers = 0

  const provide = async (key: Uint8Array): Promise<number> => {
    let taken = 0
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(PROVIDE_TIMEOUT_MS)])
    try {
      for await (const event of host.dht.provide(cidOf(key), { signal })) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') {
          taken++
        }
      }
    } catch {
      counters.increment('cocoon_announce_failed_total')
    }
    return taken
  }

  const publish = async (): Promise<void> => {
    const keys = hoursToPublish(now()).flatMap(hour => targets.map(target => keyOf(host.network, target, hour, bucket)))
    // Every key must have been taken by somebody: the least lucky one decides about a retry.
    let least = Infinity
    const worker = async (): Promise<void> => {
      for (let key = keys.pop(); key != null && !stopping.signal.aborted; key = keys.pop()) {
        least = Math.min(least, await provide(key))
      }
    }
    await Promise.all(Array.from({ length: ANNOUNCE_CONCURRENCY }, worker))
    takers = Number.isFinite(least) ? least : 0
  }

  const run = async (): Promise<void> => {
    do {
      again = false
      await publish()
    } while (again && !stopping.signal.aborted)
    if (takers === 0) {
      plan(retryMs)
      retryMs = Math.min(ANNOUNCE_RETRY_MAX_MS, retryMs * 2)
    } else {
      retryMs = ANNOUNCE_RETRY_MS
      plan(Math.min(REPUBLISH_MS, nextPublishChange(now()) - now()))
    }
  }

  const plan = (inMs: number): void => {
    if (stopping.signal.aborted || targets.length === 0) {
      return
    }
    if (timer != null && dueMs <= now() + inMs) {
      return
    }
    clearTimeout(timer)
    dueMs = now() + inMs
    timer = setTimeout(() => {
      timer = undefined
      if (running != null) {
        again = true
        return
      }
      running = run().finally(() => { running = undefined })
    }, inMs)
    timer.unref()
  }

  // A bootstrap that restarts has lost its records, and one that comes late has none: tell every newcomer while the
  // network is small; in a large one the next republication is soon enough.
  const onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    if (takers < SMALL_NETWORK_PEERS && event.detail.protocols.includes(protocol)) {
      retryMs = ANNOUNCE_RETRY_MS
      plan(ANNOUNCE_GATHER_MS)
    }
  }
  host.libp2p.addEventListener('peer:identify', onIdentify)

  return {
    announce: (digests) => {
      targets = digests.length === 0 ? [] : [...digests, 'catalogue']
      if (targets.length === 0) {
        clearTimeout(timer)
        timer = undefined
      }
      plan(0)
    },
    stop: async () => {
      host.libp2p.removeEventListener('peer:identify', onIdentify)
      stopping.abort()
      clearTimeout(timer)
      await running
    }
  }
}
