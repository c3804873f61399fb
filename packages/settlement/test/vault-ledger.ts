import { CocoonError, closeHash, voucherHash } from '@cocoon-net/protocol'
import { beginCell } from '@ton/core'
import { verifyEd25519 } from '../src/signer.ts'
import { hex, unhex } from '../src/types.ts'
import { walletAccount } from '../src/wallet.ts'
import { network, signer } from './fixtures.ts'
import type { Clock } from '../src/clock.ts'
import type { TonPort } from '../src/ton-port.ts'
import type { LaneOnChain } from '../src/types.ts'
import type { VaultContract } from '../src/vault-contract.ts'
import type { Wallet, WalletMessage } from '../src/wallet.ts'
import type { Cell } from '@ton/core'

type Effect = (vault: string) => boolean

/** What can go wrong between a node and the chain. Each is set and cleared by the test. */
export interface Weather {
  /** every call fails as a lost connection does */
  down: boolean
  /** so many of the next messages are taken and never executed */
  drop: number
  /** every message is executed twice */
  repeat: boolean
  /** reads answer with what was true when this was set */
  stale: boolean
  /** messages are executed this much later */
  delayMs: number
}

/**
 * The vault contract's rules without a VM (the lock-step test holds the same rules against the compiled contract), with
 * a chain in between that can be slow, away, forgetful and repetitive.
 */
export class VaultLedger {
  readonly clock: Clock
  /** by vault and payee in hex */
  readonly lanes = new Map<string, LaneOnChain>()
  readonly weather: Weather = { down: false, drop: 0, repeat: false, stale: false, delayMs: 0 }
  /** messages that wallets sent, by name, executed or not; and how many each wallet message carried */
  readonly sent: string[] = []
  readonly batches: number[] = []
  walletNano = 10_000_000_000n
  /** what each wallet spent on gas, and what redeems paid, nanoTON */
  gasNano = 0n
  paidNano = 0n
  refused = 0
  readonly costNano = 7_000_000n
  readonly #lastEpochs = new Map<string, bigint>()
  #frozen: Map<string, LaneOnChain> | null = null
  #count = 0
  readonly #effects = new Map<string, { name: string, effect: Effect }>()
  readonly #owner: Uint8Array

  constructor (clock: Clock, owner: Uint8Array) {
    this.clock = clock
    this.#owner = owner
  }

  get vault (): Uint8Array {
    return this.vaults.account(this.#owner)
  }

  #body (name: string, effect: Effect): Cell {
    const cell = beginCell().storeUint(this.#count++, 32).endCell()
    this.#effects.set(cell.hash().toString('hex'), { name, effect })
    return cell
  }

  readonly vaults: VaultContract = {
    account: (owner) => owner.map((b) => b ^ 0xff),
    stateInit: () => ({ code: beginCell().endCell(), data: beginCell().endCell() }),
    deployBody: () => this.#body('deploy', () => true),
    openLanesBody: ({ epoch, keyIdx, lanes }) => this.#body('open', (vault) => {
      const lastEpoch = this.#lastEpochs.get(vault) ?? 0n
      const known = lanes.map(({ payee }) => this.lanes.get(`${vault}:${hex(payee)}`))
      // all of the message or nothing: one lane that cannot be opened refuses it
      if (known.some(lane => lane == null ? epoch <= lastEpoch : lane.epoch !== epoch || lane.unlockAt !== 0)) {
        return false
      }
      lanes.forEach(({ payee, capNano }, i) => {
        const lane = known[i]
        this.lanes.set(`${vault}:${hex(payee)}`, lane == null
          ? { capNano, paidNano: 0n, epoch, keyIdx, unlockAt: 0, gasLeftNano: 0n }
          : { ...lane, capNano: lane.capNano + capNano })
      })
      this.#lastEpochs.set(vault, epoch > lastEpoch ? epoch : lastEpoch)
      return true
    }),
    redeemBody: ({ payee, cumulativeNano, signature }) => this.#body('redeem', (vault) => {
      const lane = this.lanes.get(`${vault}:${hex(payee)}`)
      if (lane == null) {
        return false
      }
      const voucher = { networkId: network.networkId, vault: unhex(vault), payee, epoch: lane.epoch, cumulative: cumulativeNano }
      const paid = cumulativeNano < lane.capNano ? cumulativeNano : lane.capNano
      if (!verifyEd25519(signer.publicKey, voucherHash(voucher), signature) || paid <= lane.paidNano) {
        return false
      }
      this.paidNano += paid - lane.paidNano
      if (lane.unlockAt !== 0) {
        // "returns to its sender what it did not spend plus min(gasLeft, …, delta)"
        const deltaNano = paid - lane.paidNano
        this.gasNano -= [lane.gasLeftNano, this.costNano, deltaNano].reduce((a, b) => a < b ? a : b)
      }
      this.lanes.set(`${vault}:${hex(payee)}`, { ...lane, paidNano: paid, gasLeftNano: lane.unlockAt === 0 ? lane.gasLeftNano : 0n })
      return true
    }),
    closeLaneBody: ({ payee, cumulativeNano, wallet, signerSignature, payeeSignature }) => this.#body('close', (vault) => {
      const lane = this.lanes.get(`${vault}:${hex(payee)}`)
      if (lane == null || hex(walletAccount(wallet.publicKey, network.tonGlobalId)) !== hex(payee)) {
        return false
      }
      const hash = closeHash({ networkId: network.networkId, vault: unhex(vault), payee, epoch: lane.epoch, cumulative: cumulativeNano })
      if (!verifyEd25519(signer.publicKey, hash, signerSignature) || !verifyEd25519(wallet.publicKey, hash, payeeSignature)) {
        return false
      }
      const paid = cumulativeNano < lane.capNano ? cumulativeNano : lane.capNano
      this.paidNano += paid > lane.paidNano ? paid - lane.paidNano : 0n
      return this.lanes.delete(`${vault}:${hex(payee)}`)
    })
  }

  /** The chain shows this lane of a vault from now on. */
  show (vault: Uint8Array, payee: Uint8Array, lane: Partial<LaneOnChain> & { epoch: bigint }): void {
    this.lanes.set(`${hex(vault)}:${hex(payee)}`, { capNano: 100_000_000n, paidNano: 0n, keyIdx: 0, unlockAt: 0, gasLeftNano: 0n, ...lane })
  }

  lane (vault: Uint8Array, payee: Uint8Array): LaneOnChain | undefined {
    return this.lanes.get(`${hex(vault)}:${hex(payee)}`)
  }

  startUnlock (vault: Uint8Array, payee: Uint8Array, unlockSeconds = network.vault.unlockSeconds, gasLeftNano = 10_000_000n): void {
    const lane = this.lane(vault, payee)
    if (lane != null) {
      this.show(vault, payee, { ...lane, unlockAt: Math.floor(this.clock.nowMs() / 1_000) + unlockSeconds, gasLeftNano })
    }
  }

  /** Ends the lane if its unlock is over. */
  finishUnlock (vault: Uint8Array, payee: Uint8Array): boolean {
    const lane = this.lane(vault, payee)
    return lane != null && lane.unlockAt !== 0 && lane.unlockAt * 1_000 <= this.clock.nowMs() && this.lanes.delete(`${hex(vault)}:${hex(payee)}`)
  }

  freeze (): void {
    this.weather.stale = true
    this.#frozen = new Map(this.lanes)
  }

  thaw (): void {
    this.weather.stale = false
    this.#frozen = null
  }

  #up (): void {
    if (this.weather.down) {
      throw new CocoonError('chain_unavailable')
    }
  }

  #execute (message: WalletMessage): void {
    const known = message.body == null ? undefined : this.#effects.get(message.body.hash().toString('hex'))
    if (known?.effect(hex(message.to)) !== true) {
      this.refused++
    }
  }

  wallet (account: Uint8Array): Wallet {
    return {
      account,
      balance: async () => {
        this.#up()
        return this.walletNano
      },
      send: async (messages) => {
        this.#up()
        this.batches.push(messages.length)
        for (const message of messages) {
          this.sent.push(message.body == null ? 'transfer' : this.#effects.get(message.body.hash().toString('hex'))?.name ?? 'unknown')
          this.gasNano += this.costNano
          if (this.weather.drop > 0) {
            this.weather.drop--
          } else if (this.weather.delayMs > 0) {
            this.clock.schedule(this.weather.delayMs, () => { this.#execute(message) })
          } else {
            this.#execute(message)
            if (this.weather.repeat) {
              this.#execute(message)
            }
          }
        }
      }
    }
  }

  port (): TonPort {
    return {
      nowMs: () => this.clock.nowMs(),
      balance: async () => {
        this.#up()
        return 10_000_000_000n
      },
      isActive: async () => {
        this.#up()
        return true
      },
      readLane: async (vault, payee) => {
        this.#up()
        return (this.#frozen ?? this.lanes).get(`${hex(vault)}:${hex(payee)}`) ?? null
      },
      readSigner: async () => {
        this.#up()
        return signer.publicKey
      },
      walletSeqno: async () => 1,
      sendBoc: async () => {}
    }
  }
}
