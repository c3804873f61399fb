import { parseDelegation, equalBytes } from '@cocoon-net/protocol'
import { HALF_STAKE_NANO, MOST_STAKE_DISCOUNT } from './constants.ts'
import type { Delegation, Offer } from '@cocoon-net/protocol'

/** Why a provider's stake counts as nothing. */
export type StakeFault = 'stake_none' | 'stake_unread' | 'stake_unknown' | 'stake_slashed' | 'stake_too_small' |
  'delegation_missing' | 'delegation_invalid' | 'delegation_expired' | 'stakes_refused'

/** What an offer's stake counts for. */
export interface StakeStanding {
  /** Bonded and delegated, nanoTON; 0 where there is a fault. */
  readonly bondedNano: bigint
  readonly fault: StakeFault | null
}

export const NO_STAKE: StakeStanding = Object.freeze({ bondedNano: 0n, fault: 'stake_none' })

/** The faults in words. */
export const STAKE_FAULTS: Readonly<Record<StakeFault, string>> = Object.freeze({
  stake_none: 'It has no stake.',
  stake_unread: 'Its stake could not be read from the chain yet.',
  stake_unknown: 'What it names as its stake is none of this network: not deployed, or with other code or terms.',
  stake_slashed: 'Its stake was slashed.',
  stake_too_small: 'Its stake is below what is asked for.',
  delegation_missing: 'Its stake\'s owner has not delegated to its receipt key.',
  delegation_invalid: 'The delegation that it shows is not for its receipt key, or not signed by its stake\'s owner.',
  delegation_expired: 'The delegation of its receipt key has ended.',
  stakes_refused: 'The network\'s registry lets no stake count.'
})

/**
 * The delegation that an offer shows, when it is for the offer's own stake, receipt key and network; else the fault. Pure.
 * What is NOT checked: its end, and the owner's signature.
 */
export function delegationOf (offer: Pick<Offer, 'networkId' | 'stake' | 'receiptKey' | 'delegation'>): Delegation | 'delegation_missing' | 'delegation_invalid' {
  if (offer.delegation == null) {
    return 'delegation_missing'
  }
  try {
    const delegation = parseDelegation(offer.delegation.cell)
    const isFor = equalBytes(delegation.networkId, offer.networkId) && equalBytes(delegation.stake, offer.stake) && equalBytes(delegation.receiptKey, offer.receiptKey)
    return isFor ? delegation : 'delegation_invalid'
  } catch {
    return 'delegation_invalid'
  }
}

/**
 * What a stake multiplies a score by, where lower is better: 1 − 0.2 · s / (s + 10 TON). Nothing takes nothing off, 10 TON a
 * tenth, any stake less than a fifth: more coins never make up for twice the price.
 */
export function stakeFactor (bondedNano: bigint): number {
  return 1 - MOST_STAKE_DISCOUNT * Number(bondedNano) / Number(bondedNano + HALF_STAKE_NANO)
}
