import { CocoonError, modelId, modelRefMatches, parseModelRef, parseQuote, tierAtLeast, toHex } from '@cocoon-net/protocol'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import { TIER_NOTES } from './tiers.ts'
import type { ModelListing } from './api.ts'
import type { NetworkRules } from '../rules.ts'
import type { StakeBook } from '../stakes/stake-book.ts'
import type { Offer, Tier } from '@cocoon-net/protocol'

export function peerText (offer: Pick<Offer, 'peerId'>): string {
  return peerIdFromMultihash(Digest.decode(offer.peerId)).toString()
}

export interface ResolvedModel {
  readonly digest: Uint8Array
  /** `name@digest`. */
  readonly id: string
}

/**
 * The one model that a reference (`name`, `name@digest`, `@digest`) means among these offers.
 *
 * @throws {CocoonError} model_ambiguous, model_unknown
 */
export function resolveModel (text: string, offers: readonly Offer[]): ResolvedModel {
  const ref = parseModelRef(text)
  const found = new Map<string, ResolvedModel>()
  for (const { model } of offers) {
    if (modelRefMatches(ref, model)) {
      found.set(toHex(model.digest), { digest: model.digest, id: modelId(model.name, model.digest) })
    }
  }
  const [first, ...others] = found.values()
  if (first == null) {
    throw new CocoonError('model_unknown')
  }
  if (others.length > 0) {
    throw new CocoonError('model_ambiguous', undefined, { details: { models: [first, ...others].map(({ id }) => id) } })
  }
  return first
}

/** Says what there is instead of the tier asked for, so that nobody falls below it without a word. */
export function tierTooLow (offers: ReadonlyArray<{ readonly tier: Tier }>, minTier: Tier, details: Record<string, unknown> = {}): CocoonError {
  const tiers = [...new Set(offers.map(({ tier }) => tier))].map(tier => `${tier} (${TIER_NOTES[tier]})`)
  return new CocoonError('tier_too_low', `No usable provider is of tier ${minTier} or above; there is ${tiers.join(' and ')}`, { details: { ...details, minTier } })
}

/**
 * The models on offer at this tier or above it, each with its providers, by id.
 *
 * @throws {CocoonError} tier_too_low when there are offers, and all are below
 */
export function listModels (offers: readonly Offer[], minTier: Tier, stakes: Pick<StakeBook, 'of'>, rules?: Pick<NetworkRules, 'isListed'>): ModelListing[] {
  const byModel = new Map<string, ModelListing>()
  for (const offer of offers) {
    if (!tierAtLeast(offer.tier, minTier)) {
      continue
    }
    const id = modelId(offer.model.name, offer.model.digest)
    const digest = toHex(offer.model.digest)
    const listing = byModel.get(id) ?? { id, name: offer.model.name, digest, isListed: rules?.isListed(digest) ?? null, providers: [] }
    const { bondedNano: stakeNano, fault: stakeFault } = stakes.of(offer)
    byModel.set(id, {
      ...listing,
      providers: [...listing.providers, {
        peerId: peerText(offer),
        tier: offer.tier,
        tierNote: TIER_NOTES[offer.tier],
        prices: parseQuote(offer.quote).prices,
        room: offer.room,
        contextLength: offer.contextLength,
        endpoints: offer.endpoints,
        stakeNano,
        stakeFault
      }]
    })
  }
  if (byModel.size === 0 && offers.length > 0) {
    throw tierTooLow(offers, minTier)
  }
  return [...byModel.values()].sort((a, b) => a.id < b.id ? -1 : 1)
}
