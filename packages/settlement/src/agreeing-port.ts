import { CocoonError } from '@cocoon-net/protocol'
import { lesser } from './lane.ts'
import { hex } from './types.ts'
import type { TonPort } from './ton-port.ts'
import type { LaneOnChain } from './types.ts'

/** Both answers, or the first error: what gates money is not taken from one endpoint alone. */
async function both<T> (ports: readonly [TonPort, TonPort], ask: (port: TonPort) => Promise<T>): Promise<readonly [T, T]> {
  return Promise.all([ask(ports[0]), ask(ports[1])])
}

/**
 * The lane that two answers allow. One endpoint is often a block behind the other, so amounts may differ: of cap and
 * paid the lower is taken, of two unlocks the earlier. When only one of them shows the lane, or they show different
 * lanes, what is shown is doubtful: good enough as bad news and for nothing else.
 */
export function agreedLane (a: LaneOnChain | null, b: LaneOnChain | null): LaneOnChain | null {
  if (a == null || b == null) {
    const shown = a ?? b
    return shown == null ? null : { ...shown, isDoubtful: true }
  }
  if (a.epoch !== b.epoch || a.keyIdx !== b.keyIdx) {
    return { ...(a.unlockAt === 0 ? b : a), isDoubtful: true }
  }
  const unlocks = [a.unlockAt, b.unlockAt].filter(at => at !== 0)
  return {
    capNano: lesser(a.capNano, b.capNano),
    paidNano: lesser(a.paidNano, b.paidNano),
    epoch: a.epoch,
    keyIdx: a.keyIdx,
    unlockAt: unlocks.length === 0 ? 0 : Math.min(...unlocks),
    gasLeftNano: lesser(a.gasLeftNano, b.gasLeftNano)
  }
}

/** An agreeing port, and how it says that the two do not. */
export interface AgreeingPort extends TonPort {
  /** Tells of a contradiction; `shown` is what the first and the second endpoint show. */
  disagreement (what: string, shown: readonly string[]): CocoonError
}

function laneText (lane: LaneOnChain | null): string {
  return lane == null ? 'none' : `epoch ${lane.epoch}, signer ${lane.keyIdx}`
}

/**
 * A port over two endpoints that do not trust each other. Reads that gate money need both; a message goes to both and
 * needs one; a wallet's number is the higher one, since the lower comes from an endpoint that is behind. While one
 * endpoint is away nothing new is confirmed, but an unlock that the other shows is seen.
 *
 * @param ports - the two endpoints
 * @param onDisagree - told when they contradict each other
 * @throws {CocoonError} chain_disagrees, chain_unavailable, chain_rejected (from its methods)
 */
export function agreeingPort (ports: readonly [TonPort, TonPort], onDisagree: (error: CocoonError) => void = () => {}): AgreeingPort {
  const [first, second] = ports.map(({ endpoint }, i) => endpoint ?? `endpoint ${i + 1}`)
  const disagreement: AgreeingPort['disagreement'] = (what, [a, b]) => {
    const error = new CocoonError('chain_disagrees', `the endpoints disagree about ${what}: ${first} shows ${a}, ${second} shows ${b}`)
    onDisagree(error)
    return error
  }
  return {
    disagreement,
    endpoint: `${first} and ${second}`,
    nowMs: ports[0].nowMs,
    balance: async (account) => {
      const [a, b] = await both(ports, async (port) => port.balance(account))
      return lesser(a, b)
    },
    isActive: async (account) => {
      const [a, b] = await both(ports, async (port) => port.isActive(account))
      return a && b
    },
    readLane: async (vault, payee) => {
      const [a, b] = await Promise.allSettled(ports.map(async (port) => port.readLane(vault, payee)))
      if (a.status === 'fulfilled' && b.status === 'fulfilled') {
        const lane = agreedLane(a.value, b.value)
        if (lane?.isDoubtful === true) {
          disagreement('a lane', [laneText(a.value), laneText(b.value)])
        }
        return lane
      }
      const shown = agreedLane(a.status === 'fulfilled' ? a.value : null, b.status === 'fulfilled' ? b.value : null)
      if (shown == null) {
        throw a.status === 'rejected' ? a.reason : (b as PromiseRejectedResult).reason
      }
      return shown
    },
    readSigner: async (vault, keyIdx) => {
      const [a, b] = await both(ports, async (port) => port.readSigner(vault, keyIdx))
      const [shownA, shownB] = [a, b].map(key => key == null ? 'none' : hex(key))
      if (shownA !== shownB) {
        throw disagreement('a signer', [shownA, shownB])
      }
      return a
    },
    walletSeqno: async (account) => Math.max(...await both(ports, async (port) => port.walletSeqno(account))),
    sendBoc: async (boc) => {
      const sent = await Promise.allSettled(ports.map(async (port) => { await port.sendBoc(boc) }))
      const refused = sent.filter(result => result.status === 'rejected')
      if (refused.length === sent.length) {
        throw refused[0].reason
      }
    }
  }
}
