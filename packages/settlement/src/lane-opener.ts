import { CocoonError } from '@cocoon-net/protocol'
import { delay } from './clock.ts'
import { OPEN_VALUE_NANO, TON_NANO } from './constants.ts'
import { redeemPauseMs } from './redeem-policy.ts'
import { whileAway } from './ton-port.ts'
import { hex } from './types.ts'
import type { Clock } from './clock.ts'
import type { Signer } from './signer.ts'
import type { TonPort } from './ton-port.ts'
import type { LaneId, LaneOnChain } from './types.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'
import type { Cell } from '@ton/core'

export interface LaneOpenerInit {
  readonly vaults: VaultContract
  readonly port: TonPort
  /** owns and operates the vault */
  readonly wallet: Wallet
  readonly voucherSigner: Signer
  readonly clock: Clock
  readonly depositNano?: bigint
  /** a devnet's faucet */
  fund? (account: Uint8Array, amountNano: bigint): Promise<void>
  readonly pollMs?: number
  /** ends all waiting */
  readonly signal: AbortSignal
}

const OPEN_TIMEOUT_MS = 120_000
const DEFAULT_POLL_MS = 500
/** The signer that vouchers are signed with; the deploy message writes it. */
const SIGNER_INDEX = 0

/** A message that changed nothing costs its owner gas all the same: so long until the next one, doubled each time. */
const FIRST_PAUSE_MS = 30_000
const MAX_PAUSE_MS = 3_600_000
/** What the vault keeps back besides its lanes: 0.1 TON of reserve, and fees that are not flushed yet. */
const VAULT_RESERVE_NANO = TON_NANO / 5n
const RESERVE_PER_LANE_NANO = TON_NANO / 500n
/** What an unlock leaves in a lane for its payee's gas. */
const UNLOCK_GAS_NANO = TON_NANO / 100n

/** A lane of the vault as far as its coins go. */
export interface HeldLane { readonly payee: Uint8Array, readonly capNano: bigint }

/** Lanes to open in one message, and those that the vault may have beside them. */
export interface OpenOrder { readonly epoch: bigint, readonly lanes: readonly HeldLane[], readonly others: readonly HeldLane[] }

/** The payer's side of the chain: deploys the vault, opens lanes and raises their caps, one message at a time. */
export class LaneOpener {
  readonly vault: Uint8Array
  readonly #init: LaneOpenerInit
  #turn: Promise<unknown> = Promise.resolve()
  #deployed = false
  #sentEpoch = 0n
  #failures = 0
  #retryAtMs = 0

  constructor (init: LaneOpenerInit) {
    this.#init = init
    this.vault = init.vaults.account(init.wallet.account)
  }

  /** Resolves when what is under way has ended. */
  async idle (): Promise<void> {
    await this.#turn
  }

  /** Chain writes of this client, one at a time and in order: epochs must rise. */
  async #inTurn<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** @throws {CocoonError} insufficient_funds, chain_unavailable, chain_rejected, voucher_bad_signature (another signer) */
  async ensureVault (): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#deployed) {
        return
      }
      const { port, wallet, vaults, voucherSigner } = this.#init
      if (!await port.isActive(this.vault)) {
        const depositNano = this.#init.depositNano ?? TON_NANO
        await this.#ensureFunds(depositNano + OPEN_VALUE_NANO * 2n)
        await wallet.send([{
          to: this.vault,
          valueNano: depositNano,
          init: vaults.stateInit(wallet.account),
          body: vaults.deployBody({ signerKey: voucherSigner.publicKey, operator: wallet.account })
        }], { signal: this.#init.signal })
        await this.#until(async () => port.isActive(this.vault), 'the vault was not deployed')
      }
      const signer = await port.readSigner(this.vault, SIGNER_INDEX)
      if (signer == null || hex(signer) !== hex(voucherSigner.publicKey)) {
        throw new CocoonError('voucher_bad_signature', 'the vault\'s signer 0 is another key than this client\'s')
      }
      this.#deployed = true
    })
  }

  /** Whether a message changed nothing a short while ago. */
  get isPausing (): boolean {
    return this.#init.clock.nowMs() < this.#retryAtMs
  }

  /** Of one message once, however many wait for it. */
  #failed (): void {
    if (!this.isPausing) {
      this.#retryAtMs = this.#init.clock.nowMs() + redeemPauseMs(this.#failures++, FIRST_PAUSE_MS, MAX_PAUSE_MS)
    }
  }

  #succeeded (): void {
    this.#failures = 0
    this.#retryAtMs = 0
  }

  /**
   * Sends one open message, with the coins that the vault lacks for it; `prepare` runs when its turn has come and says what
   * it carries.
   *
   * @throws {CocoonError} chain_rejected, at once while the last message that changed nothing is recent; insufficient_funds, chain_unavailable, timeout
   */
  async open (prepare: () => Promise<OpenOrder>): Promise<void> {
    await this.ensureVault()
    await this.#inTurn(async () => {
      const order = await prepare()
      if (this.isPausing) {
        throw new CocoonError('chain_rejected', 'the vault did not take the last message', { retryAfterMs: this.#retryAtMs - this.#init.clock.nowMs() })
      }
      const { epoch, lanes } = order
      const valueNano = OPEN_VALUE_NANO + await this.#lackNano(order)
      const body = this.#init.vaults.openLanesBody({ epoch, keyIdx: SIGNER_INDEX, lanes })
      await this.#ensureFunds(valueNano + OPEN_VALUE_NANO)
      this.#sentEpoch = epoch
      await this.#init.wallet.send([{ to: this.vault, valueNano, body }], { signal: this.#init.signal })
    })
  }

  /** What the vault's balance lacks for the order. Its lanes are read only where their caps alone do not settle it. */
  async #lackNano ({ lanes, others }: OpenOrder): Promise<bigint> {
    const sumOf = (amounts: readonly bigint[]): bigint => amounts.reduce((sum, nano) => sum + nano, 0n)
    const keptNano = VAULT_RESERVE_NANO + RESERVE_PER_LANE_NANO * BigInt(lanes.length + others.length) + sumOf(lanes.map(({ capNano }) => capNano))
    const spareNano = await this.#init.port.balance(this.vault) - keptNano
    if (spareNano >= sumOf(others.map(({ capNano }) => capNano + UNLOCK_GAS_NANO))) {
      return 0n
    }
    let heldNano = 0n
    for (const { payee } of others) {
      const seen = await this.#init.port.readLane(this.vault, payee)
      heldNano += seen == null ? 0n : seen.capNano - seen.paidNano + seen.gasLeftNano
    }
    return heldNano > spareNano ? heldNano - spareNano : 0n
  }

  /**
   * Resolves when the chain shows the lane.
   *
   * @throws {CocoonError} chain_rejected, chain_unavailable
   */
  async confirm (id: LaneId): Promise<void> {
    try {
      await this.#until(async () => (await this.#read(id)) != null, 'the lane was not opened')
      this.#succeeded()
    } catch (error: unknown) {
      // a lane whose message an earlier process did not send has cost nothing
      if (id.epoch === this.#sentEpoch) {
        this.#failed()
      }
      throw error
    }
  }

  /** A lane that the vault has for the payee already: whoever lost the records of it can go on with it, unless it unlocks. Throws CocoonError chain_unavailable, chain_disagrees. */
  async find (payee: Uint8Array): Promise<LaneOnChain | null> {
    if (!await this.#init.port.isActive(this.vault)) {
      return null
    }
    const seen = await this.#init.port.readLane(this.vault, payee)
    if (seen?.isDoubtful === true) {
      throw new CocoonError('chain_disagrees')
    }
    return seen?.keyIdx === SIGNER_INDEX ? seen : null
  }

  /** Adds to a lane's cap and returns the cap that the chain shows then, nanoTON. */
  async raise (id: LaneId, capNano: bigint, addNano: bigint): Promise<bigint> {
    let seenNano = capNano
    try {
      await this.#inTurn(async () => {
        await this.#ensureFunds(addNano + OPEN_VALUE_NANO * 2n)
        const body = this.#init.vaults.openLanesBody({ epoch: id.epoch, keyIdx: SIGNER_INDEX, lanes: [{ payee: id.payee, capNano: addNano }] })
        await this.#init.wallet.send([{ to: this.vault, valueNano: addNano + OPEN_VALUE_NANO, body }], { signal: this.#init.signal })
      })
      await this.#until(async () => {
        seenNano = (await this.#read(id))?.capNano ?? capNano
        return seenNano > capNano
      }, 'the lane was not topped up')
    } catch (error: unknown) {
      this.#failed()
      throw error
    }
    this.#succeeded()
    return seenNano
  }

  /**
   * Resolves when the vault has ended the lane, to whether `body` was sent for it: another's message is waited for first.
   *
   * @param id - the lane
   * @param body - what ends it
   * @param patienceMs - how long another may take
   * @throws {CocoonError} insufficient_funds, chain_rejected, chain_unavailable, timeout
   */
  async end (id: LaneId, body: Cell, patienceMs: number): Promise<boolean> {
    const { wallet, clock, signal } = this.#init
    if (await this.#endedBy(id, clock.nowMs() + patienceMs)) {
      return false
    }
    await this.#inTurn(async () => {
      await this.#ensureFunds(OPEN_VALUE_NANO * 2n)
      await wallet.send([{ to: id.vault, valueNano: OPEN_VALUE_NANO, body }], { signal })
    })
    if (!await this.#endedBy(id, clock.nowMs() + OPEN_TIMEOUT_MS)) {
      throw new CocoonError('chain_rejected', 'the vault did not end the lane')
    }
    return true
  }

  async #endedBy (id: LaneId, deadlineMs: number): Promise<boolean> {
    const { port, clock, signal, pollMs = DEFAULT_POLL_MS } = this.#init
    for (;;) {
      const seen = await port.readLane(id.vault, id.payee)
      if (seen == null || (seen.epoch !== id.epoch && seen.isDoubtful !== true)) {
        return true
      }
      if (clock.nowMs() >= deadlineMs) {
        return false
      }
      await delay(clock, pollMs, signal)
    }
  }

  async #read (id: LaneId): Promise<LaneOnChain | null> {
    const seen = await this.#init.port.readLane(id.vault, id.payee)
    return seen?.epoch === id.epoch && seen.isDoubtful !== true ? seen : null
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
    const { clock, signal, pollMs = DEFAULT_POLL_MS } = this.#init
    const deadlineMs = clock.nowMs() + OPEN_TIMEOUT_MS
    for (;;) {
      const seen = await whileAway(ready)
      if (seen === true) {
        return
      }
      // only an answer can say that it did not happen
      if (seen != null && clock.nowMs() >= deadlineMs) {
        throw new CocoonError('chain_rejected', failure)
      }
      await delay(clock, pollMs, signal)
    }
  }
}
