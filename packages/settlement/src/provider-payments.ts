import { CocoonError, LIMITS, asCocoonError, payOpenBytes } from '@cocoon-net/protocol'
import { systemClock } from './clock.ts'
import { MAX_LANES, REDEEM_THRESHOLD_NANO, REDEEM_VALUE_NANO, VOUCHER_TIMEOUT_MS } from './constants.ts'
import { acceptPay, beginJob, chainUpdate, debtNano, exposureNano, finishJob, newLane, payableNano, recoverJobs, refuseJob, redeemableNano, unallocatedNano, vestJob } from './lane.ts'
import { verifyEd25519 } from './signer.ts'
import { Store } from './store.ts'
import { hex, laneKeyOf, unhex } from './types.ts'
import type { Clock } from './clock.ts'
import type { LaneState } from './lane.ts'
import type { KeyValue, StoreWrite } from './store.ts'
import type { TonPort } from './ton-port.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'
import type { LaneFrame, NetworkPreset, PayFrame, PayOpen } from '@cocoon-net/protocol'

export interface ProviderPaymentsInit {
  readonly network: NetworkPreset
  /** account that redeems pay to, 32 bytes */
  readonly payee: Uint8Array
  readonly vaults: VaultContract
  readonly port: TonPort
  readonly wallet: Wallet
  readonly kv: KeyValue
  readonly clock?: Clock
  /** how often lanes are read; never slower than an eighth of the unlock time */
  readonly pollMs?: number
  readonly redeemThresholdNano?: bigint
  /** told of each redeem that the chain shows */
  onSettled? (settled: Settlement): void
  /** told of failures in the background */
  onError? (error: CocoonError): void
}

export interface Settlement { readonly vault: Uint8Array, readonly epoch: bigint, readonly redeemedNano: bigint }

export interface JobMeter {
  /** True when tokens worth `vestedNano` in all may leave; notes them as delivered. */
  mayLeave (vestedNano: bigint): boolean
  /** Resolves when they may leave. Throws CocoonError voucher_late. */
  waitFor (vestedNano: bigint, opts?: { signal?: AbortSignal, timeoutMs?: number }): Promise<void>
  /** Ends the job at its exact charge, after waiting for the last voucher; what is missing becomes a debt. */
  finish (chargeNano: bigint, opts?: { signal?: AbortSignal, timeoutMs?: number }): Promise<{ paidNano: bigint, debtNano: bigint }>
  /** Ends a job that failed on this side: it costs nothing. */
  abort (): Promise<void>
}

export interface OpenedLane { readonly laneKey: string, readonly frame: LaneFrame }

export interface ProviderPayments {
  start (): Promise<void>
  stop (): Promise<void>
  /** @throws {CocoonError} vault_not_accepted, lane_cap_too_small, lane_unlocking, lane_unknown, voucher_bad_signature, no_room */
  openLane (open: PayOpen, peers: { client: Uint8Array, provider: Uint8Array }): Promise<OpenedLane>
  /** Durable before it resolves. Throws CocoonError as `acceptPay`, lane_unknown. */
  pay (laneKey: string, frame: PayFrame): Promise<{ cumulative: bigint }>
  beginJob (init: { laneKey: string, clientNonce: Uint8Array, maxChargeNano: bigint, windowNano: bigint }): Promise<JobMeter>
  /** Gives back to the lane what vouchers announce for a job that was refused before it began. Nothing for a lane that is not open. */
  refuseJob (job: { laneKey: string, clientNonce: Uint8Array }): void
  /** Redeems now, at a loss too. */
  settle (filter?: { laneKey?: string }): Promise<Settlement[]>
  summary (): { lanes: number, earnedNano: bigint, unredeemedNano: bigint, debtNano: bigint }
}

const DEFAULT_POLL_MS = 5_000
const DAY_MS = 86_400_000

interface Entry {
  /** on disk: what tokens may leave on */
  state: LaneState
  /** with the transitions whose writes are under way; each transition starts from it */
  ahead: LaneState
  /** what each running job's delivered tokens have cost, folded into the states when one is written */
  readonly delivered: Map<string, bigint>
  readonly waiters: Set<() => void>
  refreshing: boolean
}

function newEntry (state: LaneState): Entry {
  return { state, ahead: state, delivered: new Map(), waiters: new Set(), refreshing: false }
}

/** Whether every voucher taken so far is within what the chain shows. */
function backed (state: LaneState): boolean {
  return state.chain === 'confirmed' && state.cumulativeNano <= state.capNano
}

function withDeliveries (state: LaneState, delivered: ReadonlyMap<string, bigint>): LaneState {
  let next = state
  for (const [nonce, vestedNano] of delivered) {
    next = vestJob(next, nonce, vestedNano)
  }
  return next
}

export function createProviderPayments (init: ProviderPaymentsInit): ProviderPayments {
  return new DefaultProviderPayments(init)
}

class DefaultProviderPayments implements ProviderPayments {
  readonly #init: ProviderPaymentsInit
  readonly #clock: Clock
  readonly #store: Store
  readonly #lanes = new Map<string, Entry>()
  readonly #granted = new Map<string, number>()
  #cancelPoll: (() => void) | null = null
  #polling: Promise<void> = Promise.resolve()

  constructor (init: ProviderPaymentsInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#store = new Store(init.kv)
  }

  async start (): Promise<void> {
    await this.#store.open()
    const writes: StoreWrite[] = []
    for (const [key, value] of await this.#store.list('lane/')) {
      const state = recoverJobs(value as LaneState)
      this.#lanes.set(key.slice('lane/'.length), newEntry(state))
      writes.push({ key, value: state })
    }
    for (const [key, day] of await this.#store.list('credit/')) {
      this.#granted.set(key.slice('credit/'.length), day as number)
    }
    if (writes.length > 0) {
      await this.#store.commit(writes)
    }
    this.#schedulePoll()
  }

  async stop (): Promise<void> {
    this.#cancelPoll?.()
    this.#cancelPoll = null
    await this.#polling
    await this.#store.close()
    this.#lanes.clear()
    this.#granted.clear()
  }

  async openLane (open: PayOpen, peers: { client: Uint8Array, provider: Uint8Array }): Promise<OpenedLane> {
    // "A node accepts a vault only if its address equals the StateInit that it builds itself": vault_not_accepted
    if (hex(this.#init.vaults.account(open.vaultOwner)) !== hex(open.vault)) {
      throw new CocoonError('vault_not_accepted')
    }
    const id = { vault: open.vault, payee: this.#init.payee, epoch: open.epoch }
    const laneKey = laneKeyOf(id)
    // only the holder of the lane's signer opens its pay stream, and only between these two peers
    if (!verifyEd25519(open.signer, payOpenBytes({ networkId: this.#init.network.networkId, ...id, ...peers }), open.signature)) {
      throw new CocoonError('bad_signature')
    }
    let entry = this.#lanes.get(laneKey)
    if (entry == null) {
      if (this.#lanes.size >= MAX_LANES) {
        throw new CocoonError('no_room', `at most ${MAX_LANES} lanes are kept`)
      }
      entry = newEntry(newLane(id, open.signer))
    } else if (hex(entry.state.signerKey) !== hex(open.signer)) {
      throw new CocoonError('voucher_bad_signature', 'the lane was opened with another signer')
    }
    if (entry.state.chain !== 'confirmed') {
      // where first-contact credit is given, a chain that is away keeps nobody out
      await this.#refresh(laneKey, entry).catch((error: unknown) => {
        const failure = asCocoonError(error, 'chain_unavailable')
        // what the chain shows is a verdict; only a chain that shows nothing is passed over
        if (!this.#init.network.firstContactCredit.enabled || (failure.code !== 'chain_unavailable' && failure.code !== 'timeout')) {
          throw error
        }
        this.#init.onError?.(failure)
      })
    }
    if (entry.state.chain === 'ended') {
      throw new CocoonError('lane_unknown', 'the lane ended on chain')
    }
    if (entry.state.unlockAt !== 0) {
      throw new CocoonError('lane_unlocking')
    }
    await this.#grant(entry.state)
    this.#lanes.set(laneKey, this.#lanes.get(laneKey) ?? entry)
    return this.#status(laneKey)
  }

  #status (laneKey: string): OpenedLane {
    const { state } = this.#entry(laneKey)
    const confirmed = state.chain === 'confirmed' ? 'confirmed' : 'unconfirmed'
    const credit = this.#creditNano(state) - this.#vaultExposure(state)
    return {
      laneKey,
      frame: {
        t: 'lane',
        state: state.unlockAt !== 0 ? 'unlocking' : confirmed,
        capNano: state.capNano,
        highest: state.signature == null
          ? null
          : {
              voucher: { networkId: this.#init.network.networkId, ...state.id, cumulative: state.cumulativeNano },
              signature: state.signature
            },
        usedNano: state.cumulativeNano - unallocatedNano(state),
        allowanceNano: credit > 0n ? credit : 0n,
        debts: [...state.settled].filter(([, job]) => job.paidNano < job.chargeNano)
          .slice(0, LIMITS.maxDebtsPerLaneFrame).map(([nonce, job]) => [unhex(nonce), job.chargeNano - job.paidNano] as const),
        settling: redeemableNano(state) > 0n && this.#shouldRedeem(state)
      }
    }
  }

  /** First-contact credit is granted once per vault and day, within the day's sum, and the grant is on disk first. */
  async #grant (state: LaneState): Promise<void> {
    const { enabled, perVaultNano, perDayNano } = this.#init.network.firstContactCredit
    const vault = hex(state.id.vault)
    const today = Math.floor(this.#clock.nowMs() / DAY_MS)
    if (!enabled || this.#granted.get(vault) === today) {
      return
    }
    const old = [...this.#granted].filter(([, day]) => day < today)
    for (const [gone] of old) {
      this.#granted.delete(gone)
    }
    if (BigInt(this.#granted.size + 1) * perVaultNano > perDayNano) {
      return
    }
    this.#granted.set(vault, today)
    await this.#store.commit([
      ...old.filter(([gone]) => gone !== vault).map(([gone]) => ({ key: `credit/${gone}`, value: null })),
      { key: `credit/${vault}`, value: today }
    ])
  }

  #creditNano (state: LaneState): bigint {
    const { enabled, perVaultNano } = this.#init.network.firstContactCredit
    return enabled && this.#granted.has(hex(state.id.vault)) ? perVaultNano : 0n
  }

  #vaultExposure (state: LaneState): bigint {
    const vault = hex(state.id.vault)
    let exposed = 0n
    for (const [key, entry] of this.#lanes) {
      if (key.startsWith(vault)) {
        exposed += exposureNano(withDeliveries(entry.state, entry.delivered)) + debtNano(entry.state)
      }
    }
    return exposed
  }

  async pay (laneKey: string, frame: PayFrame): Promise<{ cumulative: bigint }> {
    const entry = this.#entry(laneKey)
    if (entry.state.chain === 'confirmed' && frame.voucher.cumulative > entry.state.capNano && !entry.refreshing) {
      // the payer may have topped the lane up since the last poll
      entry.refreshing = true
      await this.#refresh(laneKey, entry).finally(() => { entry.refreshing = false })
    }
    await this.#transition(laneKey, entry, (state) => acceptPay(state, frame, this.#init.network.networkId))
    if (this.#shouldRedeem(entry.state)) {
      this.#background(this.#redeem(laneKey, entry))
    }
    return { cumulative: frame.voucher.cumulative }
  }

  async beginJob (job: { laneKey: string, clientNonce: Uint8Array, maxChargeNano: bigint, windowNano: bigint }): Promise<JobMeter> {
    const { laneKey, windowNano } = job
    const entry = this.#entry(laneKey)
    const nonce = hex(job.clientNonce)
    const vault = hex(entry.state.id.vault)
    for (const [key, other] of this.#lanes) {
      if (key.startsWith(vault) && debtNano(other.ahead) > 0n) {
        throw new CocoonError('vault_in_debt')
      }
    }
    if (entry.state.chain !== 'confirmed' && this.#creditNano(entry.state) === 0n) {
      throw new CocoonError('lane_unconfirmed', undefined, { retryAfterMs: this.#pollMs() })
    }
    if (entry.state.chain === 'confirmed' && job.maxChargeNano > entry.ahead.capNano - entry.ahead.finalisedNano) {
      throw new CocoonError('lane_exhausted')
    }
    // refuses now; the write runs while the engine reads the prompt, and no token leaves before it has ended
    const begun = this.#advance(entry, (state) => beginJob(state, nonce))
    this.#write(laneKey, entry, begun).catch((err: unknown) => { this.#init.onError?.(asCocoonError(err)) })

    const mayLeave = (vestedNano: bigint): boolean => {
      const { state, delivered } = entry
      const running = state.jobs.get(nonce)
      if (running?.begun !== true) {
        return false
      }
      if (vestedNano > (delivered.get(nonce) ?? 0n)) {
        // within what confirmed vouchers cover nothing is exposed, and nothing else needs to be asked
        if (!backed(state) || vestedNano > running.allocatedNano) {
          const next = vestJob(withDeliveries(state, delivered), nonce, vestedNano)
          if (!this.#allowed(entry, next, nonce, windowNano)) {
            return false
          }
        }
        delivered.set(nonce, vestedNano)
      }
      return true
    }
    const until = async <T>(attempt: () => T | null, opts: { signal?: AbortSignal, timeoutMs?: number }): Promise<T> =>
      waitUntil(entry, this.#clock, attempt, opts.timeoutMs ?? VOUCHER_TIMEOUT_MS, opts.signal)
    return {
      mayLeave,
      waitFor: async (vestedNano, opts = {}) => { await until(() => mayLeave(vestedNano) || null, opts) },
      finish: async (chargeNano, opts = {}) => {
        if (chargeNano > job.maxChargeNano) {
          throw new CocoonError('internal', 'the charge is above what the client allowed')
        }
        const end = (): { written: Promise<void>, paidNano: bigint, debtNano: bigint } => {
          const { lane, ...result } = finishJob(withDeliveries(entry.ahead, entry.delivered), nonce, chargeNano)
          return { ...result, written: this.#write(laneKey, entry, this.#advance(entry, () => lane)) }
        }
        // looks and takes in one step: jobs that end together draw on the same unallocated balance
        const { written, paidNano, debtNano } = await until(() => payableNano(entry.ahead, nonce) >= chargeNano ? end() : null, opts)
          .catch((err: unknown) => {
            // late or cancelled: what is missing becomes a debt
            asCocoonError(err)
            return end()
          })
        await written
        entry.delivered.delete(nonce)
        return { paidNano, debtNano }
      },
      abort: async () => {
        await this.#transition(laneKey, entry, (state) => finishJob(state, nonce, 0n).lane)
        entry.delivered.delete(nonce)
      }
    }
  }

  refuseJob (job: { laneKey: string, clientNonce: Uint8Array }): void {
    const entry = this.#lanes.get(job.laneKey)
    if (entry != null) {
      // needs no write of its own: a restart gives back what was only announced
      this.#advance(entry, (state) => refuseJob(state, hex(job.clientNonce)))
    }
  }

  /** "A token leaves only if vested − what confirmed vouchers cover ≤ allowance." */
  #allowed (entry: Entry, next: LaneState, nonce: string, windowNano: bigint): boolean {
    const confirmed = next.chain === 'confirmed'
    const job = next.jobs.get(nonce)
    if (job == null) {
      return false
    }
    const before = exposureNano(withDeliveries(entry.state, entry.delivered))
    const after = exposureNano(next)
    if (confirmed && next.finalisedNano >= windowNano && next.cumulativeNano < next.capNano && job.vestedNano - job.allocatedNano <= windowNano) {
      return true
    }
    return this.#vaultExposure(next) - before + after <= this.#creditNano(next)
  }

  async settle (filter: { laneKey?: string } = {}): Promise<Settlement[]> {
    const done: Settlement[] = []
    for (const [laneKey, entry] of this.#lanes) {
      if (filter.laneKey != null && filter.laneKey !== laneKey) {
        continue
      }
      await this.#refresh(laneKey, entry)
      if (redeemableNano(entry.state) > 0n) {
        done.push(await this.#redeem(laneKey, entry))
      }
    }
    return done
  }

  summary (): { lanes: number, earnedNano: bigint, unredeemedNano: bigint, debtNano: bigint } {
    const out = { lanes: this.#lanes.size, earnedNano: 0n, unredeemedNano: 0n, debtNano: 0n }
    for (const { state } of this.#lanes.values()) {
      out.earnedNano += state.finalisedNano
      out.unredeemedNano += redeemableNano(state)
      out.debtNano += debtNano(state)
    }
    return out
  }

  #entry (laneKey: string): Entry {
    const entry = this.#lanes.get(laneKey)
    if (entry == null) {
      throw new CocoonError('lane_unknown', 'open the lane first')
    }
    return entry
  }

  /** One transition, on disk when it resolves; rejects with what `apply` throws. */
  async #transition (laneKey: string, entry: Entry, apply: (state: LaneState) => LaneState): Promise<void> {
    await this.#write(laneKey, entry, this.#advance(entry, apply))
  }

  /** Applies a transition to the newest state; throws what `apply` throws, and then nothing has changed. */
  #advance (entry: Entry, apply: (state: LaneState) => LaneState): LaneState {
    entry.ahead = apply(withDeliveries(entry.ahead, entry.delivered))
    return entry.ahead
  }

  /** Tokens may leave on `next` once it is on disk. Writes of many jobs share one flush, and land in the order of the calls. */
  async #write (laneKey: string, entry: Entry, next: LaneState): Promise<void> {
    await this.#store.commit([{ key: `lane/${laneKey}`, value: next }])
    entry.state = next
    for (const wake of [...entry.waiters]) {
      wake()
    }
  }

  async #refresh (laneKey: string, entry: Entry): Promise<void> {
    const { vault, payee } = entry.state.id
    const seen = await this.#init.port.readLane(vault, payee)
    const signerKey = seen == null ? null : await this.#init.port.readSigner(vault, seen.keyIdx)
    const changed = chainUpdate(entry.state, seen, signerKey, this.#init.network.minLaneCapNano)
    if (!this.#lanes.has(laneKey)) {
      // not admitted yet: a lane that is refused takes no place on disk
      entry.state = changed
      entry.ahead = changed
    } else if (encodeChain(changed) !== encodeChain(entry.state)) {
      await this.#transition(laneKey, entry, (state) => chainUpdate(state, seen, signerKey, this.#init.network.minLaneCapNano))
    }
  }

  #shouldRedeem (state: LaneState): boolean {
    const value = redeemableNano(state)
    return value > 0n && (state.unlockAt !== 0 || value >= (this.#init.redeemThresholdNano ?? REDEEM_THRESHOLD_NANO))
  }

  /** @throws {CocoonError} chain_rejected when the lane shows no payment after the redeem */
  async #redeem (laneKey: string, entry: Entry): Promise<Settlement> {
    const { id, cumulativeNano, signature, paidOnChainNano, capNano } = entry.state
    if (signature == null) {
      throw new CocoonError('internal', 'no voucher to redeem')
    }
    const target = cumulativeNano < capNano ? cumulativeNano : capNano
    const body = this.#init.vaults.redeemBody({ payee: id.payee, cumulativeNano, signature })
    await this.#init.wallet.send([{ to: id.vault, valueNano: REDEEM_VALUE_NANO, body }])
    const deadlineMs = this.#clock.nowMs() + 60_000
    for (;;) {
      await this.#refresh(laneKey, entry)
      if (entry.state.paidOnChainNano >= target) {
        const settled = { vault: id.vault, epoch: id.epoch, redeemedNano: entry.state.paidOnChainNano - paidOnChainNano }
        this.#init.onSettled?.(settled)
        return settled
      }
      if (this.#clock.nowMs() >= deadlineMs || entry.state.chain === 'ended') {
        throw new CocoonError('chain_rejected', 'the redeem did not raise what the lane has paid')
      }
      await new Promise<void>(resolve => { this.#clock.schedule(200, resolve) })
    }
  }

  #pollMs (): number {
    return Math.min(this.#init.pollMs ?? DEFAULT_POLL_MS, this.#init.network.vault.unlockSeconds * 1_000 / 8)
  }

  #background (work: Promise<unknown>): void {
    this.#polling = Promise.all([this.#polling, work.catch((err: unknown) => { this.#init.onError?.(asCocoonError(err, 'chain_unavailable')) })]).then(() => {})
  }

  #schedulePoll (): void {
    this.#cancelPoll = this.#clock.schedule(this.#pollMs(), () => {
      this.#background(this.#poll().finally(() => {
        if (this.#cancelPoll != null) {
          this.#schedulePoll()
        }
      }))
    })
  }

  async #poll (): Promise<void> {
    for (const [laneKey, entry] of this.#lanes) {
      if (entry.state.chain === 'ended') {
        continue
      }
      try {
        await this.#refresh(laneKey, entry)
        if (this.#shouldRedeem(entry.state)) {
          await this.#redeem(laneKey, entry)
        }
      } catch (err: unknown) {
        this.#init.onError?.(asCocoonError(err, 'chain_unavailable'))
      }
    }
  }
}

function encodeChain (state: LaneState): string {
  return [state.chain, state.capNano, state.paidOnChainNano, state.unlockAt].join(' ')
}

/** The first result of `attempt` that is not null, tried now and after each write; throws voucher_late when the time is over. */
async function waitUntil<T> (entry: Entry, clock: Clock, attempt: () => T | null, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted()
  const now = attempt()
  if (now != null) {
    return now
  }
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      cancel()
      entry.waiters.delete(check)
      signal?.removeEventListener('abort', onAbort)
    }
    const check = (): void => {
      const result = attempt()
      if (result != null) {
        stop()
        resolve(result)
      }
    }
    const onAbort = (): void => {
      stop()
      reject(asCocoonError(signal?.reason, 'job_cancelled'))
    }
    const cancel = clock.schedule(timeoutMs, () => {
      stop()
      reject(new CocoonError('voucher_late'))
    })
    entry.waiters.add(check)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
