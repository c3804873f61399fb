/** What is sent to one stake: sound evidence of every sort, and evidence that shows nothing. */
import { beginCell } from '@ton/core'
import { PROVIDER_STAKE_OPS } from '../../src/index.ts'
import type { StakeCast } from './cast.ts'
import type { StakeDeed } from './rules.ts'

const TON = 1_000_000_000n
export const UNIT_NANO = 10n * TON
export const PENALTY_NANO = UNIT_NANO / 2n

const JOB_1 = 13
const JOB_2 = 23

/** Of either key, before and after the rotation; whoever brings it, the owner too, in either order. */
export function soundEvidence (cast: StakeCast): StakeDeed[] {
  const [old, now] = [cast.delegation(0), cast.delegation(1)]
  const more = { chargeNano: 115_701n }
  return [
    cast.contradiction('reporter', 'of charges, first key', true, { delegation: old, first: cast.sign(cast.receipt(JOB_1), 0), second: cast.sign(cast.receipt(JOB_1, more), 0) }),
    cast.contradiction('owner', 'of answers, second key', true, { delegation: now, first: cast.sign(cast.receipt(JOB_2, { ansCommit: new Uint8Array(32).fill(1) }), 1), second: cast.sign(cast.receipt(JOB_2), 1) }),
    cast.overcharge('reporter', 'of job 1, first key', true, { delegation: old, claim: cast.sign(cast.receipt(JOB_1, more), 0), quote: cast.quote() }),
    cast.overcharge('owner', 'of job 2, second key', true, { delegation: now, claim: cast.sign(cast.receipt(JOB_2, more), 1), quote: cast.quote(), quoteKey: 1 })
  ]
}

/** Each lacks one thing. */
export function emptyEvidence (cast: StakeCast): StakeDeed[] {
  const [old, now] = [cast.delegation(0), cast.delegation(1)]
  const honest = cast.receipt(JOB_1)
  const more = { chargeNano: 115_701n }
  const dear = cast.receipt(JOB_1, more)
  const other = new Uint8Array(32).fill(99)
  const pair = (label: string, second: ReturnType<StakeCast['receipt']>, key: number = 0): StakeDeed =>
    cast.contradiction('reporter', label, false, { delegation: old, first: cast.sign(honest, 0), second: cast.sign(second, key) })
  const hedged = cast.quote({ hedgeFeeNano: 115_701n })
  return [
    pair('one receipt twice', honest),
    pair('another job', cast.receipt(JOB_2, more)),
    pair('another checkpoint', cast.receipt(JOB_1, { ...more, seq: 4 })),
    pair('another stake', cast.receipt(JOB_1, { ...more, stake: other })),
    pair('another network', cast.receipt(JOB_1, { ...more, networkId: other })),
    pair('another block and audit root', cast.receipt(JOB_1, { mcSeqno: 100, auditRoot: other, reqCommit: other })),
    pair('another key', dear, 1),
    cast.contradiction('stranger', 'a key that nobody delegated', false, { delegation: cast.delegation(0, 1), first: cast.sign(honest, 0), second: cast.sign(dear, 0) }),
    cast.contradiction('stranger', 'a delegation of another network', false, { delegation: cast.delegation(0, 0, { networkId: other }), first: cast.sign(honest, 0), second: cast.sign(dear, 0) }),
    cast.contradiction('stranger', 'a delegation of another stake', false, { delegation: cast.delegation(0, 0, { stake: other }), first: cast.sign(honest, 0), second: cast.sign(dear, 0) }),
    cast.overcharge('reporter', 'an honest charge', false, { delegation: old, claim: cast.sign(honest, 0), quote: cast.quote() }),
    cast.overcharge('reporter', 'a charge up to the hedge fee', false, { delegation: old, claim: cast.sign(cast.receipt(JOB_1, more, hedged), 0), quote: hedged }),
    cast.overcharge('reporter', 'a quote that it does not name', false, { delegation: old, claim: cast.sign(dear, 0), quote: cast.quote({ maxTokens: 1 }) }),
    cast.overcharge('reporter', 'a quote of another key', false, { delegation: old, claim: cast.sign(dear, 0), quote: cast.quote(), quoteKey: 1 }),
    cast.overcharge('reporter', 'a receipt of another key', false, { delegation: now, claim: cast.sign(dear, 0), quote: cast.quote(), quoteKey: 1 }),
    cast.overcharge('stranger', 'a key that nobody delegated', false, { delegation: cast.delegation(0, 1), claim: cast.sign(dear, 0), quote: cast.quote() })
  ]
}

/** What the owner and anyone may do, sent in every state that has to obey it. */
export function stakeMoves (cast: StakeCast): StakeDeed[] {
  return [
    cast.deposit('owner', UNIT_NANO),
    cast.unbond('owner', UNIT_NANO),
    cast.unbond('owner', UNIT_NANO / 2n),
    cast.rebond('owner'),
    cast.withdraw('owner'),
    cast.coins('stranger', TON),
    ...soundEvidence(cast)
  ]
}

/** Sent in turn, whether they have to be obeyed or refused. */
export function stakeProbes (cast: StakeCast): StakeDeed[] {
  const junk = Object.entries(PROVIDER_STAKE_OPS).flatMap(([name, op]) => [
    ...(['rebond', 'withdraw'].includes(name) ? [] : [cast.junk('owner', `${name} cut short`, beginCell().storeUint(op, 32).storeUint(15, 4).endCell())]),
    cast.junk('owner', `${name} and more`, beginCell().storeUint(op, 32).storeCoins(1n).storeUint(1, 9).endCell())
  ])
  return [
    ...emptyEvidence(cast),
    ...junk,
    cast.junk('stranger', 'unknown', beginCell().storeUint(0x43530099, 32).endCell()),
    ...(['stranger', 'reporter'] as const).flatMap(from => [cast.deposit(from, UNIT_NANO), cast.unbond(from, 1n), cast.rebond(from), cast.withdraw(from)]),
    cast.deposit('owner', 0n),
    cast.deposit('owner', UNIT_NANO, UNIT_NANO),
    cast.deposit('owner', UNIT_NANO, UNIT_NANO + 9_999_999n),
    cast.unbond('owner', 0n),
    cast.unbond('owner', 3n * UNIT_NANO),
    cast.bounced('stranger', 50_000_000n),
    cast.coins('stranger', 1n)
  ]
}
