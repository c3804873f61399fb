import { asCocoonError, toHex } from '@cocoon-net/protocol'
import { slashEvidence } from '@cocoon-net/settlement'
import { LRUCache } from 'lru-cache'
import { delegationOf } from '../stakes/standing.ts'
import type { Counters } from '../counters.ts'
import type { StakeBook } from '../stakes/stake-book.ts'
import type { Offer } from '@cocoon-net/protocol'
import type { Contradiction, SlashEvidence } from '@cocoon-net/settlement'

/** Where evidence against stakes is kept for whoever reports it. */
export interface EvidenceStore {
  /** Stakes, in hex, that evidence is held against. */
  stakes(): readonly string[]
  /** Resolves when it is on disk; `provider` is the peer id as text. */
  put(evidence: SlashEvidence, provider: string): Promise<void>
}

export interface ContradictionsInit {
  readonly evidence?: EvidenceStore
  readonly stakes: Pick<StakeBook, 'isDelegated' | 'learn'>
  readonly counters: Counters
}

/** What this client has caught providers at. Who was caught is never bought from again. */
export interface Contradictions {
  isBarred(offer: Pick<Offer, 'peerId' | 'stake'>): boolean
  /**
   * Bars the provider. Where the owner of the stake that it names has delegated to its key, bars that stake too and keeps the
   * evidence to report: anybody can name the stake of another.
   */
  found(contradiction: Contradiction, offer: Offer, provider: string): void
  /** Resolves when all that was found is kept, but for what would need the chain. */
  stop(): Promise<void>
}

/** Peers and stakes that are barred; a new identity costs a cheat nothing, a new stake does. */
const MAX_BARRED = 1_024

export function createContradictions ({ evidence, stakes, counters }: ContradictionsInit): Contradictions {
  const barred = new LRUCache<string, true>({ max: MAX_BARRED })
  const writing = new Set<Promise<void>>()
  const stopping = new AbortController()
  for (const stake of evidence?.stakes() ?? []) {
    barred.set(stake, true)
  }
  return {
    isBarred: ({ peerId, stake }) => barred.has(toHex(peerId)) || barred.has(toHex(stake)),
    found: (contradiction, offer, provider) => {
      counters.increment('cocoon_contradictions_total', { kind: contradiction.kind })
      barred.set(toHex(offer.peerId), true)
      const delegation = delegationOf(offer)
      // Its age does not matter: an expired delegation was one all the same.
      if (evidence == null || offer.delegation == null || typeof delegation === 'string') {
        return
      }
      const { signature } = offer.delegation
      const keep = async (): Promise<void> => {
        if (!stakes.isDelegated(offer)) {
          await stakes.learn([offer], stopping.signal)
        }
        if (stakes.isDelegated(offer)) {
          barred.set(toHex(offer.stake), true)
          await evidence.put(slashEvidence(contradiction, { delegation, signature }), provider)
        }
      }
      const write = keep()
        .catch((error: unknown) => { counters.increment('cocoon_evidence_lost_total', { code: asCocoonError(error, 'file_unusable').code }) })
        .finally(() => { writing.delete(write) })
      writing.add(write)
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(writing)
    }
  }
}
