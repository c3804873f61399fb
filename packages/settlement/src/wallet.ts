import { CocoonError } from '@cocoon-net/protocol'
import { SendMode, beginCell, external, internal, storeMessage } from '@ton/core'
import { WalletContractV4 } from '@ton/ton'
import PQueue from 'p-queue'
import { delay, systemClock } from './clock.ts'
import { EXPIRY_MARGIN_MS, MAX_WALLET_MESSAGES, RESEND_MS, SEND_TIMEOUT_MS } from './constants.ts'
import { addressOf, whileAway } from './ton-port.ts'
import type { Clock } from './clock.ts'
import type { Signer } from './signer.ts'
import type { TonPort } from './ton-port.ts'
import type { Cell, StateInit } from '@ton/core'

const MAINNET_GLOBAL_ID = -239
const TESTNET_GLOBAL_ID = -3
/** The wallet id that TON wallets use in the basechain. */
const DEFAULT_WALLET_ID = 698_983_191

export interface WalletMessage {
  readonly to: Uint8Array
  readonly valueNano: bigint
  readonly body?: Cell
  readonly init?: StateInit
  /** whether coins come back when the receiver cannot take them; by default they do, except from what is deployed */
  readonly bounce?: boolean
}

export interface Wallet {
  /** 32-byte basechain account */
  readonly account: Uint8Array
  balance (): Promise<bigint>
  /** Sends up to four messages in order; resolves when the wallet has executed them. */
  send (messages: readonly WalletMessage[], opts?: { signal?: AbortSignal, timeoutMs?: number }): Promise<void>
}

/** Public networks use the usual wallet id, any other its own, so that messages do not replay between networks. */
export function walletIdOf (globalId: number): number {
  const usual = globalId === MAINNET_GLOBAL_ID || globalId === TESTNET_GLOBAL_ID
  return usual ? DEFAULT_WALLET_ID : (DEFAULT_WALLET_ID + globalId) >>> 0
}

function contractOf (publicKey: Uint8Array, globalId: number): WalletContractV4 {
  return WalletContractV4.create({ workchain: 0, publicKey: Buffer.from(publicKey), walletId: walletIdOf(globalId) })
}

/** The account of the wallet v4r2 that belongs to a key on a network. */
export function walletAccount (publicKey: Uint8Array, globalId: number): Uint8Array {
  return Uint8Array.from(contractOf(publicKey, globalId).address.hash)
}

/**
 * A wallet v4r2 that signs natively. Sends are serialised. A chain that is away, or that drops a message, is waited for:
 * `send` ends only when the chain shows that the message was executed, or that it never will be.
 *
 * @throws {CocoonError} chain_unavailable, chain_rejected, timeout (from `send`)
 */
export function createWallet (init: { signer: Signer, port: TonPort, globalId: number, clock?: Clock, pollMs?: number }): Wallet {
  const { signer, port } = init
  const clock = init.clock ?? systemClock
  const pollMs = init.pollMs ?? 1_000
  const contract = contractOf(signer.publicKey, init.globalId)
  const account = Uint8Array.from(contract.address.hash)
  const queue = new PQueue({ concurrency: 1 })

  /** The number, or null while the chain does not answer. */
  async function seqnoOrNull (): Promise<number | null> {
    return whileAway(async () => port.walletSeqno(account))
  }

  async function sendNow (messages: readonly WalletMessage[], timeoutMs: number, signal: AbortSignal): Promise<void> {
    const seqno = await port.walletSeqno(account)
    const deadlineMs = clock.nowMs() + timeoutMs
    const body = await contract.createTransfer({
      seqno,
      // the wallet refuses the message after this second: a message given up never lands later
      timeout: Math.floor((port.nowMs() + timeoutMs) / 1_000),
      // the receiver gets what the message names; the way there is paid by the wallet
      sendMode: SendMode.PAY_GAS_SEPARATELY,
      signer: async (message: Cell) => Buffer.from(signer.sign(message.hash())),
      messages: messages.map(({ to, valueNano, body, init, bounce }) => internal({ to: addressOf(to), value: valueNano, bounce: bounce ?? init == null, body, init }))
    })
    const message = external({ to: contract.address, init: seqno === 0 ? contract.init : undefined, body })
    const boc = beginCell().store(storeMessage(message)).endCell().toBoc()
    let resendMs = clock.nowMs()
    for (;;) {
      if (clock.nowMs() >= resendMs && clock.nowMs() < deadlineMs) {
        // the same message again is harmless: the wallet executes a number once
        await whileAway(async () => port.sendBoc(boc))
        resendMs = clock.nowMs() + RESEND_MS
      }
      const now = await seqnoOrNull()
      if (now != null && now > seqno) {
        return
      }
      // only an answer after the deadline says that the message was lost; silence says nothing
      if (now != null && clock.nowMs() >= deadlineMs + EXPIRY_MARGIN_MS) {
        throw new CocoonError('timeout', 'the wallet did not execute the message in time')
      }
      await delay(clock, pollMs, signal)
    }
  }

  return {
    account,
    balance: async () => port.balance(account),
    send: async (messages, opts = {}) => {
      if (messages.length === 0 || messages.length > MAX_WALLET_MESSAGES) {
        throw new RangeError(`a wallet sends 1 to ${MAX_WALLET_MESSAGES} messages at once, got ${messages.length}`)
      }
      const signal = opts.signal ?? new AbortController().signal
      await queue.add(async () => {
        signal.throwIfAborted()
        await sendNow(messages, opts.timeoutMs ?? SEND_TIMEOUT_MS, signal)
      })
    }
  }
}
