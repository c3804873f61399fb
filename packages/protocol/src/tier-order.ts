import type { Tier } from './receipt.ts'

/** From the least private to the most; simulated stands below open, as it proves nothing and claims more. */
const TIER_RANK: Readonly<Record<Tier, number>> = Object.freeze({ simulated: 0, open: 1, silver: 2, gold: 3 })

export function tierAtLeast (tier: Tier, floor: Tier): boolean {
  return TIER_RANK[tier] >= TIER_RANK[floor]
}

/** The more private of two tiers. */
export function higherTier (a: Tier, b: Tier): Tier {
  return tierAtLeast(a, b) ? a : b
}

/** Whether a tier keeps a prompt from the provider: only attested hardware does. */
export function isPrivateTier (tier: Tier): boolean {
  return tierAtLeast(tier, 'silver')
}
