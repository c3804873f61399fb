import { CocoonError, LIMITS, parseQuote, toHex } from '@cocoon-net/protocol'
import { openPayChannel } from './pay-channel.ts'
import type { PayChannel } from './pay-channel.ts'
import type { NetworkPreset, Offer } from '@cocoon-net/protocol'
import type { ClientLane } from '@cocoon-net/settlement'
import type { Connection } from '@libp2p/interface'

export interface PaidChannelInit {
  readonly connection: Connection
  readonly lane: ClientLane
  readonly offer: Offer
  readonly network: NetworkPreset
  /** this client's peer id as multihash */
  readonly client: Uint8Array
  readonly signal: AbortSignal
  onPayRefusal (peer: string, error: CocoonError): void
}

/** Frames of debts that one open pays: as many debts as a provider keeps of one lane. */
const MAX_DEBT_ROUNDS = 33

/**
 * Opens a lane's pay stream, and pays first what a connection that was lost in the middle of a job left unpaid.
 *
 * @param init - the lane and the connection to its provider
 * @param running - the lane's pay stream when it has one: vouchers leave on one stream, in the order of their counters
 * @throws {CocoonError} debt_refused, lane_exhausted, spending_limit, and what the pay stream throws
 */
export async function openPaidChannel (init: PaidChannelInit, running?: PayChannel): Promise<PayChannel> {
  const { connection, lane, offer, network, client, signal } = init
  const { enabled, perVaultNano } = network.firstContactCredit
  const { windowNano } = parseQuote(offer.quote)
  const limitNano = enabled && perVaultNano > windowNano ? perVaultNano : windowNano
  for (let round = 0; round < MAX_DEBT_ROUNDS; round++) {
    const opened = await openPayChannel(connection, lane.open({ client, provider: offer.peerId }), {
      network,
      signal,
      onRefusal: (error) => { init.onPayRefusal(toHex(offer.peerId), error) }
    })
    try {
      await lane.adopt(opened.lane)
      const frame = await lane.payDebts(opened.lane, limitNano)
      if (frame != null) {
        const paying = running ?? opened
        await paying.send(frame)
        await paying.settled(signal)
      }
    } catch (error) {
      await opened.close()
      throw error
    }
    if (opened.lane.debts.length < LIMITS.maxDebtsPerLaneFrame) {
      return opened
    }
    // there may be more debts than one frame shows
    await opened.close()
  }
  throw new CocoonError('debt_refused', 'the provider shows new debts without end')
}
