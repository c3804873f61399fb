import { CocoonError } from '@cocoon-net/protocol'
import { delay } from './clock.ts'
import { OPEN_VALUE_NANO, TON_NANO } from './constants.ts'
import { whileAway } from './ton-port.ts'
import { hex } from './types.ts'
import type { Clock } from './clock.ts'
import type { Signer } from './signer.ts'
import type { TonPort } from './ton-port.ts'
import type { LaneId, LaneOnChain } from './types.ts'
import type { VaultContract } from './vault-contract.ts'
import type { Wallet } from './wallet.ts'

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

/** The payer's side of the chain: deploys the vault, opens lanes and raises their caps, one message at a time. */
export class LaneOpener {
  readonly vault: Uint8Array
  readonly #init: LaneOpenerInit
  #turn: Promise<unknown> = Promise.resolve()
  #deployed = false

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

  /** Sends one open message; `prepare` runs when its turn has come and says what it carries. */
  async open (prepare: () => Promise<{ epoch: bigint, lanes: ReadonlyArray<{ payee: Uint8Array, capNano: bigint }> }>): Promise<void> {
    await this.ensureVault()
    await this.#inTurn(async () => {
      const { epoch, lanes } = await prepare()
      const body = this.#init.vaults.openLanesBody({ epoch, keyIdx: SIGNER_INDEX, lanes })
      await this.#ensureFunds(OPEN_VALUE_NANO * 2n)
      await this.#init.wallet.send([{ to: this.vault, valueNano: OPEN_VALUE_NANO, body }], { signal: this.#init.signal })
    })
  }

  /** Resolves when the chain shows the lane. @throws {CocoonError} chain_rejected, chain_unavailable */
  async confirm (id: LaneId): Promise<void> {
    await this.#until(async () => (await this.#read(id)) != null, 'the lane was not opened')
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
    await this.#inTurn(async () => {
      await this.#ensureFunds(addNano + OPEN_VALUE_NANO * 2n)
      const body = this.#init.vaults.openLanesBody({ epoch: id.epoch, keyIdx: SIGNER_INDEX, lanes: [{ payee: id.payee, capNano: addNano }] })
      await this.#init.wallet.send([{ to: this.vault, valueNano: addNano + OPEN_VALUE_NANO, body }], { signal: this.#init.signal })
    })
    let seenNano = capNano
    await this.#until(async () => {
      seenNano = (await this.#read(id))?.capNano ?? capNano
      return seenNano > capNano
    }, 'the lane was not topped up')
    return seenNano
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
