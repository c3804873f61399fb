import { CocoonError, voucherHash } from '@cocoon-net/protocol'
import { MAX_LANE_JOBS, MAX_SETTLED_JOBS, MAX_VOUCHER_NANO, NONCE_BYTES } from './constants.ts'
import { verifyEd25519 } from './signer.ts'
import { hex } from './types.ts'
import type { LaneId, LaneOnChain } from './types.ts'
import type { PayFrame } from '@cocoon-net/protocol'

export interface LaneJob {
  /** what vouchers allot to the job */
  readonly allocatedNano: bigint
  /** what its delivered tokens have cost so far */
  readonly vestedNano: bigint
  /** false while only a voucher has announced it */
  readonly begun: boolean
}

export interface SettledJob {
  readonly chargeNano: bigint
  readonly paidNano: bigint
}

/**
 * The payee's view of one lane. Invariant: finalised + Σ allocated ≤
 * cumulative; the difference is the lane's unallocated balance.
 */
export interface LaneState {
  readonly id: LaneId
  readonly signerKey: Uint8Array
  readonly chain: 'unconfirmed' | 'confirmed' | 'ended'
  readonly capNano: bigint
  readonly paidOnChainNano: bigint
  /** unix seconds, 0 while the lane is not unlocking */
  readonly unlockAt: number
  /** what the lane pays towards the gas of the first redeem while it unlocks */
  readonly gasLeftNano: bigint
  readonly cumulativeNano: bigint
  readonly signature: Uint8Array | null
  readonly finalisedNano: bigint
  readonly jobs: ReadonlyMap<string, LaneJob>
  readonly settled: ReadonlyMap<string, SettledJob>
}

export function lesser (a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export function greater (a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

export function newLane (id: LaneId, signerKey: Uint8Array): LaneState {
  return {
    id,
    signerKey,
    chain: 'unconfirmed',
    capNano: 0n,
    paidOnChainNano: 0n,
    unlockAt: 0,
    gasLeftNano: 0n,
    cumulativeNano: 0n,
    signature: null,
    finalisedNano: 0n,
    jobs: new Map(),
    settled: new Map()
  }
}

/** Balance that no job holds, in nanoTON. */
export function unallocatedNano (lane: LaneState): bigint {
  let held = lane.finalisedNano
  for (const job of lane.jobs.values()) {
    held += job.allocatedNano
  }
  return lane.cumulativeNano - held
}

/** Σ of what finished jobs still owe, in nanoTON. */
export function debtNano (lane: LaneState): bigint {
  let debt = 0n
  for (const job of lane.settled.values()) {
    debt += job.chargeNano - job.paidNano
  }
  return debt
}

/** What delivered tokens cost above what the chain is known to back, in nanoTON. */
export function exposureNano (lane: LaneState): bigint {
  const backed = lane.chain === 'confirmed'
  let exposed = backed ? 0n : lane.finalisedNano
  for (const job of lane.jobs.values()) {
    exposed += greater(job.vestedNano - (backed ? job.allocatedNano : 0n), 0n)
  }
  return exposed + shortfall(lane)
}

/** Vouchers taken before the chain showed a smaller cap are worth only the cap. */
function shortfall (lane: LaneState): bigint {
  return lane.chain === 'confirmed' ? greater(lane.cumulativeNano - lane.capNano, 0n) : 0n
}

function same (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function applyAllocations (lane: LaneState, frame: PayFrame): LaneState {
  const jobs = new Map(lane.jobs)
  let settled = lane.settled
  let finalisedNano = lane.finalisedNano
  for (const [nonce, amountNano] of frame.jobs) {
    const key = hex(nonce)
    const done = settled.get(key)
    if (done != null) {
      // a late last voucher pays the job's debt; anything above its charge stays with the lane
      const moreNano = greater(lesser(amountNano, done.chargeNano) - done.paidNano, 0n)
      if (moreNano > 0n) {
        finalisedNano += moreNano
        settled = new Map(settled).set(key, { chargeNano: done.chargeNano, paidNano: done.paidNano + moreNano })
      }
      continue
    }
    const job = jobs.get(key) ?? { allocatedNano: 0n, vestedNano: 0n, begun: false }
    // amounts are absolute and never fall while the job runs: its finish returns the rest
    jobs.set(key, { ...job, allocatedNano: greater(amountNano, job.allocatedNano) })
  }
  return { ...lane, cumulativeNano: frame.voucher.cumulative, signature: frame.signature, finalisedNano, jobs, settled }
}

/**
 * Checks a pay frame against the lane and returns the lane that holds it. Pure:
 * the caller writes the result to disk before it acts on it.
 *
 * A voucher equal to the highest is taken when it carries the same signature:
 * it may move unallocated balance to a job, and repeats change nothing.
 *
 * @throws {CocoonError} voucher_wrong_network, voucher_wrong_lane, voucher_not_increasing, voucher_above_cap,
 * voucher_bad_signature, allocation_invalid, lane_unknown
 */
export function acceptPay (lane: LaneState, frame: PayFrame, networkId: Uint8Array): LaneState {
  if (lane.chain === 'ended') {
    throw new CocoonError('lane_unknown', 'the lane ended on chain')
  }
  const { voucher } = frame
  if (!same(voucher.networkId, networkId)) {
    throw new CocoonError('voucher_wrong_network')
  }
  if (!same(voucher.vault, lane.id.vault) || !same(voucher.payee, lane.id.payee) || voucher.epoch !== lane.id.epoch) {
    throw new CocoonError('voucher_wrong_lane')
  }
  if (voucher.cumulative < lane.cumulativeNano) {
    throw new CocoonError('voucher_not_increasing', undefined, { details: { highestNano: lane.cumulativeNano } })
  }
  const capNano = lane.chain === 'confirmed' ? lane.capNano : MAX_VOUCHER_NANO
  // what was taken before the chain showed a smaller cap may be repeated
  if (voucher.cumulative > greater(capNano, lane.cumulativeNano)) {
    throw new CocoonError('voucher_above_cap', undefined, { details: { capNano } })
  }
  for (const [nonce, amountNano] of frame.jobs) {
    if (nonce.length !== NONCE_BYTES || amountNano < 0n) {
      throw new CocoonError('allocation_invalid', 'a job nonce or amount is out of range')
    }
  }
  if (!verifyEd25519(lane.signerKey, voucherHash(voucher), frame.signature)) {
    throw new CocoonError('voucher_bad_signature')
  }
  const next = applyAllocations(lane, frame)
  if (unallocatedNano(next) < 0n) {
    throw new CocoonError('allocation_invalid', 'the jobs add up to more than the voucher')
  }
  if (next.jobs.size > MAX_LANE_JOBS) {
    throw new CocoonError('allocation_invalid', `a lane holds at most ${MAX_LANE_JOBS} jobs`)
  }
  return next
}

/**
 * @throws {CocoonError} lane_unlocking, lane_unknown, vault_in_debt,
 * allocation_invalid (the nonce was used), no_room
 */
export function beginJob (lane: LaneState, nonce: string): LaneState {
  if (lane.chain === 'ended') {
    throw new CocoonError('lane_unknown', 'the lane ended on chain')
  }
  if (lane.unlockAt !== 0) {
    throw new CocoonError('lane_unlocking')
  }
  if (debtNano(lane) > 0n) {
    throw new CocoonError('vault_in_debt', undefined, { details: { debtNano: debtNano(lane) } })
  }
  const known = lane.jobs.get(nonce)
  if (lane.settled.has(nonce) || known?.begun === true) {
    throw new CocoonError('allocation_invalid', 'the job nonce was used before')
  }
  if (known == null && lane.jobs.size >= MAX_LANE_JOBS) {
    throw new CocoonError('no_room', `the lane runs ${MAX_LANE_JOBS} jobs`)
  }
  const job = { allocatedNano: known?.allocatedNano ?? 0n, vestedNano: 0n, begun: true }
  return { ...lane, jobs: new Map(lane.jobs).set(nonce, job) }
}

/** Notes what a running job's delivered tokens cost; never falls. */
export function vestJob (lane: LaneState, nonce: string, vestedNano: bigint): LaneState {
  const job = lane.jobs.get(nonce)
  if (job == null || vestedNano <= job.vestedNano) {
    return lane
  }
  return { ...lane, jobs: new Map(lane.jobs).set(nonce, { ...job, vestedNano }) }
}

/** Σ that could pay the job now: its allocation and the lane's unallocated balance. */
export function payableNano (lane: LaneState, nonce: string): bigint {
  return (lane.jobs.get(nonce)?.allocatedNano ?? 0n) + unallocatedNano(lane)
}

/** Ends a job at its exact charge: the rest of its allocation returns to the lane, what is missing is its debt. */
export function finishJob (lane: LaneState, nonce: string, chargeNano: bigint): { lane: LaneState, paidNano: bigint, debtNano: bigint } {
  if (!lane.jobs.has(nonce)) {
    throw new CocoonError('internal', 'finish of a job that did not begin')
  }
  const available = payableNano(lane, nonce)
  const paidNano = lesser(available, chargeNano)
  const jobs = new Map(lane.jobs)
  jobs.delete(nonce)
  const settled = new Map(lane.settled).set(nonce, { chargeNano, paidNano })
  for (const [key, job] of settled) {
    if (settled.size <= MAX_SETTLED_JOBS) {
      break
    }
    // debts are kept: they refuse the vault until they are paid
    if (job.paidNano === job.chargeNano) {
      settled.delete(key)
    }
  }
  const next = { ...lane, jobs, settled, finalisedNano: lane.finalisedNano + paidNano }
  return { lane: next, paidNano, debtNano: chargeNano - paidNano }
}

/**
 * A job that was refused, or never will begin: what a voucher has announced for it returns to the lane, and so does what
 * a voucher that is still under way announces. Running and finished jobs stay as they are.
 */
export function refuseJob (lane: LaneState, nonce: string): LaneState {
  if (lane.settled.has(nonce) || lane.jobs.get(nonce)?.begun === true) {
    return lane
  }
  const announced = lane.jobs.get(nonce) ?? { allocatedNano: 0n, vestedNano: 0n, begun: false }
  return finishJob({ ...lane, jobs: new Map(lane.jobs).set(nonce, announced) }, nonce, 0n).lane
}

/** After a restart: jobs that ran end at what had vested on disk; announced ones return to the lane. */
export function recoverJobs (lane: LaneState): LaneState {
  let next = lane
  for (const [nonce, job] of lane.jobs) {
    next = finishJob(next, nonce, lesser(job.vestedNano, job.allocatedNano)).lane
  }
  return next
}

/**
 * Takes what the chain shows. Within an epoch neither cap nor paid ever falls and an unlock is never undone, so that an
 * old answer changes nothing. A lane that seemed gone and is seen again was never gone: an epoch opens a lane once.
 *
 * @throws {CocoonError} lane_cap_too_small, voucher_bad_signature (another key is pinned)
 */
export function chainUpdate (lane: LaneState, seen: LaneOnChain | null, signerKey: Uint8Array | null, minCapNano: bigint): LaneState {
  if (seen?.isDoubtful === true) {
    return lane.chain === 'confirmed' && seen.epoch === lane.id.epoch ? { ...lane, unlockAt: Math.max(seen.unlockAt, lane.unlockAt) } : lane
  }
  if (seen == null || seen.epoch < lane.id.epoch) {
    return lane.chain === 'confirmed' ? { ...lane, chain: 'ended' } : lane
  }
  if (seen.epoch > lane.id.epoch) {
    return { ...lane, chain: 'ended' }
  }
  if (seen.capNano < minCapNano) {
    throw new CocoonError('lane_cap_too_small', undefined, { details: { capNano: seen.capNano, minCapNano } })
  }
  if (signerKey == null || !same(signerKey, lane.signerKey)) {
    throw new CocoonError('voucher_bad_signature', 'the lane pins another signer on chain')
  }
  // what the chain paid was delivered before: a store that was lost must not sell it again
  const lostNano = greater(seen.paidNano - lane.cumulativeNano, 0n)
  return {
    ...lane,
    chain: 'confirmed',
    cumulativeNano: lane.cumulativeNano + lostNano,
    finalisedNano: lane.finalisedNano + lostNano,
    signature: lostNano > 0n ? null : lane.signature,
    capNano: greater(seen.capNano, lane.capNano),
    paidOnChainNano: greater(seen.paidNano, lane.paidOnChainNano),
    unlockAt: Math.max(seen.unlockAt, lane.unlockAt),
    gasLeftNano: seen.gasLeftNano
  }
}

/** What a redeem would bring now, in nanoTON; 0 when there is nothing to send. */
export function redeemableNano (lane: LaneState): bigint {
  if (lane.chain !== 'confirmed' || lane.signature == null) {
    return 0n
  }
  return greater(lesser(lane.cumulativeNano, lane.capNano) - lane.paidOnChainNano, 0n)
}
