import { protocolId } from '@cocoon-net/protocol'
import { WARM_STREAM_MS } from '../constants.ts'
import type { Binding, NetworkPreset } from '@cocoon-net/protocol'
import type { PreparedSeal, prepareSeal } from '@cocoon-net/sealing'
import type { Connection, Stream } from '@libp2p/interface'

/** What the next request to a provider needs before its content is known. */
export interface WarmRequest {
  readonly seal: PreparedSeal
  readonly stream: Stream
}

/**
 * Keeps one request's worth of work done ahead for one verified provider: a negotiated stream, and an encapsulation
 * with its key schedule. It takes two round trips' and two milliseconds' waiting off the first token.
 */
export interface WarmRequests {
  /**
   * What is ready, or else made now.
   *
   * @throws {CocoonError} seal_failed, and what opening a stream throws
   */
  take(signal: AbortSignal): Promise<WarmRequest>
  /** Makes the next one ready; never throws. Called when the present job needs the processor no more. */
  refill(): void
  stop(): void
}

export interface WarmRequestsInit {
  readonly network: NetworkPreset
  readonly connection: Connection
  readonly binding: Binding
  readonly bindingHash: Uint8Array
  readonly prepareSeal: typeof prepareSeal
  now (): number
}

interface Ready extends WarmRequest { readonly atMs: number }

export function createWarmRequests (init: WarmRequestsInit): WarmRequests {
  const stopping = new AbortController()
  let ready: Ready | undefined
  let refilling = false

  const make = async (signal: AbortSignal): Promise<Ready> => {
    const { kem, key } = init.binding.hpkeKeys[0]
    const seal = await init.prepareSeal({ kem, publicKey: key, bindingHash: init.bindingHash })
    try {
      const stream = await init.connection.newStream(protocolId(init.network, 'infer'), { signal })
      return { seal, stream, atMs: init.now() }
    } catch (error) {
      seal.wipe()
      throw error
    }
  }

  const discard = (request: Ready): void => {
    request.seal.wipe()
    request.stream.close().catch(() => { /* it is gone already */ })
  }

  return {
    take: async (signal) => {
      const kept = ready
      ready = undefined
      if (kept != null) {
        if (kept.stream.status === 'open' && init.now() - kept.atMs < WARM_STREAM_MS) {
          return kept
        }
        discard(kept)
      }
      return make(signal)
    },
    refill: () => {
      if (ready != null || refilling || stopping.signal.aborted) {
        return
      }
      refilling = true
      make(stopping.signal).then((request) => {
        if (stopping.signal.aborted) {
          discard(request)
        } else {
          ready = request
        }
      }, () => { /* the next request makes its own, and learns why this failed */ }).finally(() => { refilling = false })
    },
    stop: () => {
      stopping.abort()
      if (ready != null) {
        discard(ready)
        ready = undefined
      }
    }
  }
}
