import { CocoonError, asCocoonError, equalBytes } from '@cocoon-net/protocol'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { connectTo } from './connect.ts'
import { peerText } from './models.ts'
import { openPaidChannel } from './paid-channel.ts'
import { askClose } from './pay-channel.ts'
import type { OfferSource } from './offer-source.ts'
import type { ProviderLinks } from './provider-links.ts'
import type { NetworkPreset, Offer } from '@cocoon-net/protocol'
import type { ClientPayments, ClosingLane } from '@cocoon-net/settlement'
import type { Libp2p } from '@libp2p/interface'

/** A lane that has ended, as both sides agreed. Accounts are 32 bytes, amounts nanoTON. */
export interface ClosedLane {
  readonly vault: Uint8Array
  readonly payee: Uint8Array
  readonly epoch: bigint
  /** all that the lane has paid, of which `paidNano` was paid before its end */
  readonly sumNano: bigint
  readonly paidNano: bigint
  readonly capNano: bigint
  /** who has sent the close to the vault, and paid for it */
  readonly sentBy: 'payer' | 'payee'
}

export interface LaneCloser {
  /**
   * Ends a lane at once, together with its provider: pays what earlier jobs left unpaid, signs the end at what the jobs have
   * cost, asks the provider to sign it too, and resolves when the chain shows the end. The lane begins no further job from
   * the moment it is signed. May be called again when it fails; whoever has both signatures needs no provider any more.
   *
   * @param lane - the payee's account, or the provider's peer id
   * @throws {CocoonError} no_provider, stream_closed, timeout when the provider is away; frame_malformed from one that
   * knows no such request; lane_in_use, close_refused, lane_unlocking, payee_key_absent when it refuses; lane_unknown, spending_limit,
   * debt_refused, insufficient_funds, chain_rejected, chain_unavailable
   */
  closeLane(lane: Uint8Array | string, options: { sumNano?: bigint, signal: AbortSignal }): Promise<ClosedLane>
}

export interface LaneCloserInit {
  readonly libp2p: Libp2p
  readonly network: NetworkPreset
  readonly payments: ClientPayments
  readonly offers: OfferSource
  readonly links: Pick<ProviderLinks, 'drop'>
  readonly searchMs: number
}

/** Anybody may name a payee in an offer; only that payee's wallet can sign. */
const MAX_ASKED = 4
/** The provider looks at the chain: three calls of ten seconds at most. */
const CLOSE_ANSWER_MS = 35_000
/** What a provider says of a lane that ends already: its close is asked for all the same. */
const ENDING_CODES: ReadonlySet<string> = new Set(['lane_unknown', 'lane_unlocking'])
/** Whoever answers so is not the payee, or cannot be reached: another may be. */
const NEXT_CODES: ReadonlySet<string> = new Set(['stream_closed', 'timeout', 'wrong_peer', 'bad_signature', 'frame_malformed', 'payee_key_absent'])

export function createLaneCloser (init: LaneCloserInit): LaneCloser {
  const { libp2p, network, payments, offers, links } = init

  const sellers = async (lane: Uint8Array | string, signal: AbortSignal): Promise<readonly Offer[]> => {
    const isMeant = (offer: Offer): boolean => typeof lane === 'string' ? peerText(offer) === lane : equalBytes(offer.payee, lane)
    const known = offers.known(null)
    const found = known.some(isMeant)
      ? known
      : await offers.gather({ model: null, minOffers: known.length + 1, signal: AbortSignal.any([signal, AbortSignal.timeout(init.searchMs)]) })
    // a provider has an offer for each of its models
    return [...new Map(found.filter(isMeant).map(offer => [peerText(offer), offer])).values()].slice(0, MAX_ASKED)
  }

  /** Both sides' books agree before the sum is signed: it is the provider's word what a lost connection left open. */
  const settleBooks = async (offer: Offer, signal: AbortSignal): Promise<void> => {
    const lane = await payments.openedLane(offer.payee)
    if (lane == null) {
      return
    }
    const connection = await connectTo(libp2p, offer, signal)
    try {
      const pay = await openPaidChannel({ network, connection, lane, offer, client: libp2p.peerId.toMultihash().bytes, signal, onPayRefusal: () => { /* it is thrown as well */ } })
      await pay.close()
    } catch (error) {
      if (!ENDING_CODES.has(asCocoonError(error).code)) {
        throw error
      }
    }
  }

  const ended = async ({ id, sumNano, paidNano, capNano, finish }: ClosingLane): Promise<ClosedLane> => ({ ...id, sumNano, paidNano, capNano, sentBy: await finish() })

  const askSeller = async (offer: Offer, sumNano: bigint | undefined, signal: AbortSignal): Promise<ClosingLane> => {
    const dialling = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)])
    await links.drop(offer)
    const connection = await connectTo(libp2p, offer, dialling)
    await settleBooks(offer, dialling)
    const closing = await payments.close(offer.payee, { sumNano })
    const peers = { client: libp2p.peerId.toMultihash().bytes, provider: offer.peerId }
    await closing.accept(await askClose(connection, closing.frame(peers), { network, signal, answerMs: CLOSE_ANSWER_MS }))
    return closing
  }

  return {
    closeLane: async (lane, { sumNano, signal }) => {
      if (typeof lane !== 'string' && await payments.openedLane(lane) == null) {
        // signed before: only what is still missing is asked for
        const closing = await payments.close(lane, { sumNano })
        if (closing.isAgreed) {
          return ended(closing)
        }
      }
      let failure = new CocoonError('no_provider', 'no offer of this lane\'s provider was found')
      for (const offer of await sellers(lane, signal)) {
        try {
          return await ended(await askSeller(offer, sumNano, signal))
        } catch (error) {
          failure = asCocoonError(error, 'stream_closed')
          if (signal.aborted || !NEXT_CODES.has(failure.code)) {
            throw failure
          }
        }
      }
      throw failure
    }
  }
}
