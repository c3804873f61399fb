import { CocoonError } from '@cocoon-net/protocol'
import type { ClientPayments, Wallet, WalletMessage } from '@cocoon-net/settlement'

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
   * Begins no further job on a lane: before an unlock or a close is sent. Gives what its jobs have cost, or null where the
   * node has no such lane.
   *
   * @throws {CocoonError} usage without the client role; lane_in_use when `isIdle` is set and a job runs
   */
  retireLane (payee: Uint8Array, isIdle: boolean): Promise<bigint | null>
}

export interface NodeMoneyInit {
  readonly wallet: Wallet
  /** Of a client. */
  readonly payments?: ClientPayments
  readonly voucherKey?: Uint8Array
}

export function nodeMoney ({ wallet, payments, voucherKey }: NodeMoneyInit): NodeMoney {
  const client = (): ClientPayments => {
    if (payments == null) {
      throw new CocoonError('usage', 'This node has no vault: it sells and does not buy')
    }
    return payments
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
    retireLane: async (payee, isIdle) => client().retire(payee, { isIdle })
  }
}
