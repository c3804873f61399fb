import { CocoonError, asCocoonError, payOpenBytes, voucherHash } from '@cocoon-net/protocol'
import { delay, systemClock } from './clock.ts'
import { MAX_LANES_PER_OPEN, OPEN_VALUE_NANO, TON_NANO } from './constants.ts'
import { verifyEd25519 } from './signer.ts'
import { Store } from './store.ts'
import { hex, laneKeyOf } from './types.ts'
import type { Clock } from './clock.ts'
import type { Signer } from './signer.ts'
import type { KeyValue } from './store.ts'
import type { TonPort } from './ton-port.ts'
import type { LaneId } from './types.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'
import type { LaneFrame, NetworkPreset, PayFrame, PayOpen } from '@cocoon-net/protocol'

/** Checked before anything is signed. nanoTON. */
export interface SpendingLimits {
  readonly perRequestNano: bigint
  readonly perProviderDayNano: bigint
  readonly perDayNano: bigint
}

export const DEFAULT_SPENDING_LIMITS: SpendingLimits = Object.freeze({
  perRequestNano: TON_NANO / 10n,
  perProviderDayNano: TON_NANO,
  perDayNano: 2n * TON_NANO
})

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

export interface ClientJob {
  readonly paidNano: bigint
  /** Signs for `nano` in all; on disk before it resolves. Null when the job holds that much. Throws CocoonError spending_limit, lane_exhausted, max_charge_too_low. */
  voucherUpTo (nano: bigint): Promise<PayFrame | null>
  /** Sets the job to its exact charge; null when it already holds exactly that. */
  finish (chargeNano: bigint): Promise<PayFrame | null>
}

export interface ClientLane {
  readonly laneKey: string
  readonly epoch: bigint
  /** The frame that opens the pay stream between two peers (multihash bytes), signed by the lane's signer. */
  open (peers: { client: Uint8Array, provider: Uint8Array }): PayOpen
  status (): 'opening' | 'open' | 'failed'
  /** Resolves when the lane is on chain; rejects when the open failed. */
  ready (): Promise<void>
  /** What the provider said that it lets out ahead of vouchers, nanoTON. */
  readonly allowanceNano: bigint
  beginJob (init: { clientNonce: Uint8Array, maxChargeNano: bigint }): ClientJob
  /** Takes the provider's highest voucher when we signed it. Throws CocoonError voucher_bad_signature, voucher_wrong_lane, spending_limit. */
  adopt (frame: LaneFrame): Promise<void>
}

export interface LedgerRow { readonly atMs: number, readonly laneKey: string, readonly clientNonce: string, readonly paidNano: bigint }

export interface ClientPayments {
  /** Loads state; the vault is deployed in the background. Throws CocoonError lane_busy, file_unusable. */
  start (): Promise<void>
  stop (): Promise<void>
  readonly vault: { readonly account: Uint8Array, readonly owner: Uint8Array }
  lane (payee: Uint8Array): Promise<ClientLane>
  warm (payees: readonly Uint8Array[]): Promise<void>
  balances (): Promise<{ walletNano: bigint, vaultNano: bigint }>
  ledger (): Promise<LedgerRow[]>
}

interface PayerLane {
  readonly id: LaneId
  readonly capNano: bigint
  readonly status: 'opening' | 'open' | 'failed'
  readonly cumulativeNano: bigint
  readonly finalisedNano: bigint
}

interface Entry { state: PayerLane, toppingUp: boolean, jobs: Map<string, bigint>, queue: Promise<unknown>, opened: PromiseWithResolvers<void>, allowanceNano: bigint }

const DAY_MS = 86_400_000
const OPEN_TIMEOUT_MS = 120_000

export function createClientPayments (init: ClientPaymentsInit): ClientPayments {
  return new DefaultClientPayments(init)
}

class DefaultClientPayments implements ClientPayments {
  readonly vault: { readonly account: Uint8Array, readonly owner: Uint8Array }
  readonly #init: ClientPaymentsInit
  readonly #clock: Clock
  readonly #store: Store
  readonly #limits: SpendingLimits
  readonly #lanes = new Map<string, Entry>()
  readonly #stopping = new AbortController()
  #spent = new Map<string, bigint>()
  #day = 0
  #lastEpoch = 0n
  #batch: Entry[] = []
  #chain: Promise<void> = Promise.resolve()
  #turn: Promise<unknown> = Promise.resolve()
  #deployed = false
  #seq = 0

  constructor (init: ClientPaymentsInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#store = new Store(init.kv)
    this.#limits = { ...DEFAULT_SPENDING_LIMITS, ...init.limits }
    this.vault = { owner: init.wallet.account, account: init.vaults.account(init.wallet.account) }
  }

  async start (): Promise<void> {
    await this.#store.open()
    this.#lastEpoch = (await this.#store.get('lastEpoch') as bigint | undefined) ?? 0n
    const spent = await this.#store.get('spent') as { day: number, by: Map<string, bigint> } | undefined
    if (spent != null) {
      this.#day = spent.day
      this.#spent = spent.by
    }
    for (const [, value] of await this.#store.list('lane/')) {
      // jobs that ran when the process ended count as spent: the payee may hold that much
      const state = value as PayerLane
      const entry = newEntry({ ...state, finalisedNano: state.cumulativeNano })
      this.#lanes.set(hex(state.id.payee), entry)
      if (state.status === 'open') {
        entry.opened.resolve()
      } else if (state.status === 'opening') {
        this.#background(this.#confirm([entry], false))
      }
    }
    this.#seq = (await this.#store.list('ledger/')).length
    this.#background(this.#ensureVault())
  }

  async stop (): Promise<void> {
    this.#stopping.abort(new CocoonError('stream_closed', 'payments stopped'))
    await this.#chain
    await this.#turn
    await Promise.all([...this.#lanes.values()].map(async ({ queue }) => { await queue }))
    await this.#store.close()
    this.#lanes.clear()
  }

  #background (work: Promise<void>): void {
    this.#chain = Promise.all([this.#chain, work.catch((err: unknown) => {
      if (!this.#stopping.signal.aborted) {
        this.#init.onError?.(asCocoonError(err, 'chain_unavailable'))
      }
    })]).then(() => {})
  }

  /** Chain writes of this client, one at a time and in order: epochs must rise. */
  async #inTurn (work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    await turn
  }

  async #ensureVault (): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#deployed) {
        return
      }
      const { port, wallet, vaults } = this.#init
      if (!await port.isActive(this.vault.account)) {
        const depositNano = this.#init.depositNano ?? TON_NANO
        await this.#ensureFunds(depositNano + OPEN_VALUE_NANO * 2n)
        await wallet.send([{
          to: this.vault.account,
          valueNano: depositNano,
          init: vaults.stateInit(this.vault.owner),
          body: vaults.deployBody({ signerKey: this.#init.voucherSigner.publicKey, operator: wallet.account })
        }], { signal: this.#stopping.signal })
        await this.#until(async () => port.isActive(this.vault.account), 'the vault was not deployed')
      }
      const signer = await port.readSigner(this.vault.account, 0)
      if (signer == null || hex(signer) !== hex(this.#init.voucherSigner.publicKey)) {
        throw new CocoonError('voucher_bad_signature', 'the vault\'s signer 0 is another key than this client\'s')
      }
      this.#deployed = true
    })
  }

  async #ensureFunds (neededNano: bigint): Promise<void> {
    const { wallet, fund } = this.#init
    if (await wallet.balance() >= neededNano) {
      return
    }
    if (fund == null) {
      throw new CocoonError('insufficient_funds', 'the wallet holds too little', { details: { neededNano } })
    }
    await fund(wallet.account, neededNano * 2n)
    await this.#until(async () => await wallet.balance() >= neededNano, 'the faucet did not pay')
  }

  async #until (ready: () => Promise<boolean>, failure: string): Promise<void> {
    const deadlineMs = this.#clock.nowMs() + OPEN_TIMEOUT_MS
    while (!await ready()) {
      if (this.#clock.nowMs() >= deadlineMs) {
        throw new CocoonError('chain_rejected', failure)
      }
      await delay(this.#clock, this.#init.pollMs ?? 500, this.#stopping.signal)
    }
  }

  async lane (payee: Uint8Array): Promise<ClientLane> {
    const known = this.#lanes.get(hex(payee))
    if (known != null && known.state.status !== 'failed') {
      return this.#facade(known)
    }
    // "One open message carries one epoch for all its lanes, max(chain now in ms, last + 1)"
    const fresh = this.#batch.length === 0 || this.#batch.length >= MAX_LANES_PER_OPEN
    const now = BigInt(this.#init.port.nowMs())
    const nextEpoch = now > this.#lastEpoch ? now : this.#lastEpoch + 1n
    const epoch = fresh ? nextEpoch : this.#lastEpoch
    const capNano = this.#init.laneCapNano ?? TON_NANO / 10n
    const entry = newEntry({ id: { vault: this.vault.account, payee, epoch }, capNano, status: 'opening', cumulativeNano: 0n, finalisedNano: 0n })
    this.#lastEpoch = epoch
    this.#lanes.set(hex(payee), entry)
    if (fresh) {
      const batch = [entry]
      this.#batch = batch
      this.#background(this.#open(batch))
    } else {
      this.#batch.push(entry)
    }
    await this.#store.commit([{ key: 'lastEpoch', value: epoch }, { key: `lane/${hex(payee)}`, value: entry.state }])
    return this.#facade(entry)
  }

  async warm (payees: readonly Uint8Array[]): Promise<void> {
    await Promise.all(payees.map(async (payee) => { await this.lane(payee) }))
  }

  async #open (batch: Entry[]): Promise<void> {
    try {
      await this.#ensureVault()
      await this.#inTurn(async () => {
        // from here on new lanes go into the next message
        if (this.#batch === batch) {
          this.#batch = []
        }
        const lanes = batch.map(({ state }) => ({ payee: state.id.payee, capNano: state.capNano }))
        const body = this.#init.vaults.openLanesBody({ epoch: batch[0].state.id.epoch, keyIdx: 0, lanes })
        await this.#ensureFunds(OPEN_VALUE_NANO * 2n)
        await this.#init.wallet.send([{ to: this.vault.account, valueNano: OPEN_VALUE_NANO, body }], { signal: this.#stopping.signal })
      })
      await this.#confirm(batch, true)
    } catch (err: unknown) {
      if (this.#batch === batch) {
        this.#batch = []
      }
      await this.#fail(batch, asCocoonError(err, 'chain_unavailable'))
      throw err
    }
  }

  async #confirm (batch: Entry[], rethrow: boolean): Promise<void> {
    for (const entry of batch) {
      const { vault, payee, epoch } = entry.state.id
      try {
        await this.#until(async () => (await this.#init.port.readLane(vault, payee))?.epoch === epoch, 'the lane was not opened')
      } catch (err: unknown) {
        if (rethrow) {
          throw err
        }
        await this.#fail([entry], asCocoonError(err, 'chain_unavailable'))
        continue
      }
      await this.#exclusive(entry, async () => { await this.#write(entry, { ...entry.state, status: 'open' }) })
      entry.opened.resolve()
    }
  }

  async #fail (batch: Entry[], error: CocoonError): Promise<void> {
    if (this.#stopping.signal.aborted) {
      // a lane that may still open is looked for again at the next start
      batch.forEach(({ opened }) => { opened.reject(error) })
      return
    }
    for (const entry of batch.filter(({ state }) => state.status === 'opening')) {
      await this.#exclusive(entry, async () => { await this.#write(entry, { ...entry.state, status: 'failed' }) })
      entry.opened.reject(error)
    }
  }

  /** A lane that is half used is raised by its first cap before jobs run into its end. */
  #topUpWhenLow (entry: Entry): void {
    const { state } = entry
    if (entry.toppingUp || state.status !== 'open' || state.cumulativeNano * 2n < state.capNano) {
      return
    }
    entry.toppingUp = true
    this.#background(this.#topUp(entry).finally(() => { entry.toppingUp = false }))
  }

  async #topUp (entry: Entry): Promise<void> {
    const { id: { vault, payee, epoch }, capNano } = entry.state
    const addNano = this.#init.laneCapNano ?? TON_NANO / 10n
    await this.#inTurn(async () => {
      await this.#ensureFunds(addNano + OPEN_VALUE_NANO * 2n)
      const body = this.#init.vaults.openLanesBody({ epoch, keyIdx: 0, lanes: [{ payee, capNano: addNano }] })
      await this.#init.wallet.send([{ to: vault, valueNano: addNano + OPEN_VALUE_NANO, body }], { signal: this.#stopping.signal })
    })
    let seenNano = capNano
    await this.#until(async () => {
      const seen = await this.#init.port.readLane(vault, payee)
      seenNano = seen?.epoch === epoch ? seen.capNano : capNano
      return seenNano > capNano
    }, 'the lane was not topped up')
    await this.#exclusive(entry, async () => { await this.#write(entry, { ...entry.state, capNano: seenNano }) })
  }

  async #exclusive<T> (entry: Entry, work: () => Promise<T>): Promise<T> {
    const turn = entry.queue.then(work)
    entry.queue = turn.catch(() => {})
    return turn
  }

  async #write (entry: Entry, state: PayerLane): Promise<void> {
    await this.#store.commit([{ key: `lane/${hex(state.id.payee)}`, value: state }, { key: 'spent', value: { day: this.#day, by: this.#spent } }])
    entry.state = state
  }

  /** Books `amountNano` on the day's limits, or refuses it. Synchronous: parallel jobs cannot pass a limit together. */
  #spend (payee: string, amountNano: bigint): void {
    const today = Math.floor(this.#clock.nowMs() / DAY_MS)
    if (today !== this.#day) {
      this.#day = today
      this.#spent = new Map()
    }
    const byPayee = (this.#spent.get(payee) ?? 0n) + amountNano
    const byAll = (this.#spent.get('all') ?? 0n) + amountNano
    if (byPayee > this.#limits.perProviderDayNano || byAll > this.#limits.perDayNano) {
      throw new CocoonError('spending_limit', 'the day\'s spending limit would be passed')
    }
    this.#spent = new Map(this.#spent).set(payee, byPayee).set('all', byAll)
  }

  #facade (entry: Entry): ClientLane {
    const { id } = entry.state
    const laneKey = laneKeyOf(id)
    return {
      laneKey,
      epoch: id.epoch,
      open: (peers) => ({
        t: 'open',
        vault: id.vault,
        vaultOwner: this.vault.owner,
        epoch: id.epoch,
        signer: this.#init.voucherSigner.publicKey,
        signature: this.#init.voucherSigner.sign(payOpenBytes({ networkId: this.#init.network.networkId, ...id, ...peers }))
      }),
      status: () => entry.state.status,
      ready: async () => { await entry.opened.promise },
      get allowanceNano () { return entry.allowanceNano },
      beginJob: (job) => this.#job(entry, job),
      adopt: async (frame) => { await this.#exclusive(entry, async () => { await this.#adopt(entry, frame) }) }
    }
  }

  async #adopt (entry: Entry, frame: LaneFrame): Promise<void> {
    entry.allowanceNano = frame.allowanceNano
    const { state } = entry
    if (frame.highest == null || frame.highest.voucher.cumulative <= state.cumulativeNano) {
      return
    }
    const { voucher, signature } = frame.highest
    if (laneKeyOf(voucher) !== laneKeyOf(state.id) || hex(voucher.networkId) !== hex(this.#init.network.networkId)) {
      throw new CocoonError('voucher_wrong_lane')
    }
    if (!verifyEd25519(this.#init.voucherSigner.publicKey, voucherHash(voucher), signature)) {
      throw new CocoonError('voucher_bad_signature', 'the provider shows a voucher that we did not sign')
    }
    const moreNano = voucher.cumulative - state.cumulativeNano
    this.#spend(hex(state.id.payee), moreNano)
    await this.#write(entry, { ...state, cumulativeNano: voucher.cumulative, finalisedNano: state.finalisedNano + moreNano })
  }

  #frame (entry: Entry, nonce: Uint8Array, paidNano: bigint): PayFrame {
    const voucher = { networkId: this.#init.network.networkId, ...entry.state.id, cumulative: entry.state.cumulativeNano }
    return { t: 'pay', voucher, signature: this.#init.voucherSigner.sign(voucherHash(voucher)), jobs: [[nonce, paidNano]] }
  }

  #job (entry: Entry, job: { clientNonce: Uint8Array, maxChargeNano: bigint }): ClientJob {
    if (job.maxChargeNano > this.#limits.perRequestNano) {
      throw new CocoonError('spending_limit', 'the request may cost more than the limit per request')
    }
    const nonce = hex(job.clientNonce)
    if (entry.jobs.has(nonce)) {
      throw new CocoonError('allocation_invalid', 'the job nonce is in use')
    }
    entry.jobs.set(nonce, 0n)
    let finalNano: bigint | null = null
    const raise = async (nano: bigint): Promise<PayFrame | null> => {
      const { state } = entry
      const heldNano = entry.jobs.get(nonce) ?? 0n
      if (nano <= heldNano || finalNano != null) {
        return null
      }
      let allotted = state.finalisedNano - heldNano
      for (const amount of entry.jobs.values()) {
        allotted += amount
      }
      const moreNano = allotted + nano > state.cumulativeNano ? allotted + nano - state.cumulativeNano : 0n
      if (state.status === 'failed' || state.cumulativeNano + moreNano > state.capNano) {
        throw new CocoonError('lane_exhausted', undefined, { details: { capNano: state.capNano } })
      }
      this.#spend(hex(state.id.payee), moreNano)
      if (moreNano > 0n) {
        await this.#write(entry, { ...state, cumulativeNano: state.cumulativeNano + moreNano })
        this.#topUpWhenLow(entry)
      }
      entry.jobs.set(nonce, nano)
      return this.#frame(entry, job.clientNonce, nano)
    }
    return {
      get paidNano () { return finalNano ?? entry.jobs.get(nonce) ?? 0n },
      voucherUpTo: async (nano) => this.#exclusive(entry, async () => raise(nano < job.maxChargeNano ? nano : job.maxChargeNano)),
      finish: async (chargeNano) => this.#exclusive(entry, async () => {
        if (chargeNano > job.maxChargeNano) {
          throw new CocoonError('max_charge_too_low', 'the charge is above what was allowed')
        }
        if (finalNano != null) {
          return null
        }
        const heldNano = entry.jobs.get(nonce) ?? 0n
        const raised = await raise(chargeNano)
        const state = { ...entry.state, finalisedNano: entry.state.finalisedNano + chargeNano }
        const row: LedgerRow = { atMs: this.#clock.nowMs(), laneKey: laneKeyOf(state.id), clientNonce: nonce, paidNano: chargeNano }
        await this.#store.commit([
          { key: `lane/${hex(state.id.payee)}`, value: state },
          { key: `ledger/${String(this.#seq++).padStart(12, '0')}`, value: row }
        ])
        entry.state = state
        entry.jobs.delete(nonce)
        finalNano = chargeNano
        return raised ?? (heldNano === chargeNano ? null : this.#frame(entry, job.clientNonce, chargeNano))
      })
    }
  }

  async balances (): Promise<{ walletNano: bigint, vaultNano: bigint }> {
    const [walletNano, vaultNano] = await Promise.all([this.#init.wallet.balance(), this.#init.port.balance(this.vault.account)])
    return { walletNano, vaultNano }
  }

  async ledger (): Promise<LedgerRow[]> {
    return (await this.#store.list('ledger/')).map(([, row]) => row as LedgerRow)
  }
}

function newEntry (state: PayerLane): Entry {
  const opened = Promise.withResolvers<void>()
  // nobody has to wait for an open; those who do get the rejection from ready()
  opened.promise.catch(() => {})
  if (state.status === 'failed') {
    opened.reject(new CocoonError('lane_unknown', 'the lane was not opened'))
  }
  return { state, toppingUp: false, jobs: new Map(), queue: Promise.resolve(), opened, allowanceNano: 0n }
}
