import { CocoonError, LIMITS, payRequestCodec, payResponseCodec, protocolId } from '@cocoon-net/protocol'
import { MAX_CONTROL_STREAMS, PAY_IDLE_MS } from '../constants.ts'
import { serve } from './serve.ts'
import type { Counters } from '../counters.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { ProviderPayments } from '@cocoon-net/settlement'
import type { Libp2p } from '@libp2p/interface'

export interface PayServiceInit {
  readonly libp2p: Libp2p
  readonly network: NetworkPreset
  readonly payments: ProviderPayments
  readonly counters: Counters
  readonly payers: LanePayers
}

/** Which peer has opened which lane: only that peer's requests may use the lane. */
export interface LanePayers {
  add(laneKey: string, peer: string): void
  remove(laneKey: string, peer: string): void
  has(laneKey: string, peer: string): boolean
}

export function createLanePayers (): LanePayers {
  const open = new Map<string, number>()
  return {
    add: (laneKey, peer) => {
      const key = `${laneKey}/${peer}`
      open.set(key, (open.get(key) ?? 0) + 1)
    },
    remove: (laneKey, peer) => {
      const key = `${laneKey}/${peer}`
      const left = (open.get(key) ?? 1) - 1
      if (left > 0) {
        open.set(key, left)
      } else {
        open.delete(key)
      }
    },
    has: (laneKey, peer) => open.has(`${laneKey}/${peer}`)
  }
}

/** Serves pay/1: `open` first, then vouchers, each acknowledged once it is on disk; or one `close`, answered once the payee's word is. */
export async function servePay (init: PayServiceInit): Promise<() => Promise<void>> {
  return serve({
    libp2p: init.libp2p,
    protocol: protocolId(init.network, 'pay'),
    reads: payRequestCodec,
    writes: payResponseCodec,
    maxReadBytes: LIMITS.payFrameBytes,
    idleMs: PAY_IDLE_MS,
    maxStreams: MAX_CONTROL_STREAMS,
    counters: init.counters,
    what: 'pay',
    refusal: (refusal) => ({ t: 'refusal' as const, ...refusal }),
    handle: async (frames, connection) => {
      const first = await frames.read()
      const peers = { client: connection.remotePeer.toMultihash().bytes, provider: init.libp2p.peerId.toMultihash().bytes }
      if (first.t === 'close') {
        const { wallet: { publicKey }, payeeSignature, isPayeeSending } = await init.payments.closeLane(first, peers)
        await frames.write({ t: 'closing', publicKey, signature: payeeSignature, isSending: isPayeeSending })
        return
      }
      if (first.t !== 'open') {
        throw new CocoonError('frame_malformed', 'the first frame must open or close a lane')
      }
      const peer = connection.remotePeer.toString()
      const lane = await init.payments.openLane(first, peers)
      init.payers.add(lane.laneKey, peer)
      try {
        await frames.write(lane.frame)
        for (;;) {
          const frame = await frames.next()
          if (frame == null) {
            return
          }
          if (frame.t !== 'pay') {
            throw new CocoonError('frame_malformed', 'a lane is opened once')
          }
          const { cumulative } = await init.payments.pay(lane.laneKey, frame)
          await frames.write({ t: 'ack', cumulative })
        }
      } finally {
        init.payers.remove(lane.laneKey, peer)
      }
    }
  })
}
