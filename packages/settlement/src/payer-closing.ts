import { CocoonError, closeHash, payOpenBytes } from '@cocoon-net/protocol'
import { CLOSE_PATIENCE_MS } from './constants.ts'
import { greater } from './lane.ts'
import { closeSigned } from './payer-lane.ts'
import { verifyEd25519 } from './signer.ts'
import { hex, laneKeyOf } from './types.ts'
import { walletAccount, walletIdOf } from './wallet.ts'
import type { AgreedClose } from './lane-close.ts'
import type { LaneOpener } from './lane-opener.ts'
import type { PayerLane } from './payer-lane.ts'
import type { PayerEntry, PayerTable } from './payer-table.ts'
import type { Signer } from './signer.ts'
import type { Store, StoreWrite } from './store.ts'
import type { TonPort } from './ton-port.ts'
import type { LaneId, LaneOnChain } from './types.ts'
import type { VaultContract } from './vault-contract.ts'
import type { ClosingFrame, NetworkPreset, PayClose } from '@cocoon-net/protocol'

/** A lane whose payer has signed its end: it begins no further job. Amounts are nanoTON. */
export interface ClosingLane {
  readonly id: LaneId
  /** all that the lane pays in its epoch, of which the chain has paid `paidNano` */
  readonly sumNano: bigint
  readonly paidNano: bigint
  readonly capNano: bigint
  /** of the lane's signer over the hash of the protocol's close cell, 64 bytes */
  readonly signerSignature: Uint8Array
  /** Whether the payee has signed as well. */
  readonly isAgreed: boolean
  /** What asks the payee for its signature, between two peers (multihash bytes). */
  frame (peers: { client: Uint8Array, provider: Uint8Array }): PayClose
  /**
   * Takes the payee's answer; on disk when it resolves.
   *
   * @throws {CocoonError} bad_signature when it is not of the payee's wallet
   */
  accept (answer: Omit<ClosingFrame, 't'>): Promise<void>
  /**
   * Resolves when the chain shows the lane's end, to who has sent it: a payee that says it does is waited for, for half a
   * minute. To be called after `accept`.
   *
   * @throws {CocoonError} insufficient_funds, chain_rejected, chain_unavailable, timeout
   */
  finish (): Promise<'payer' | 'payee'>
}

export interface PayerClosingInit {
  readonly network: NetworkPreset
  readonly vaults: VaultContract
  readonly port: TonPort
  readonly voucherSigner: Signer
  readonly store: Store
  readonly vault: { readonly account: Uint8Array, readonly owner: Uint8Array }
  readonly table: PayerTable
  readonly opener: LaneOpener
  /** Books what is promised for the first time on the day's limits, or refuses. */
  spend (state: PayerLane, amountNano: bigint): void
  paidRow (state: PayerLane, clientNonce: string, paidNano: bigint): StoreWrite
}

function closeKey (id: LaneId): string {
  return `closing/${laneKeyOf(id)}`
}

/** The payer's half of ending a lane together: what it signs is on disk first, and so is the payee's answer. */
export class PayerClosing {
  readonly #init: PayerClosingInit

  constructor (init: PayerClosingInit) {
    this.#init = init
  }

  /** @throws {CocoonError} as `ClientPayments.close` */
  async sign (payee: Uint8Array, askedNano: bigint | undefined): Promise<ClosingLane> {
    const { table, store } = this.#init
    const entry = await table.adopt(payee)
    const { id } = entry.state
    const seen = await this.#seen(id)
    const sumNano = await table.exclusive(entry, async () => this.#mark(entry, seen, askedNano))
    const agreed = await store.get(closeKey(id)) as AgreedClose | undefined
    return this.#facade(id, seen, sumNano, agreed?.sumNano === sumNano ? agreed : undefined)
  }

  async #seen (id: LaneId): Promise<LaneOnChain> {
    const seen = await this.#init.port.readLane(id.vault, id.payee)
    if (seen?.isDoubtful === true) {
      throw new CocoonError('chain_disagrees')
    }
    if (seen == null || seen.epoch !== id.epoch) {
      throw new CocoonError('lane_unknown', 'the vault has ended the lane')
    }
    return seen
  }

  async #mark (entry: PayerEntry, seen: LaneOnChain, askedNano: bigint | undefined): Promise<bigint> {
    const { table, spend, paidRow } = this.#init
    const { state } = entry
    if (state.jobs.size > 0) {
      throw new CocoonError('lane_in_use')
    }
    const usedNano = state.finalisedNano - state.unbookedNano
    const sumNano = askedNano ?? greater(usedNano, seen.paidNano)
    if (sumNano > seen.capNano) {
      throw new CocoonError('voucher_above_cap', undefined, { details: { capNano: seen.capNano } })
    }
    spend(state, greater(sumNano - state.cumulativeNano, 0n))
    await table.write(entry, closeSigned(state, sumNano), sumNano > usedNano ? [paidRow(state, '', sumNano - usedNano)] : [])
    return sumNano
  }

  #facade (id: LaneId, seen: LaneOnChain, sumNano: bigint, known: AgreedClose | undefined): ClosingLane {
    const { network, voucherSigner, vault, vaults, store, opener } = this.#init
    const hash = closeHash({ networkId: network.networkId, ...id, cumulative: sumNano })
    const signerSignature = voucherSigner.sign(hash)
    let agreed = known
    return {
      id,
      sumNano,
      paidNano: seen.paidNano,
      capNano: seen.capNano,
      signerSignature,
      get isAgreed () { return agreed !== undefined },
      frame: (peers) => ({
        t: 'close',
        vault: id.vault,
        vaultOwner: vault.owner,
        epoch: id.epoch,
        signer: voucherSigner.publicKey,
        signature: voucherSigner.sign(payOpenBytes({ networkId: network.networkId, ...id, ...peers })),
        cumulative: sumNano,
        closeSignature: signerSignature
      }),
      accept: async ({ publicKey, signature, isSending }) => {
        if (hex(walletAccount(publicKey, network.tonGlobalId)) !== hex(id.payee) || !verifyEd25519(publicKey, hash, signature)) {
          throw new CocoonError('bad_signature', 'the close is not signed by the payee\'s wallet')
        }
        const wallet = { version: 'v4r2', walletId: walletIdOf(network.tonGlobalId), publicKey } as const
        const close: AgreedClose = { sumNano, signerSignature, payeeSignature: signature, wallet, isPayeeSending: isSending }
        await store.commit([{ key: closeKey(id), value: close }])
        agreed = close
      },
      finish: async () => {
        if (agreed === undefined) {
          throw new CocoonError('usage', 'the payee has not signed the end of the lane')
        }
        const body = vaults.closeLaneBody({ ...agreed, payee: id.payee, cumulativeNano: sumNano })
        const isOurs = await opener.end(id, body, agreed.isPayeeSending ? CLOSE_PATIENCE_MS : 0)
        await store.commit([{ key: closeKey(id), value: null }])
        return isOurs ? 'payer' : 'payee'
      }
    }
  }
}
