/**
 * The vault as `SPEC.md` states it, in TypeScript and without a line of the contract: which message has to be obeyed and
 * what it then changes. The exploration holds the compiled contract against it.
 */
import type { Deed } from './cast.ts'
import type { LaneView, VaultView } from './view.ts'

export const NOTICE_NANO = 10_000_000n
export const UNLOCK_GAS_NANO = 10_000_000n
export const START_UNLOCK_NANO = 30_000_000n
export const OPEN_GAS_NANO = 20_000_000n
export const RESERVE_BASE_NANO = 100_000_000n
export const RESERVE_PER_LANE_NANO = 2_000_000n
export const FLUSH_AT_NANO = 100_000_000n
export const MAX_LANES = 105
export const NONE = '0'.repeat(64)
const HOUR_MS = 3_600_000n

export interface Moment {
  /** Unix seconds. */
  readonly now: number
  /** What the vault holds once rent is paid, without the message's value. */
  readonly heldNano: bigint
}

export function owedNano (view: Pick<VaultView, 'lockedNano' | 'feeAccruedNano' | 'lanesCount'>): bigint {
  return view.lockedNano + view.feeAccruedNano + RESERVE_BASE_NANO + BigInt(view.lanesCount) * RESERVE_PER_LANE_NANO
}

function min (a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export function feeNano (view: VaultView, paidNano: bigint, newPaidNano: bigint): bigint {
  const bps = BigInt(view.feeBps)
  return newPaidNano * bps / 10_000n - paidNano * bps / 10_000n
}

function spentTodayNano (view: VaultView, now: number): bigint {
  return view.operator.day === Math.floor(now / 86_400) ? view.operator.spentNano : 0n
}

function isNewEpoch (view: VaultView, epoch: bigint, now: number): boolean {
  const ms = BigInt(now) * 1_000n
  return epoch > view.lastEpoch && epoch <= ms + HOUR_MS && epoch >= ms - HOUR_MS
}

/** What an obeyed opening takes from its own message: the part of the promise that the vault does not hold yet. */
export function lackingNano (view: VaultView, deed: Deed, moment: Moment): bigint {
  const lanes = deed.lanes ?? []
  const added = lanes.filter(({ payee }) => !view.lanes.has(payee)).length
  const promised = lanes.reduce((sum, lane) => sum + lane.capNano, 0n)
  const lacking = owedNano({ ...view, lockedNano: view.lockedNano + promised, lanesCount: view.lanesCount + added }) - moment.heldNano
  return lacking > 0n ? lacking : 0n
}

function mayOpen (view: VaultView, deed: Deed, moment: Moment): boolean {
  const lanes = deed.lanes ?? []
  const signer = view.signers.get(deed.keyIdx ?? -1)
  if (signer == null || signer.retired) {
    return false
  }
  let added = 0
  for (const { payee, capNano } of lanes) {
    const lane = view.lanes.get(payee)
    if (capNano === 0n) {
      return false
    }
    if (lane == null) {
      added++
    } else if (lane.epoch !== deed.epoch || lane.keyIdx !== deed.keyIdx || lane.unlockAt !== 0) {
      return false
    }
  }
  if (added > 0 && (!isNewEpoch(view, deed.epoch ?? 0n, moment.now) || view.lanesCount + added > MAX_LANES)) {
    return false
  }
  if (deed.sender !== view.owner) {
    const promised = lanes.reduce((sum, lane) => sum + lane.capNano, 0n)
    if (!isOperator(view, deed) || spentTodayNano(view, moment.now) + promised > view.operator.dailyBudgetNano) {
      return false
    }
  }
  const lacking = lackingNano(view, deed, moment)
  return lacking === 0n || lacking + OPEN_GAS_NANO <= deed.valueNano
}

function isOperator (view: VaultView, deed: Deed): boolean {
  return view.operator.account !== NONE && deed.sender === view.operator.account
}

function isSigned (lane: LaneView, deed: Deed): boolean {
  return deed.forged !== true && deed.epoch === lane.epoch && deed.key === lane.key
}

/** Whether the vault has to obey. */
export function isDue (view: VaultView, deed: Deed, moment: Moment): boolean {
  const isOwner = deed.sender === view.owner
  const lane = view.lanes.get(deed.payee ?? '')
  switch (deed.kind) {
    case 'topUp':
    case 'bounced':
      return true
    case 'setUp':
      return isOwner && !view.signers.has(0) && view.feeBps <= 100
    case 'addSigner':
      return isOwner && !view.signers.has(deed.keyIdx ?? -1)
    case 'retireSigner':
      return isOwner && view.signers.has(deed.keyIdx ?? -1)
    case 'setOperator':
      return isOwner
    case 'open':
      return mayOpen(view, deed, moment)
    case 'redeem':
      return lane != null && isSigned(lane, deed) && min(deed.cumulativeNano ?? 0n, lane.capNano) > lane.paidNano
    case 'startUnlock':
      return lane != null && lane.unlockAt === 0 && deed.valueNano >= START_UNLOCK_NANO && (isOwner || isOperator(view, deed))
    case 'finishUnlock':
      return lane != null && lane.unlockAt !== 0 && moment.now >= lane.unlockAt
    case 'release':
      return lane != null && deed.sender === deed.payee
    case 'close':
      return lane != null && isSigned(lane, deed)
    case 'withdraw':
      return isOwner && owedNano(view) + (deed.amountNano ?? 0n) <= moment.heldNano
    case 'flushFee':
      return view.feeAccruedNano > 0n
    default:
      return false
  }
}

/** What an obeyed message pays, besides the change that goes back to its sender. */
export interface Payment {
  /** Hex; empty: nothing is paid. */
  readonly to: string
  readonly amountNano: bigint
  /** Accrued fee that leaves for the treasury on the way. */
  readonly flushedNano: bigint
  /** What the vault keeps of the message's value; undefined: all but its costs. */
  readonly keptNano: bigint | undefined
}

export interface Outcome { readonly view: VaultView, readonly payment: Payment }

const NOTHING: Payment = { to: '', amountNano: 0n, flushedNano: 0n, keptNano: 0n }

function without (view: VaultView, payee: string): Pick<VaultView, 'lanes' | 'lockedNano' | 'lanesCount'> {
  const lanes = new Map(view.lanes)
  const lane = view.lanes.get(payee)
  lanes.delete(payee)
  const freed = lane == null ? 0n : lane.capNano - lane.paidNano + lane.gasLeftNano
  return { lanes, lockedNano: view.lockedNano - freed, lanesCount: view.lanesCount - 1 }
}

function opened (view: VaultView, deed: Deed, moment: Moment): Outcome {
  const lanes = new Map(view.lanes)
  const epoch = deed.epoch ?? 0n
  const keyIdx = deed.keyIdx ?? 0
  let promised = 0n
  for (const { payee, capNano } of deed.lanes ?? []) {
    promised += capNano
    const old = lanes.get(payee)
    const fresh: LaneView = {
      capNano: 0n, paidNano: 0n, epoch, keyIdx, key: view.signers.get(keyIdx)?.key ?? '', unlockAt: 0, gasLeftNano: 0n, slot: 0
    }
    lanes.set(payee, { ...(old ?? fresh), capNano: (old?.capNano ?? 0n) + capNano })
  }
  const operator = deed.sender === view.owner
    ? view.operator
    : { ...view.operator, day: Math.floor(moment.now / 86_400), spentNano: spentTodayNano(view, moment.now) + promised }
  return {
    view: {
      ...view,
      lanes,
      operator,
      lanesCount: lanes.size,
      lockedNano: view.lockedNano + promised,
      lastEpoch: isNewEpoch(view, epoch, moment.now) ? epoch : view.lastEpoch
    },
    payment: { ...NOTHING, keptNano: lackingNano(view, deed, moment) }
  }
}

function redeemed (view: VaultView, lane: LaneView, deed: Deed, refundNano: bigint): Outcome {
  const paidNano = min(deed.cumulativeNano ?? 0n, lane.capNano)
  const delta = paidNano - lane.paidNano
  const fee = feeNano(view, lane.paidNano, paidNano)
  const accrued = view.feeAccruedNano + fee
  const flushedNano = accrued >= FLUSH_AT_NANO ? accrued : 0n
  const lanes = new Map(view.lanes)
  lanes.set(deed.payee ?? '', { ...lane, paidNano, gasLeftNano: lane.gasLeftNano - refundNano })
  return {
    view: { ...view, lanes, lockedNano: view.lockedNano - delta - refundNano, feeAccruedNano: accrued - flushedNano },
    payment: { to: deed.payee ?? '', amountNano: delta - fee, flushedNano, keptNano: -refundNano }
  }
}

/**
 * What an obeyed message does. `refundNano` is what the contract gave out of the lane's gas: its amount depends on gas
 * prices, so that only its bounds are a rule (see `laws.ts`).
 */
export function outcome (view: VaultView, deed: Deed, moment: Moment, refundNano: bigint): Outcome {
  const lane = view.lanes.get(deed.payee ?? '')
  const payee = deed.payee ?? ''
  switch (deed.kind) {
    case 'setUp':
    case 'addSigner': {
      const signers = new Map(view.signers).set(deed.keyIdx ?? 0, { key: deed.key ?? '', retired: false })
      const operator = deed.kind === 'setUp' ? { account: deed.operator ?? '', dailyBudgetNano: deed.dailyBudgetNano ?? 0n, day: 0, spentNano: 0n } : view.operator
      return { view: { ...view, signers, operator }, payment: { ...NOTHING, keptNano: deed.kind === 'setUp' ? undefined : 0n } }
    }
    case 'retireSigner': {
      const idx = deed.keyIdx ?? 0
      return { view: { ...view, signers: new Map(view.signers).set(idx, { key: view.signers.get(idx)?.key ?? '', retired: true }) }, payment: NOTHING }
    }
    case 'setOperator':
      return { view: { ...view, operator: { ...view.operator, account: deed.operator ?? '', dailyBudgetNano: deed.dailyBudgetNano ?? 0n } }, payment: NOTHING }
    case 'open':
      return opened(view, deed, moment)
    case 'redeem':
      return lane == null ? { view, payment: NOTHING } : redeemed(view, lane, deed, refundNano)
    case 'startUnlock': {
      if (lane == null) {
        return { view, payment: NOTHING }
      }
      const lanes = new Map(view.lanes).set(payee, { ...lane, unlockAt: moment.now + view.unlockSeconds, gasLeftNano: UNLOCK_GAS_NANO })
      return { view: { ...view, lanes, lockedNano: view.lockedNano + UNLOCK_GAS_NANO }, payment: { ...NOTHING, keptNano: UNLOCK_GAS_NANO } }
    }
    case 'finishUnlock':
    case 'release':
      return { view: { ...view, ...without(view, payee) }, payment: NOTHING }
    case 'close': {
      const paid = lane?.paidNano ?? 0n
      const asked = min(deed.cumulativeNano ?? 0n, lane?.capNano ?? 0n)
      const newPaid = asked > paid ? asked : paid
      const fee = feeNano(view, paid, newPaid)
      return {
        view: { ...view, ...without(view, payee), feeAccruedNano: view.feeAccruedNano + fee },
        payment: { to: payee, amountNano: newPaid - paid - fee, flushedNano: 0n, keptNano: 0n }
      }
    }
    case 'withdraw':
      return { view, payment: { ...NOTHING, to: view.owner, amountNano: deed.amountNano ?? 0n } }
    case 'flushFee':
      return { view: { ...view, feeAccruedNano: 0n }, payment: { ...NOTHING, to: view.treasury, amountNano: view.feeAccruedNano } }
    default:
      return { view, payment: { ...NOTHING, keptNano: undefined } }
  }
}
