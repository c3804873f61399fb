import { CocoonError } from '@cocoon-net/protocol'
import { laneKeyOf } from '@cocoon-net/settlement'
import type { Client, ClosedLane } from '@cocoon-net/node'
import type { ClientPayments, CloseOffer, ClosingLane, ProviderPayments, Wallet, WalletMessage } from '@cocoon-net/settlement'

/**
 * The node's own hands on its money: whoever moves coins beside a running node moves them through it, so that its wallet
 * sends one message at a time and each of its lanes keeps one writer. Accounts are 32 bytes, amounts nanoTON.
 */
export interface NodeMoney {
  /** The wallet's account. */
  readonly account: Uint8Array
  /** The key that a vault of this node pins as signer 0; undefined without the client role. */
  readonly voucherKey: Uint8Array | undefined
  /**
   * Sends up to four messages and waits until the wallet has executed them.
   *
   * @throws {CocoonError} chain_unavailable, chain_rejected, timeout
   */
  send (messages: readonly WalletMessage[], options?: { signal?: AbortSignal }): Promise<void>
  /**
   * Opens a lane, in a vault that is deployed first where there is none, and waits for the chain.
   *
   * @throws {CocoonError} usage without the client role, insufficient_funds, lane_unlocking, chain_unavailable, chain_rejected
   */
  openLane (payee: Uint8Array, capNano: bigint): Promise<void>
  /** Adds to a lane's cap and waits for the chain. Throws as `openLane`. */
  topUpLane (payee: Uint8Array, addNano: bigint): Promise<void>
  /**
   * Begins no further job on a lane: before an unlock is sent. Nothing for a payee without one.
   *
   * @throws {CocoonError} usage without the client role
   */
  retireLane (payee: Uint8Array): Promise<void>
  /**
   * Signs, as its payer, the end of a lane at what its jobs have cost, or at `sumNano`; the lane begins no further job.
   *
   * @throws {CocoonError} usage without the client role, lane_in_use, lane_unknown, voucher_above_cap, spending_limit, chain_unavailable
   */
  signClose (payee: Uint8Array, sumNano?: bigint): Promise<Pick<ClosingLane, 'id' | 'sumNano' | 'paidNano' | 'capNano' | 'signerSignature'>>
  /**
   * Ends a lane at once, together with its provider, over the wire; resolves when the chain shows it.
   *
   * @param lane - the payee's account, or the provider's peer id
   * @throws {CocoonError} usage without the client role, and as `Client.closeLane`
   */
  closeLane (lane: Uint8Array | string, sumNano?: bigint): Promise<ClosedLane>
  /**
   * Redeems, as its payee, what a lane holds, and gives what came in, gross.
   *
   * @throws {CocoonError} usage without the provider role, chain_unavailable, chain_rejected, insufficient_funds
   */
  redeemLane (vault: Uint8Array, epoch: bigint): Promise<bigint>
  /**
   * Signs, as its payee, the end of a lane together with its payer, and takes no further voucher on it. With the wallet's
   * public key, by which the vault checks that.
   *
   * @throws {CocoonError} usage without the provider role, and as `ProviderPayments.agreeToClose`
   */
  agreeToClose (offer: CloseOffer): Promise<{ payeeSignature: Uint8Array, publicKey: Uint8Array }>
}

/** Finding the provider, its answer, and half a minute in which it sends the close: the payer's own message has its own deadline. */
const CLOSE_TIMEOUT_MS = 90_000

export interface NodeMoneyInit {
  readonly wallet: Wallet
  /** Of a client. */
  readonly payments?: ClientPayments
  readonly closer?: Pick<Client, 'closeLane'>
  /** Of a provider. */
  readonly earnings?: { readonly payments: ProviderPayments }
  readonly voucherKey?: Uint8Array
}

export function nodeMoney ({ wallet, payments, closer, earnings, voucherKey }: NodeMoneyInit): NodeMoney {
  const client = (): ClientPayments => {
    if (payments == null) {
      throw new CocoonError('usage', 'This node has no vault: it sells and does not buy')
    }
    return payments
  }
  const provider = (): NonNullable<NodeMoneyInit['earnings']> => {
    if (earnings == null) {
      throw new CocoonError('usage', 'This node earns nothing: it buys and does not sell')
    }
    return earnings
  }
  return {
    account: wallet.account,
    voucherKey,
    send: async (messages, options) => wallet.send(messages, options),
    openLane: async (payee, capNano) => {
      const lane = await client().lane(payee, { capNano })
      await lane.ready()
    },
    topUpLane: async (payee, addNano) => { await client().topUp(payee, addNano) },
    retireLane: async payee => client().retire(payee),
    signClose: async (payee, sumNano) => client().close(payee, { sumNano }),
    closeLane: async (lane, sumNano) => {
      client()
      if (closer == null) {
        throw new CocoonError('usage', 'This node asks no provider')
      }
      return closer.closeLane(lane, { sumNano, signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    },
    redeemLane: async (vault, epoch) => {
      const settled = await provider().payments.settle({ laneKey: laneKeyOf({ vault, payee: wallet.account, epoch }) })
      return settled.reduce((sum, { redeemedNano }) => sum + redeemedNano, 0n)
    },
    agreeToClose: async offer => {
      const { payeeSignature, wallet: { publicKey } } = await provider().payments.agreeToClose(offer)
      return { payeeSignature, publicKey }
    }
  }
}
