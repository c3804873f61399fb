import { asCocoonError, equalBytes, toHex } from '@cocoon-net/protocol'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { attestPeer } from './attest-peer.ts'
import { connectTo } from './connect.ts'
import { openPaidChannel } from './paid-channel.ts'
import { createWarmRequests } from './warm-requests.ts'
import type { AttestPeerInit, VerifiedProvider } from './attest-peer.ts'
import type { PayChannel } from './pay-channel.ts'
import type { WarmRequests } from './warm-requests.ts'
import type { NetworkRules } from '../rules.ts'
import type { Policy } from '@cocoon-net/attestation'
import type { CocoonError, Offer } from '@cocoon-net/protocol'
import type { prepareSeal } from '@cocoon-net/sealing'
import type { ClientLane, ClientPayments } from '@cocoon-net/settlement'
import type { Connection, Libp2p } from '@libp2p/interface'

/** Everything a job needs of one provider, kept warm: a connection, verified evidence, a lane and its pay stream. */
export interface ProviderLink {
  readonly connection: Connection
  readonly provider: VerifiedProvider
  /** What it was verified under. */
  readonly policy: Policy
  readonly lane: ClientLane
  readonly pay: PayChannel
  readonly requests: WarmRequests
}

export interface ProviderLinksInit extends AttestPeerInit {
  readonly libp2p: Libp2p
  readonly payments: ClientPayments
  /** What the network allows; without it `policy` alone counts. */
  readonly rules?: NetworkRules
  readonly prepareSeal: typeof prepareSeal
  onPayRefusal (peer: string, error: CocoonError): void
}

export interface ProviderLinks {
  /**
   * Opens or reuses.
   *
   * @throws {CocoonError} why the provider cannot be used
   */
  get(offer: Offer, signal: AbortSignal): Promise<ProviderLink>
  /**
   * Pays what another job left unpaid on a link that still works.
   *
   * @throws {CocoonError} debt_refused, lane_exhausted, spending_limit
   */
  payDebts(offer: Offer): Promise<void>
  /** Forgets a provider, so that the next use starts afresh. */
  drop(offer: Offer): Promise<void>
  stop(): Promise<void>
}

/** A client needs few providers at once; the oldest link makes room. */
const MAX_LINKS = 64

/** No job begins on such a lane. */
const UNUSABLE_LANES: ReadonlySet<string> = new Set<ReturnType<ClientLane['status']>>(['failed', 'ending'])
/** What a provider says of a lane that the chain ends or has ended. */
const LANE_ENDED_CODES: ReadonlySet<string> = new Set(['lane_unknown', 'lane_unlocking'])

interface Slot {
  link?: ProviderLink
  opening?: Promise<ProviderLink>
  paying?: Promise<void>
}

export function createProviderLinks (init: ProviderLinksInit): ProviderLinks {
  const slots = new Map<string, Slot>()

  const policyNow = (): Policy => init.rules?.policy() ?? init.policy

  const isYoung = ({ binding }: VerifiedProvider, { mostEvidenceAgeMs }: Policy): boolean => mostEvidenceAgeMs == null || binding.beacon.atMs + mostEvidenceAgeMs >= init.now()

  const usable = (link: ProviderLink | undefined, offer: Offer): link is ProviderLink =>
    link != null && link.connection.status === 'open' && !link.pay.closed && !UNUSABLE_LANES.has(link.lane.status()) &&
    // A new binding in the offer means new evidence to check.
    equalBytes(link.provider.bindingHash, offer.bindingHash) && link.provider.binding.notAfterMs > init.now() &&
    // What the network allowed when it was checked may have been tightened since.
    link.policy === policyNow() && isYoung(link.provider, link.policy)

  const openPaid = async (connection: Connection, lane: ClientLane, offer: Offer, signal: AbortSignal, running?: PayChannel): Promise<PayChannel> =>
    openPaidChannel({ ...init, connection, lane, offer, client: init.libp2p.peerId.toMultihash().bytes, signal }, running)

  const open = async (offer: Offer): Promise<ProviderLink> => {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const policy = policyNow()
    const connection = await connectTo(init.libp2p, offer, signal)
    const [provider, lane] = await Promise.all([attestPeer(connection, offer, { ...init, policy }, signal), init.payments.lane(offer.payee)])
    const pay = await openPaid(connection, lane, offer, signal).catch(async (error: unknown) => {
      if (LANE_ENDED_CODES.has(asCocoonError(error).code)) {
        // what ended on chain is opened anew next time
        await init.payments.review(offer.payee).catch(() => {})
      }
      throw error
    })
    const requests = createWarmRequests({ ...init, connection, binding: provider.binding, bindingHash: provider.bindingHash })
    return { connection, provider, policy, lane, pay, requests }
  }

  const drop = async (key: string): Promise<void> => {
    const slot = slots.get(key)
    slots.delete(key)
    slot?.link?.requests.stop()
    await slot?.link?.pay.close()
  }

  return {
    get: async (offer, signal) => {
      const key = toHex(offer.peerId)
      let slot = slots.get(key)
      if (usable(slot?.link, offer)) {
        return slot.link
      }
      if (slot?.opening == null) {
        await drop(key)
        const fresh: Slot = {}
        slot = fresh
        slots.set(key, fresh)
        fresh.opening = open(offer).then((link) => {
          fresh.link = link
          return link
        }, (error: unknown) => {
          if (slots.get(key) === fresh) {
            slots.delete(key)
          }
          throw asCocoonError(error, 'stream_closed')
        }).finally(() => { fresh.opening = undefined })
        const oldest = slots.keys().next().value
        if (slots.size > MAX_LINKS && oldest != null) {
          await drop(oldest)
        }
      }
      const opening = slot.opening
      return new Promise<ProviderLink>((resolve, reject) => {
        const onAbort = (): void => { reject(asCocoonError(signal.reason, 'job_cancelled')) }
        signal.addEventListener('abort', onAbort, { once: true })
        void opening?.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort) })
      })
    },
    payDebts: async (offer) => {
      const slot = slots.get(toHex(offer.peerId))
      if (slot?.link != null) {
        const { connection, lane, pay } = slot.link
        // requests that find the same debt wait for the one that pays it
        slot.paying ??= openPaid(connection, lane, offer, AbortSignal.timeout(ANSWER_TIMEOUT_MS), pay)
          .then(async (opened) => opened.close())
          .finally(() => { slot.paying = undefined })
        await slot.paying
      }
    },
    drop: async (offer) => { await drop(toHex(offer.peerId)) },
    stop: async () => {
      for (const [key, slot] of slots) {
        await slot.opening?.catch(() => { /* it failed: there is nothing to close */ })
        await drop(key)
      }
    }
  }
}
