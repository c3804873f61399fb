import type { Policy } from '@cocoon-net/attestation'
import type { CocoonError } from '@cocoon-net/protocol'

/** What the network allows now, from memory: asked for each use, never waits, never throws. */
export interface NetworkRules {
  /** The policy that evidence is judged under; another object whenever it has changed. */
  policy(): Policy
  /** Why nothing may be bought or sold now, or null. */
  refusal(): CocoonError | null
  /** Why no stake counts, or null. */
  stakeRefusal(): CocoonError | null
  /** Least bonded stake that counts, nanoTON. */
  leastStakeNano(): bigint
  /** Whether a model's digest (64 hex digits) is listed; null where the network lists none. */
  isListed(digest: string): boolean | null
}
