import { CocoonError, fromHex } from '@cocoon-net/protocol'
import { STAKE_FAULTS } from '../stakes/standing.ts'
import { peerText, tierTooLow } from './models.ts'
import type { JobSummary } from './api.ts'
import type { Choice } from './choose.ts'
import type { Tier } from '@cocoon-net/protocol'

/** Refusals that another provider would give as well: the caller must change something. */
export const FINAL_CODES = new Set<string>(['job_cancelled', 'spending_limit', 'bad_request', 'unsupported_parameter', 'context_too_long', 'insufficient_funds', 'lane_exhausted'])
/** Refusals that are no fault of the provider. */
export const NO_FAULT_CODES = new Set<string>(['no_room', 'max_charge_too_low'])
/** Failures of this request only: what was verified of the provider stays, and so do other jobs with it. */
export const LINK_STAYS_CODES = new Set<string>([...NO_FAULT_CODES, 'engine_failed', 'engine_unavailable', 'quote_unknown'])

/** The error of a request that no offer fits. */
export function noCandidate (rejected: Choice['rejected'], minTier: Tier): CocoonError {
  const reasons = new Set(rejected.map(r => r.reason))
  const details = { rejected: rejected.map(r => ({ peer: peerText({ peerId: fromHex(r.peer) }), reason: r.reason })) }
  if (reasons.has('price_too_high') || reasons.has('cost_too_high')) {
    return new CocoonError('no_provider_within_price', undefined, { details })
  }
  const below = rejected.filter(r => r.reason === 'tier_too_low')
  if (below.length > 0) {
    return tierTooLow(below, minTier, details)
  }
  return new CocoonError(rejected.some(({ reason }) => Object.hasOwn(STAKE_FAULTS, reason)) ? 'stake_too_small' : 'no_provider', undefined, { details })
}

/** The error of a request that no provider answered. */
export function allFailed (attempts: JobSummary['attempts'], last: CocoonError): CocoonError {
  const outcomes = attempts.map(({ provider, outcome }) => `${provider}: ${outcome}`).join(', ')
  if (attempts.every(({ outcome }) => outcome === 'max_charge_too_low')) {
    return new CocoonError('no_provider_within_price', outcomes, { details: { attempts }, cause: last })
  }
  // one provider, or all that claimed the tier and did not prove it
  return attempts.every(({ outcome }) => outcome === 'tier_too_low') || attempts.length === 1 ? last : new CocoonError('all_providers_failed', outcomes, { details: { attempts }, cause: last })
}
