import { CocoonError, digestFromHex, isPrivateTier, modelRefMatches, parseModelRef, tierAtLeast } from '@cocoon-net/protocol'
import { nanoToJson } from './answer.ts'
import type { ModelListing } from './backend.ts'
import type { Tier } from '@cocoon-net/protocol'

/** A model in the shape of OpenAI's list, with what the network knows of it under `cocoon`. */
export function modelObject (listing: ModelListing, created: number): Record<string, unknown> {
  return {
    id: listing.id,
    object: 'model',
    created,
    owned_by: 'cocoon',
    cocoon: {
      name: listing.name,
      digest: listing.digest,
      ...(listing.isListed == null ? {} : { listed: listing.isListed }),
      context_length: Math.max(0, ...listing.providers.map(provider => provider.contextLength)),
      endpoints: [...new Set(listing.providers.flatMap(provider => provider.endpoints))],
      providers: listing.providers.map(provider => ({
        peer_id: provider.peerId,
        tier: provider.tier,
        tier_note: provider.tierNote,
        private: isPrivateTier(provider.tier),
        prices_nano_per_million: {
          prompt: nanoToJson(provider.prices.prompt),
          cached: nanoToJson(provider.prices.cached),
          completion: nanoToJson(provider.prices.completion),
          reasoning: nanoToJson(provider.prices.reasoning)
        },
        room: provider.room,
        context_length: provider.contextLength,
        endpoints: provider.endpoints,
        stake_nano: nanoToJson(provider.stakeNano ?? 0n),
        ...(provider.stakeFault == null ? {} : { stake_fault: provider.stakeFault })
      }))
    }
  }
}

/**
 * The listings without the providers below a key's floor.
 *
 * @throws {CocoonError} tier_too_low when that leaves none
 */
export function aboveFloor (listings: readonly ModelListing[], floor: Tier | undefined): readonly ModelListing[] {
  if (floor === undefined) {
    return listings
  }
  const left = listings
    .map(listing => ({ ...listing, providers: listing.providers.filter(({ tier }) => tierAtLeast(tier, floor)) }))
    .filter(({ providers }) => providers.length > 0)
  if (left.length === 0 && listings.length > 0) {
    throw new CocoonError('tier_too_low', `No provider known is of tier ${floor} or above, which this API key asks for`)
  }
  return left
}

/**
 * The one model that a name stands for.
 *
 * @throws {CocoonError} model_unknown, model_ambiguous
 */
export function findListing (listings: readonly ModelListing[], name: string): ModelListing {
  const ref = parseModelRef(name)
  const found = listings.filter(listing => modelRefMatches(ref, { name: listing.name, digest: digestFromHex(listing.digest) }))
  if (found.length === 0) {
    throw new CocoonError('model_unknown', undefined, { details: { param: 'model' } })
  }
  if (found.length > 1) {
    throw new CocoonError('model_ambiguous', undefined, { details: { param: 'model' } })
  }
  return found[0]
}
