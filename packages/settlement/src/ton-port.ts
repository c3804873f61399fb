import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { Address, Cell, TupleReader } from '@ton/core'
import { TonClient } from '@ton/ton'
import { delay, systemClock } from './clock.ts'
import { CHAIN_TIMEOUT_MS } from './constants.ts'
import { hex } from './types.ts'
import type { LaneOnChain } from './types.ts'
import type { TupleItem } from '@ton/core'

const TOO_MANY_REQUESTS = 429
const RATE_TRIES = 4
const RATE_PAUSE_MS = 1_100

/** The chain as payments need it. Accounts are 32-byte basechain accounts; amounts are nanoTON. */
export interface TonPort {
  /** Names it in messages. */
  readonly endpoint?: string
  nowMs (): number
  balance (account: Uint8Array): Promise<bigint>
  /** true when code is deployed at the account */
  isActive (account: Uint8Array): Promise<boolean>
  readLane (vault: Uint8Array, payee: Uint8Array): Promise<LaneOnChain | null>
  /** The voucher signer at `keyIdx`, or null. */
  readSigner (vault: Uint8Array, keyIdx: number): Promise<Uint8Array | null>
  /** A wallet's sequence number; 0 before it is deployed. */
  walletSeqno (account: Uint8Array): Promise<number>
  sendBoc (boc: Uint8Array): Promise<void>
}

/** A contract as the chain shows it. */
export interface ContractOnChain {
  /** Representation hash of its code, 64 hex digits. */
  readonly codeHash: string
  readonly data: Cell
}

/** A port that also shows what a contract stores. */
export interface TonReader extends TonPort {
  /** Code and data, or null where no code is deployed. */
  contract (account: Uint8Array): Promise<ContractOnChain | null>
  /** The contract's data cell, or null where no code is deployed. */
  data (account: Uint8Array): Promise<Cell | null>
}

/** What `action` gives, or null while the chain is away: what it answers, and what it refuses, is not hidden. */
export async function whileAway<T> (action: () => Promise<T>): Promise<T | null> {
  try {
    return await action()
  } catch (err: unknown) {
    if (asCocoonError(err).code === 'chain_unavailable') {
      return null
    }
    throw err
  }
}

export function addressOf (account: Uint8Array): Address {
  return new Address(0, Buffer.from(account))
}

function uint (bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes)}`)
}

/**
 * A port over toncenter's HTTP API v2.
 *
 * @throws {CocoonError} chain_unavailable, chain_rejected (from its methods)
 */
export function createTonPort (init: { endpoint: string, apiKey?: string, timeoutMs?: number, nowMs?(): number }): TonReader {
  const timeoutMs = init.timeoutMs ?? CHAIN_TIMEOUT_MS
  const client = new TonClient({ endpoint: init.endpoint, apiKey: init.apiKey, timeout: timeoutMs })

  async function call<T> (what: string, action: () => Promise<T>, code: 'chain_unavailable' | 'chain_rejected' = 'chain_unavailable'): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action()
      } catch (err: unknown) {
        const answered = (err as { response?: { status?: number } }).response?.status
        const isBusy = answered === TOO_MANY_REQUESTS
        if (isBusy && attempt < RATE_TRIES) {
          // the public endpoints grant one request a second without a key
          await delay(systemClock, RATE_PAUSE_MS * attempt, new AbortController().signal)
          continue
        }
        const failure = `${what} failed at ${new URL(init.endpoint).origin}${isBusy ? ', which asks for fewer requests: an API key raises its limit' : ''}`
        // only an answer can be a refusal; a lost connection, or one request too many, says nothing about the message
        throw new CocoonError(answered === undefined || isBusy ? 'chain_unavailable' : code, failure, { cause: err, details: { status: answered ?? 0 } })
      }
    }
  }

  async function get (account: Uint8Array, method: string, args: TupleItem[]): Promise<TupleReader | null> {
    const address = addressOf(account)
    const result = await call(method, async () => client.runMethodWithError(address, method, args))
    if (result.exit_code === 0 || result.exit_code === 1) {
      return result.stack
    }
    if (await call('getAddressInformation', async () => client.isContractDeployed(address))) {
      throw new CocoonError('chain_rejected', `${method} ended with exit code ${result.exit_code}`)
    }
    return null
  }

  async function contract (account: Uint8Array): Promise<ContractOnChain | null> {
    return call('getAddressInformation', async () => {
      const { code, data } = await client.getContractState(addressOf(account))
      return code == null || data == null ? null : { codeHash: Cell.fromBoc(code)[0].hash().toString('hex'), data: Cell.fromBoc(data)[0] }
    })
  }

  return {
    endpoint: new URL(init.endpoint).origin,
    nowMs: init.nowMs ?? (() => Date.now()),
    balance: async (account) => call('getAddressBalance', async () => client.getBalance(addressOf(account))),
    isActive: async (account) => call('getAddressInformation', async () => client.isContractDeployed(addressOf(account))),
    readLane: async (vault, payee) => {
      const stack = await get(vault, 'lane', [{ type: 'int', value: uint(payee) }])
      // (exists, cap, paid, epoch, keyIdx, unlockAt, gasLeft)
      if (stack == null || !stack.readBoolean()) {
        return null
      }
      return {
        capNano: stack.readBigNumber(),
        paidNano: stack.readBigNumber(),
        epoch: stack.readBigNumber(),
        keyIdx: stack.readNumber(),
        unlockAt: stack.readNumber(),
        gasLeftNano: stack.readBigNumber()
      }
    },
    readSigner: async (vault, keyIdx) => {
      const stack = await get(vault, 'signer', [{ type: 'int', value: BigInt(keyIdx) }])
      const key = stack?.readBigNumberOpt() ?? 0n
      return key === 0n ? null : Uint8Array.from(Buffer.from(key.toString(16).padStart(64, '0'), 'hex'))
    },
    contract,
    data: async (account) => (await contract(account))?.data ?? null,
    walletSeqno: async (account) => (await get(account, 'seqno', []))?.readNumber() ?? 0,
    sendBoc: async (boc) => { await call('sendBoc', async () => { await client.sendFile(Buffer.from(boc)) }, 'chain_rejected') }
  }
}
