import { CocoonError, LIMITS, asCocoonError, payOpenBytes } from '@cocoon-net/protocol'
import { systemClock } from './clock.ts'
import { CloseBook } from './close-book.ts'
import { REDEEM_COST_NANO, REDEEM_THRESHOLD_NANO } from './constants.ts'
import { FirstContact } from './first-contact.ts'
import { jobMeter } from './job-meter.ts'
import { LaneClosing } from './lane-closing.ts'
import { acceptPay, beginJob, debtNano, redeemableNano, refuseJob, unallocatedNano } from './lane.ts'
import { readLedger } from './ledger.ts'
import { ProviderLanes } from './provider-lanes.ts'
import { Redeemer } from './redeemer.ts'
import { verifyEd25519 } from './signer.ts'
import { Store } from './store.ts'
import { hex, laneKeyOf, unhex } from './types.ts'
import type { Clock } from './clock.ts'
import type { JobMeter } from './job-meter.ts'
import type { AgreedClose } from './lane-close.ts'
import type { CloseOffer } from './lane-closing.ts'
import type { LedgerRow } from './ledger.ts'
import type { ProviderEntry } from './provider-lanes.ts'
import type { Settlement } from './redeemer.ts'
import type { Signer } from './signer.ts'
import type { KeyValue } from './store.ts'
import type { TonPort } from './ton-port.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'
import type { LaneFrame, NetworkPreset, PayClose, PayFrame, PayOpen } from '@cocoon-net/protocol'

export interface ProviderPaymentsInit {
  readonly network: NetworkPreset
  /** account that redeems pay to, 32 bytes */
  readonly payee: Uint8Array
  readonly vaults: VaultContract
  readonly port: TonPort
  readonly wallet: Wallet
  /** the wallet's key, where lanes may be closed together with their payers */
  readonly payeeSigner?: Signer
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

export interface OpenedLane { readonly laneKey: string, readonly frame: LaneFrame }

export interface ProviderPayments {
  start (): Promise<void>
  /** Returns at once, whatever the chain does; what was sent to it is looked at again after the next start. */
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
  /**
   * Signs the end of a lane together with its payer, and takes no further voucher on it. On disk before it resolves; who
   * has both signatures sends it.
   *
   * @throws {CocoonError} payee_key_absent, lane_unknown, lane_unlocking, voucher_bad_signature, lane_in_use, close_refused, no_room, chain_unavailable
   */
  agreeToClose (offer: CloseOffer): Promise<AgreedClose>
  /**
   * The same for a payer that asks over the wire, and sends the close where that is worth its gas. What was agreed stays so.
   *
   * @throws {CocoonError} as `openLane` and `agreeToClose`
   */
  closeLane (close: PayClose, peers: { client: Uint8Array, provider: Uint8Array }): Promise<AgreedClose>
  summary (): { lanes: number, earnedNano: bigint, unredeemedNano: bigint, debtNano: bigint }
  ledger (): Promise<LedgerRow[]>
}

const DEFAULT_POLL_MS = 5_000

export function createProviderPayments (init: ProviderPaymentsInit): ProviderPayments {
  return new DefaultProviderPayments(init)
}

class DefaultProviderPayments implements ProviderPayments {
  readonly #init: ProviderPaymentsInit
  readonly #clock: Clock
  readonly #store: Store
  readonly #lanes: ProviderLanes
  readonly #credit: FirstContact
  readonly #redeemer: Redeemer
  readonly #closes: CloseBook
  readonly #closing: LaneClosing
  readonly #pollMs: number

  constructor (init: ProviderPaymentsInit) {
    const { kv, network, port, vaults, wallet, onSettled, onError } = init
    const unlockMs = network.vault.unlockSeconds * 1_000
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#store = new Store(kv)
    this.#pollMs = Math.min(init.pollMs ?? DEFAULT_POLL_MS, unlockMs / 8)
    this.#closes = new CloseBook(this.#store)
    this.#lanes = new ProviderLanes({ store: this.#store, kv, port, clock: this.#clock, minLaneCapNano: network.minLaneCapNano, closes: this.#closes })
    this.#closing = new LaneClosing({ ...init, clock: this.#clock, lanes: this.#lanes, closes: this.#closes })
    this.#credit = new FirstContact({ terms: network.firstContactCredit, store: this.#store, clock: this.#clock })
    this.#redeemer = new Redeemer({
      lanes: this.#lanes,
      closes: this.#closes,
      vaults,
      wallet,
      clock: this.#clock,
      policy: { thresholdNano: init.redeemThresholdNano ?? REDEEM_THRESHOLD_NANO, costNano: REDEEM_COST_NANO, feeBps: network.vault.feeBps },
      pollMs: this.#pollMs,
      maxPauseMs: unlockMs / 16,
      onSettled,
      onError
    })
  }

  async start (): Promise<void> {
    await this.#store.open()
    await this.#closes.load()
    await this.#lanes.load()
    await this.#credit.load()
    this.#redeemer.start()
  }

  async stop (): Promise<void> {
    await this.#redeemer.stop()
    await this.#store.close()
    this.#lanes.clear()
    this.#credit.clear()
  }

  /** The lane that a peer names, by what it signs; new ones have no place in the table yet. */
  async #find (open: Omit<PayOpen, 't'>, peers: { client: Uint8Array, provider: Uint8Array }): Promise<ProviderEntry> {
    const { network, payee, vaults } = this.#init
    // "A node accepts a vault only if its address equals the StateInit that it builds itself": vault_not_accepted
    if (hex(vaults.account(open.vaultOwner)) !== hex(open.vault)) {
      throw new CocoonError('vault_not_accepted')
    }
    const id = { vault: open.vault, payee, epoch: open.epoch }
    // only the holder of the lane's signer opens its pay stream, and only between these two peers
    if (!verifyEd25519(open.signer, payOpenBytes({ networkId: network.networkId, ...id, ...peers }), open.signature)) {
      throw new CocoonError('bad_signature')
    }
    const found = await this.#lanes.find(id, open.signer)
    if (hex(found.state.signerKey) !== hex(open.signer)) {
      throw new CocoonError('voucher_bad_signature', 'the lane was opened with another signer')
    }
    return found
  }

  async openLane (open: PayOpen, peers: { client: Uint8Array, provider: Uint8Array }): Promise<OpenedLane> {
    const found = await this.#find(open, peers)
    this.#closing.assertOpen(found.laneKey)
    if (found.state.chain !== 'confirmed') {
      await this.#lookAt(found)
    }
    if (found.state.chain === 'ended') {
      throw new CocoonError('lane_unknown', 'the lane ended on chain')
    }
    if (found.state.unlockAt !== 0) {
      throw new CocoonError('lane_unlocking')
    }
    await this.#credit.grant(open.vault)
    return this.#status(await this.#lanes.admit(found, hex(peers.client)))
  }

  /** Where first-contact credit is given, a chain that is away keeps nobody out. */
  async #lookAt (entry: ProviderEntry): Promise<void> {
    try {
      await this.#lanes.refresh(entry)
    } catch (error: unknown) {
      const failure = asCocoonError(error, 'chain_unavailable')
      // what the chain shows is a verdict; only a chain that shows nothing is passed over
      if (!this.#init.network.firstContactCredit.enabled || (failure.code !== 'chain_unavailable' && failure.code !== 'timeout')) {
        throw error
      }
      this.#init.onError?.(failure)
    }
  }

  #status (entry: ProviderEntry): OpenedLane {
    const { state } = entry
    const { vault } = state.id
    const confirmed = state.chain === 'confirmed' ? 'confirmed' : 'unconfirmed'
    const credit = this.#credit.creditNano(vault) - this.#lanes.vaultExposureNano(vault)
    return {
      laneKey: entry.laneKey,
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
        settling: this.#redeemer.isDue(entry)
      }
    }
  }

  async pay (laneKey: string, frame: PayFrame): Promise<{ cumulative: bigint }> {
    const entry = this.#lanes.entry(laneKey)
    this.#closing.assertOpen(laneKey)
    entry.usedMs = this.#clock.nowMs()
    if (entry.state.chain === 'confirmed' && frame.voucher.cumulative > entry.state.capNano && !entry.refreshing) {
      // the payer may have topped the lane up since the last poll
      entry.refreshing = true
      await this.#lanes.refresh(entry).finally(() => { entry.refreshing = false })
    }
    const before = entry.ahead
    const next = this.#lanes.advance(entry, (state) => acceptPay(state, frame, this.#init.network.networkId))
    await this.#lanes.write(entry, next, this.#lanes.debtRows(before, next, frame.jobs.map(([clientNonce]) => hex(clientNonce))))
    if (this.#redeemer.isDue(entry)) {
      this.#redeemer.kick()
    }
    return { cumulative: frame.voucher.cumulative }
  }

  async beginJob (job: { laneKey: string, clientNonce: Uint8Array, maxChargeNano: bigint, windowNano: bigint }): Promise<JobMeter> {
    const entry = this.#lanes.entry(job.laneKey)
    this.#closing.assertOpen(job.laneKey)
    const { vault } = entry.state.id
    const nonce = hex(job.clientNonce)
    for (const other of this.#lanes.ofVault(vault)) {
      if (debtNano(other.ahead) > 0n) {
        throw new CocoonError('vault_in_debt')
      }
    }
    const creditNano = (): bigint => this.#credit.creditNano(vault)
    if (entry.state.chain !== 'confirmed' && creditNano() === 0n) {
      throw new CocoonError('lane_unconfirmed', undefined, { retryAfterMs: this.#pollMs })
    }
    if (entry.state.chain === 'confirmed' && job.maxChargeNano > entry.ahead.capNano - entry.ahead.finalisedNano) {
      throw new CocoonError('lane_exhausted')
    }
    entry.usedMs = this.#clock.nowMs()
    // refuses now; the write runs while the engine reads the prompt, and no token leaves before it has ended
    const begun = this.#lanes.advance(entry, (state) => beginJob(state, nonce))
    this.#lanes.write(entry, begun).catch((err: unknown) => { this.#init.onError?.(asCocoonError(err)) })
    return jobMeter({ lanes: this.#lanes, entry, clock: this.#clock, nonce, maxChargeNano: job.maxChargeNano, windowNano: job.windowNano, creditNano })
  }

  refuseJob (job: { laneKey: string, clientNonce: Uint8Array }): void {
    const entry = this.#lanes.get(job.laneKey)
    if (entry != null) {
      // needs no write of its own: a restart gives back what was only announced
      this.#lanes.advance(entry, (state) => refuseJob(state, hex(job.clientNonce)))
    }
  }

  async settle (filter: { laneKey?: string } = {}): Promise<Settlement[]> {
    return this.#redeemer.settle(this.#lanes.all().filter(({ laneKey }) => filter.laneKey == null || filter.laneKey === laneKey))
  }

  async agreeToClose (offer: CloseOffer): Promise<AgreedClose> {
    const entry = this.#lanes.entry(laneKeyOf({ ...offer, payee: this.#init.payee }))
    return this.#closing.agree(entry, offer, false)
  }

  async closeLane (close: PayClose, peers: { client: Uint8Array, provider: Uint8Array }): Promise<AgreedClose> {
    const found = await this.#find(close, peers)
    if (found.state.chain !== 'confirmed') {
      await this.#lanes.refresh(found)
    }
    this.#closing.assertInTime(found)
    // followed from here on, until the chain has ended it
    const entry = await this.#lanes.admit(found, hex(peers.client))
    const agreed = await this.#closing.agree(entry, { ...close, sumNano: close.cumulative, signerSignature: close.closeSignature }, true)
    this.#redeemer.kick()
    return agreed
  }

  summary (): { lanes: number, earnedNano: bigint, unredeemedNano: bigint, debtNano: bigint } {
    const out = { lanes: this.#lanes.size, earnedNano: 0n, unredeemedNano: 0n, debtNano: 0n }
    for (const { state } of this.#lanes.all()) {
      out.earnedNano += state.finalisedNano
      out.unredeemedNano += redeemableNano(state)
      out.debtNano += debtNano(state)
    }
    return out
  }

  async ledger (): Promise<LedgerRow[]> {
    return readLedger(this.#init.kv)
  }
}
