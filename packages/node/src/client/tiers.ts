import type { EvidenceReport } from '@cocoon-net/attestation'
import type { Tier } from '@cocoon-net/protocol'

/** Says in words what a tier promises, and what it does not. */
export const TIER_NOTES: Readonly<Record<Tier, string>> = Object.freeze({
  gold: 'Attested hardware at a known place.',
  silver: 'Attested hardware.',
  open: 'Not private: nothing is attested, the provider can read the prompt.',
  simulated: 'Not private: the evidence is simulated, for development only.'
})

/** The tier in words with what this client has checked itself, as in `Attested hardware. Verified: tdx, TCB UpToDate.` */
export function verifiedTierNote (tier: Tier, report: Pick<EvidenceReport, 'kind' | 'tcbStatus'> | null): string {
  if (tier === 'open' || report == null) {
    return TIER_NOTES[tier]
  }
  const checked = tier === 'simulated' ? 'Simulated' : 'Verified'
  return `${TIER_NOTES[tier]} ${checked}: ${report.kind}${report.tcbStatus == null ? '' : `, TCB ${report.tcbStatus}`}.`
}
