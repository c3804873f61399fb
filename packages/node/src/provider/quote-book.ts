import { LIMITS, buildQuoteCell, cellToBytes, quoteHash, toHex } from '@cocoon-net/protocol'
import type { NetworkPreset, Prices, Quote } from '@cocoon-net/protocol'
import type { Signer } from '@cocoon-net/settlement'

export interface QuoteTerms {
  readonly model: Uint8Array
  readonly prices: Prices
  readonly maxTokens: number
  readonly windowNano: bigint
}

export interface SignedQuote {
  readonly quote: Quote
  readonly hash: Uint8Array
  readonly cell: Uint8Array
  readonly signature: Uint8Array
}

/** Standing quotes of the last minutes: the provider honours each until 30 s past its end. */
export interface QuoteBook {
  /** The standing quote of a model, fresh enough to be offered. */
  standing(model: Uint8Array): SignedQuote
  /** A quote that is still honoured, by its hash. */
  find(hash: Uint8Array): SignedQuote | undefined
  /** Quotes remembered. */
  readonly size: number
}

export interface QuoteBookInit {
  readonly network: NetworkPreset
  readonly stake: Uint8Array
  readonly signer: Signer
  readonly terms: readonly QuoteTerms[]
  readonly lifeMs: number
  now (): number
}

export function createQuoteBook (init: QuoteBookInit): QuoteBook {
  const byHash = new Map<string, SignedQuote>()
  const standing = new Map<string, SignedQuote>()

  const honoured = (signed: SignedQuote): boolean => Number(signed.quote.validUntilMs) + LIMITS.quoteHonourMs > init.now()

  const make = (terms: QuoteTerms): SignedQuote => {
    const quote: Quote = {
      networkId: init.network.networkId,
      stake: init.stake,
      model: terms.model,
      prices: terms.prices,
      maxTokens: terms.maxTokens,
      windowNano: terms.windowNano,
      hedgeFeeNano: 0n,
      slaClass: 0,
      orderHash: new Uint8Array(32),
      validUntilMs: BigInt(init.now() + init.lifeMs),
      feeBps: init.network.vault.feeBps
    }
    const hash = quoteHash(quote)
    return { quote, hash, cell: cellToBytes(buildQuoteCell(quote)), signature: init.signer.sign(hash) }
  }

  return {
    get size () { return byHash.size },
    standing: (model) => {
      const key = toHex(model)
      const known = standing.get(key)
      // Renewed at half its life, so that what is offered always has time left.
      if (known != null && Number(known.quote.validUntilMs) - init.now() > init.lifeMs / 2) {
        return known
      }
      const terms = init.terms.find(t => toHex(t.model) === key)
      if (terms == null) {
        throw new Error('no terms for this model')
      }
      const signed = make(terms)
      standing.set(key, signed)
      byHash.set(toHex(signed.hash), signed)
      for (const [hash, old] of byHash) {
        if (!honoured(old)) {
          byHash.delete(hash)
        }
      }
      return signed
    },
    find: (hash) => {
      const found = byHash.get(toHex(hash))
      return found != null && honoured(found) ? found : undefined
    }
  }
}
