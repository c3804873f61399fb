import { fromHex } from '@cocoon-net/protocol'
import { STAKE_FAULTS } from '../stakes/standing.ts'
import { peerText } from './models.ts'
import { TIER_NOTES } from './tiers.ts'
import type { RejectReason, Rejection } from './choose.ts'
import type { Tier } from '@cocoon-net/protocol'

/** One provider that a request looked at. */
export interface Considered {
  readonly peer: string
  /** `taken`, why the offer did not fit, or the code of what failed. */
  readonly outcome: string
  /** What the offer claims; of the one taken, what was verified. */
  readonly tier: Tier
  /** The outcome in words. */
  readonly why: string
}

/** What a decision looked like, for `cocoon explain`. */
export interface Explanation {
  readonly atMs: number
  readonly model: string
  readonly taken: string | null
  readonly considered: readonly Considered[]
}

export interface OpenExplanation {
  add(entry: Considered): void
  close(taken: string | null): void
}

export interface Explanations {
  /** Oldest first. */
  readonly list: readonly Explanation[]
  /** Begins with the offers that do not fit. */
  open(init: { atMs: number, model: string, minTier: Tier, rejected: readonly Rejection[] }): OpenExplanation
}

const MAX_EXPLANATIONS = 64
/** A failure in words may quote what a peer sent. */
const MAX_WHY_CHARACTERS = 512

const TON = 1_000_000_000

const REASONS: Readonly<Record<Exclude<RejectReason, 'tier_too_low'>, string>> = Object.freeze({
  wrong_endpoint: 'It does not serve this endpoint.',
  draining: 'It takes no new jobs.',
  no_room: 'It has no free slot.',
  context_too_long: 'The prompt and the answer do not fit its context.',
  price_too_high: 'Its completion price is above max_price_nano.',
  cost_too_high: 'The prompt alone would cost more than max_cost_nano.',
  expired: 'Its offer is past its time.',
  resting: 'It failed a moment ago.',
  offer_malformed: 'Its offer cannot be read.',
  barred: 'It, or another provider on its stake, has signed what contradicts itself.',
  ...STAKE_FAULTS
})

/** A stake in words, as in `Its stake: 20 TON.`; empty where none counts. */
export function stakeNote (bondedNano: bigint): string {
  return bondedNano === 0n ? '' : `Its stake: ${Number(bondedNano) / TON} TON.`
}

function reasonOf ({ reason, tier, bondedNano }: Rejection, minTier: Tier): string {
  const why = reason === 'tier_too_low' ? `Its tier is ${tier}, and ${minTier} is asked for. ${TIER_NOTES[tier]}` : REASONS[reason]
  return reason === 'stake_too_small' ? [why, stakeNote(bondedNano)].join(' ').trimEnd() : why
}

/** The last decisions; what they were about is not kept. */
export function createExplanations (): Explanations {
  const list: Explanation[] = []
  return {
    list,
    open: ({ atMs, model, minTier, rejected }) => {
      const considered: Considered[] = rejected.map((rejection) => ({
        peer: peerText({ peerId: fromHex(rejection.peer) }),
        outcome: rejection.reason,
        tier: rejection.tier,
        why: reasonOf(rejection, minTier)
      }))
      return {
        add: (entry) => { considered.push({ ...entry, why: entry.why.slice(0, MAX_WHY_CHARACTERS) }) },
        close: (taken) => {
          list.push({ atMs, model, taken, considered })
          if (list.length > MAX_EXPLANATIONS) {
            list.shift()
          }
        }
      }
    }
  }
}
