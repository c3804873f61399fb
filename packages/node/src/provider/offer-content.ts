import type { ProviderIdentity } from './identity.ts'
import type { QuoteBook } from './quote-book.ts'
import type { OfferContent } from '../offers/offer-publisher.ts'
import type { DelegatedStake } from '../stakes/delegated-stake.ts'
import type { Engine } from '@cocoon-net/engine'
import type { Tier } from '@cocoon-net/protocol'

export interface OfferContentInit {
  readonly engine: Engine
  readonly identity: ProviderIdentity
  readonly quotes: QuoteBook
  readonly tier: Tier
  /** Null for a provider without a stake. */
  readonly stake: DelegatedStake | null
  draining (): boolean
}

/** What the provider states now, one item per model of its engine. */
export async function describeOffers (init: OfferContentInit): Promise<OfferContent[]> {
  const delegation = await init.stake?.refresh() ?? null
  const { binding, hash } = init.identity.current()
  const { total, busy } = init.engine.slots()
  return init.engine.models().map((model) => {
    const quote = init.quotes.standing(model.digest)
    return {
      model: { name: model.name, digest: model.digest, tokenizerDigest: model.tokenizerDigest, quantization: model.quantization ?? '' },
      contextLength: model.contextLength,
      endpoints: model.endpoints,
      tier: init.tier,
      noIds: model.noIds,
      resumable: model.resumable,
      bindingHash: hash,
      receiptKey: binding.receiptKey,
      payee: binding.payee,
      stake: binding.stake,
      delegation,
      quote: quote.cell,
      quoteSignature: quote.signature,
      room: { total, free: Math.max(0, total - busy) },
      draining: init.draining()
    }
  })
}
