import { multiaddr } from '@multiformats/multiaddr'
import { BOOTSTRAP_CHECK_MS, BOOTSTRAP_RETRY_MAX_MS, BOOTSTRAP_RETRY_MS, DIAL_TIMEOUT_MS } from './constants.ts'
import type { Counters } from '../counters.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'

/**
 * Keeps a connection to every bootstrap address: dials at once, retries with growing delays, and notices a lost peer.
 * libp2p's own bootstrap module dials once, a second after start. The returned function ends it.
 */
export function keepBootstrapped (libp2p: Pick<Libp2p, 'dial' | 'getConnections' | 'addEventListener' | 'removeEventListener'>, addresses: readonly string[], counters: Counters): () => void {
  const stopping = new AbortController()
  const wakers = new Set<() => void>()
  const wake = (): void => { for (const waker of wakers) { waker() } }

  const pause = async (ms: number): Promise<void> => new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      wakers.delete(done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    wakers.add(done)
  })

  const keep = async (address: string): Promise<void> => {
    const target = multiaddr(address)
    let peer: PeerId | undefined
    let retryMs = BOOTSTRAP_RETRY_MS
    while (!stopping.signal.aborted) {
      if (peer != null && libp2p.getConnections(peer).length > 0) {
        await pause(BOOTSTRAP_CHECK_MS)
        continue
      }
      try {
        peer = (await libp2p.dial(target, { signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]) })).remotePeer
        retryMs = BOOTSTRAP_RETRY_MS
      } catch {
        counters.increment('cocoon_bootstrap_dials_failed_total')
        await pause(retryMs)
        retryMs = Math.min(BOOTSTRAP_RETRY_MAX_MS, retryMs * 2)
      }
    }
  }

  libp2p.addEventListener('peer:disconnect', wake)
  for (const address of addresses) {
    void keep(address)
  }
  return () => {
    libp2p.removeEventListener('peer:disconnect', wake)
    stopping.abort()
    wake()
  }
}
