import type { Offer } from '@cocoon-net/protocol'

/** Where offers come from: gossip, and the DHT with questions to the providers found. */
export interface OfferSource {
  /** Offers that are valid now, already known; for `null` of all models. */
  known(model: Uint8Array | null): readonly Offer[]
  /** Finds more; resolves when there are `minOffers` or the signal ends the search. */
  gather(options: { model: Uint8Array | null, minOffers: number, signal: AbortSignal }): Promise<readonly Offer[]>
}
