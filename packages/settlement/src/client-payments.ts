import { CocoonError, asCocoonError, payOpenBytes, voucherHash } from '@cocoon-net/protocol'
import { clientJob, signedFrame } from './client-job.ts'
import { systemClock } from './clock.ts'
import { MAX_DEBT_SEARCH_ROWS, TON_NANO } from './constants.ts'
import { LaneOpener } from './lane-opener.ts'
import { lesser } from './lane.ts'
import { ledgerKey, nextLedgerSequence, paidJobs, readLedger } from './ledger.ts'
import { PayerClosing } from './payer-closing.ts'
import { adoptCumulative, agreeOnUse, payDebts } from './payer-lane.ts'
import { PayerTable } from './payer-table.ts'
import { verifyEd25519 } from './signer.ts'
import { DEFAULT_SPENDING_LIMITS, EMPTY_DAY, bookSpending, checkRequest } from './spending.ts'
import { Store } from './store.ts'
import { hex, laneKeyOf } from './types.ts'
import type { LaneWriter } from './client-job.ts'
import type { ClientLane } from './client-lane.ts'
import type { Clock } from './clock.ts'
import type { LedgerRow } from './ledger.ts'
import type { ClosingLane } from './payer-closing.ts'
import type { PayerLane } from './payer-lane.ts'
import type { PayerEntry } from './payer-table.ts'
import type { Signer } from './signer.ts'
import type { DayBook, SpendingLimits } from './spending.ts'
import type { KeyValue, StoreWrite } from './store.ts'
import type { TonPort } from './ton-port.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'
import type { LaneFrame, NetworkPreset, PayFrame } from '@cocoon-net/protocol'

export interface ClientPaymentsInit {
  readonly network: NetworkPreset
  readonly vaults: VaultContract
  readonly port: TonPort
  /** owns and operates the vault */
  readonly wallet: Wallet
  readonly voucherSigner: Signer
  readonly kv: KeyValue
  readonly clock?: Clock
  readonly limits?: Partial<SpendingLimits>
  /** default 0.1 TON */
  readonly laneCapNano?: bigint
  /** what a new vault is deployed with, default 1 TON */
  readonly depositNano?: bigint
  /** a devnet's faucet */
  fund? (account: Uint8Array, amountNano: bigint): Promise<void>
  /** how often the chain is asked while something is awaited */
  readonly pollMs?: number
  onError? (error: CocoonError): void
}

export interface ClientPayments {
  /** Loads state; the vault is deployed in the background. Throws CocoonError lane_busy, file_unusable. */
  start (): Promise<void>
  stop (): Promise<void>
  readonly vault: { readonly account: Uint8Array, readonly owner: Uint8Array }
  /**
   * The lane of a payee; a new one locks `capNano` (default `laneCapNano`).
   *
   * @throws {CocoonError} lane_unlocking, chain_unavailable
   */
  lane (payee: Uint8Array, opts?: { capNano?: bigint }): Promise<ClientLane>
  /** The lane of a payee when one is open; null otherwise, and none is opened. Throws CocoonError chain_unavailable. */
  openedLane (payee: Uint8Array): Promise<ClientLane | null>
  /**
   * Signs the end of a lane at what its jobs have cost, or at `sumNano`; begins no further job on it. On disk when it
   * resolves. May be called again, after a restart too; the lane is opened anew once the vault has ended it.
   *
   * @throws {CocoonError} lane_in_use while a job runs, lane_unknown, lane_unlocking where only the vault knows the lane and unlocks it,
   * voucher_above_cap, spending_limit, chain_unavailable, chain_disagrees
   */
  close (payee: Uint8Array, opts?: { sumNano?: bigint }): Promise<ClosingLane>
  /** Begins no further job on the lane of a payee, on disk when it resolves: to be called before an unlock is sent. The lane is opened anew once the vault has ended it. */
  retire (payee: Uint8Array): Promise<void>
  /** To be called when a payee says that it has no such lane: what the vault has ended is opened anew. Throws CocoonError chain_unavailable. */
  review (payee: Uint8Array): Promise<void>
  warm (payees: readonly Uint8Array[]): Promise<void>
  /** Adds to the cap of an open lane and returns the cap that the chain shows then. Throws CocoonError lane_unknown, lane_unlocking, chain_rejected. */
  topUp (payee: Uint8Array, addNano: bigint): Promise<bigint>
  balances (): Promise<{ walletNano: bigint, vaultNano: bigint }>
  ledger (): Promise<LedgerRow[]>
}

const DEFAULT_CAP_NANO = TON_NANO / 10n
/** What says that a payee has no lane, or one that ends. */
const NOT_OPEN_CODES: ReadonlySet<string> = new Set(['lane_unknown', 'lane_unlocking'])

export function createClientPayments (init: ClientPaymentsInit): ClientPayments {
  return new DefaultClientPayments(init)
}

class DefaultClientPayments implements ClientPayments {
  readonly vault: { readonly account: Uint8Array, readonly owner: Uint8Array }
  readonly #init: ClientPaymentsInit
  readonly #clock: Clock
  readonly #store: Store
  readonly #limits: SpendingLimits
  readonly #stopping = new AbortController()
  readonly #opener: LaneOpener
  readonly #table: PayerTable
  readonly #closing: PayerClosing
  #book: DayBook = EMPTY_DAY
  #background: Promise<void> = Promise.resolve()
  #sequence = 0

  constructor (init: ClientPaymentsInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#store = new Store(init.kv)
    this.#limits = { ...DEFAULT_SPENDING_LIMITS, ...init.limits }
    const { vaults, port, wallet, voucherSigner, depositNano, pollMs, fund } = init
    const { signal } = this.#stopping
    this.#opener = new LaneOpener({ vaults, port, wallet, voucherSigner, depositNano, pollMs, fund, clock: this.#clock, signal })
    this.#table = new PayerTable({
      store: this.#store,
      opener: this.#opener,
      capNano: init.laneCapNano ?? DEFAULT_CAP_NANO,
      chainNowMs: () => port.nowMs(),
      paidRow: (state, clientNonce, paidNano) => this.#paidRow(state, clientNonce, paidNano),
      bookWrite: () => ({ key: 'dayBook', value: this.#book }),
      signal,
      background: (work) => { this.#inBackground(work) },
      onError: (error) => { this.#report(error) }
    })
    this.vault = { owner: wallet.account, account: this.#opener.vault }
    this.#closing = new PayerClosing({
      ...init,
      store: this.#store,
      vault: this.vault,
      table: this.#table,
      opener: this.#opener,
      spend: (state, amountNano) => { this.#spend(state, amountNano) },
      paidRow: (state, clientNonce, paidNano) => this.#paidRow(state, clientNonce, paidNano)
    })
  }

  async start (): Promise<void> {
    await this.#store.open()
    this.#book = (await this.#store.get('dayBook') as DayBook | undefined) ?? EMPTY_DAY
    this.#sequence = await nextLedgerSequence(this.#init.kv)
    await this.#table.load()
    this.#inBackground(this.#opener.ensureVault())
  }

  async stop (): Promise<void> {
    this.#stopping.abort(new CocoonError('stream_closed', 'payments stopped'))
    await this.#background
    await this.#opener.idle()
    await this.#table.close()
    await this.#store.close()
  }

  #report (error: unknown): void {
    if (!this.#stopping.signal.aborted) {
      this.#init.onError?.(asCocoonError(error, 'chain_unavailable'))
    }
  }

  #inBackground (work: Promise<void>): void {
    this.#background = Promise.all([this.#background, work.catch((err: unknown) => { this.#report(err) })]).then(() => {})
  }

  async lane (payee: Uint8Array, { capNano }: { capNano?: bigint } = {}): Promise<ClientLane> {
    return this.#facade(await this.#table.lane(payee, capNano))
  }

  async openedLane (payee: Uint8Array): Promise<ClientLane | null> {
    const entry = await this.#table.adopt(payee).catch((error: unknown) => {
      if (!NOT_OPEN_CODES.has(asCocoonError(error).code)) {
        throw error
      }
    })
    return entry?.state.status === 'open' ? this.#facade(entry) : null
  }

  async close (payee: Uint8Array, { sumNano }: { sumNano?: bigint } = {}): Promise<ClosingLane> {
    return this.#closing.sign(payee, sumNano)
  }

  async retire (payee: Uint8Array): Promise<void> {
    await this.#table.retire(payee)
  }

  async review (payee: Uint8Array): Promise<void> {
    await this.#table.review(payee)
  }

  async warm (payees: readonly Uint8Array[]): Promise<void> {
    await Promise.all(payees.map(async (payee) => { await this.#table.lane(payee) }))
  }

  async topUp (payee: Uint8Array, addNano: bigint): Promise<bigint> {
    const entry = await this.#table.adopt(payee)
    await entry.opened.promise
    return this.#table.raise(entry, addNano, true)
  }

  /** Books on the day's limits, or refuses. Synchronous: parallel jobs cannot pass a limit together. */
  #spend (state: PayerLane, amountNano: bigint): void {
    this.#book = bookSpending(this.#book, this.#limits, { nowMs: this.#clock.nowMs(), payee: hex(state.id.payee), amountNano })
  }

  #writer (entry: PayerEntry): LaneWriter {
    return {
      get state () { return entry.state },
      exclusive: async (work) => this.#table.exclusive(entry, work),
      book: (moreNano) => { this.#spend(entry.state, moreNano) },
      write: async (state, also) => {
        await this.#table.write(entry, state, also)
        this.#table.topUpWhenLow(entry)
      },
      hold: (state) => { entry.state = state },
      note: async () => this.#table.write(entry, entry.state),
      nextLedgerKey: () => ledgerKey(this.#sequence++),
      nowMs: () => this.#clock.nowMs()
    }
  }

  #facade (entry: PayerEntry): ClientLane {
    const { id } = entry.state
    const { voucherSigner, network } = this.#init
    return {
      laneKey: laneKeyOf(id),
      epoch: id.epoch,
      open: (peers) => ({
        t: 'open',
        vault: id.vault,
        vaultOwner: this.vault.owner,
        epoch: id.epoch,
        signer: voucherSigner.publicKey,
        signature: voucherSigner.sign(payOpenBytes({ networkId: network.networkId, ...id, ...peers }))
      }),
      status: () => entry.state.status,
      ready: async () => { await entry.opened.promise },
      get allowanceNano () { return entry.allowanceNano },
      beginJob: (job) => {
        if (entry.state.status === 'ending') {
          throw new CocoonError('lane_unlocking')
        }
        checkRequest(this.#limits, job.maxChargeNano)
        return clientJob(this.#writer(entry), job, voucherSigner, network.networkId)
      },
      adopt: async (frame) => { await this.#table.exclusive(entry, async () => { await this.#adopt(entry, frame) }) },
      payDebts: async (frame, limitNano) => this.#table.exclusive(entry, async () => this.#payDebts(entry, frame, limitNano))
    }
  }

  #paidRow (state: PayerLane, clientNonce: string, paidNano: bigint): StoreWrite {
    const row: LedgerRow = { atMs: this.#clock.nowMs(), kind: 'paid', laneKey: laneKeyOf(state.id), clientNonce, paidNano }
    return { key: ledgerKey(this.#sequence++), value: row }
  }

  /** "the client adopts it only if it signed it and its limits allow" */
  async #adopt (entry: PayerEntry, frame: LaneFrame): Promise<void> {
    entry.allowanceNano = frame.allowanceNano
    const { state } = entry
    const adopted = this.#adopted(state, frame)
    const agreed = agreeOnUse(adopted.lane, frame.usedNano)
    if (agreed === state) {
      return
    }
    this.#spend(state, adopted.moreNano)
    const differenceNano = agreed.finalisedNano - (state.finalisedNano - state.unbookedNano)
    await this.#table.write(entry, agreed, differenceNano === 0n ? [] : [this.#paidRow(state, '', differenceNano)])
  }

  #adopted (state: PayerLane, { highest }: LaneFrame): { lane: PayerLane, moreNano: bigint } {
    if (highest == null || highest.voucher.cumulative <= state.cumulativeNano) {
      return { lane: state, moreNano: 0n }
    }
    const { voucher, signature } = highest
    if (laneKeyOf(voucher) !== laneKeyOf(state.id) || hex(voucher.networkId) !== hex(this.#init.network.networkId)) {
      throw new CocoonError('voucher_wrong_lane')
    }
    if (!verifyEd25519(this.#init.voucherSigner.publicKey, voucherHash(voucher), signature)) {
      throw new CocoonError('voucher_bad_signature', 'the provider shows a voucher that we did not sign')
    }
    return adoptCumulative(state, voucher.cumulative)
  }

  async #payDebts (entry: PayerEntry, { debts }: LaneFrame, limitNano: bigint): Promise<PayFrame | null> {
    if (debts.length === 0) {
      return null
    }
    const { state } = entry
    const nonces = debts.map(([nonce]) => hex(nonce))
    const { lane, moreNano } = payDebts(state, debts.map(([, owedNano]) => owedNano), lesser(limitNano, this.#limits.perRequestNano))
    const rows = await paidJobs(this.#init.kv, state.id, MAX_DEBT_SEARCH_ROWS)
    // a debt is paid once; that its payment was lost on the way shows in what is free
    if (new Set(nonces).size < nonces.length || nonces.some(nonce => (rows.get(nonce) ?? 0) < 1 || (moreNano > 0n && rows.get(nonce) !== 1))) {
      throw new CocoonError('debt_refused', 'no job of ours can owe that')
    }
    this.#spend(state, moreNano)
    await this.#table.write(entry, lane, debts.map(([, owedNano], i) => this.#paidRow(state, nonces[i], owedNano)))
    return signedFrame(lane, this.#init.voucherSigner, this.#init.network.networkId, debts.map(([nonce]) => [nonce, lane.cumulativeNano] as const))
  }

  async balances (): Promise<{ walletNano: bigint, vaultNano: bigint }> {
    const [walletNano, vaultNano] = await Promise.all([this.#init.wallet.balance(), this.#init.port.balance(this.vault.account)])
    return { walletNano, vaultNano }
  }

  async ledger (): Promise<LedgerRow[]> {
    return readLedger(this.#init.kv)
  }
}
