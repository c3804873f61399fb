import { CocoonError, DEVNET_GLOBAL_ID, concat, sha256, u64be, utf8 } from '@cocoon-net/protocol'
import { Address, Cell, Dictionary, beginCell, loadMessage, storeTransaction } from '@ton/core'
import { Blockchain, defaultConfig } from '@ton/sandbox'
import type { Message, Transaction, TupleItem } from '@ton/core'
import type { SmartContract } from '@ton/sandbox'

/** What the chain was asked to do: all of its state follows from the list of these. */
export type LedgerInput =
  | { readonly kind: 'external', readonly boc: string, readonly atMs: number }
  | { readonly kind: 'mint', readonly address: string, readonly amountNano: string, readonly atMs: number }

export interface BlockRef { readonly seqno: number, readonly rootHash: Uint8Array, readonly fileHash: Uint8Array, readonly utime: number }

export interface StoredTransaction { readonly lt: bigint, readonly hash: Uint8Array, readonly boc: string, readonly utime: number, readonly seqno: number, readonly tx: Transaction }

export interface AccountView {
  readonly state: 'active' | 'uninitialized' | 'frozen'
  readonly balance: bigint
  readonly code: string
  readonly data: string
  readonly lastLt: bigint
  readonly lastHash: Uint8Array
}

export interface MethodResult { readonly exitCode: number, readonly gasUsed: number, readonly stack: readonly TupleItem[] }

/** History of one account: more is not kept. */
const MAX_HISTORY = 10_000
const GLOBAL_ID_PARAM = 19

function bytesOf (value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
}

/** The emulator's configuration with this devnet's own global id. */
function devnetConfig (): Cell {
  const params = Cell.fromBase64(defaultConfig).beginParse().loadDictDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell())
  params.set(GLOBAL_ID_PARAM, beginCell().storeInt(DEVNET_GLOBAL_ID, 32).endCell())
  return beginCell().storeDictDirect(params).endCell()
}

/**
 * A TON-compatible ledger over the TVM emulator: one block per accepted input, deterministic in the list of inputs, so
 * that replaying them gives the same state.
 */
export class Ledger {
  readonly #chain: Blockchain
  readonly #genesis: Uint8Array
  readonly #blocks: BlockRef[] = []
  readonly #history = new Map<string, StoredTransaction[]>()
  readonly #byBlock = new Map<number, StoredTransaction[]>()
  #turn: Promise<unknown> = Promise.resolve()

  private constructor (chain: Blockchain, genesis: Uint8Array) {
    this.#chain = chain
    this.#genesis = genesis
    this.#seal(0)
  }

  static async create (genesis: Uint8Array): Promise<Ledger> {
    const chain = await Blockchain.create({ config: devnetConfig() })
    chain.verbosity = { print: false, blockchainLogs: false, vmLogs: 'none', debugLogs: false }
    return new Ledger(chain, genesis)
  }

  get last (): BlockRef {
    return this.#blocks[this.#blocks.length - 1]
  }

  block (seqno: number): BlockRef | undefined {
    return this.#blocks[seqno]
  }

  transactionsIn (seqno: number): readonly StoredTransaction[] {
    return this.#byBlock.get(seqno) ?? []
  }

  /**
   * Executes one input and seals a block. One at a time.
   *
   * @throws {CocoonError} chain_rejected when an external message is not accepted; nothing has changed then
   */
  async apply (input: LedgerInput): Promise<void> {
    const run = this.#turn.then(async () => { await this.#execute(input) })
    this.#turn = run.catch(() => { /* its caller hears of it */ })
    await run
  }

  async #execute (input: LedgerInput): Promise<void> {
    const utime = Math.max(Math.floor(input.atMs / 1_000), this.last.utime)
    this.#chain.now = utime
    let message: Message
    try {
      message = input.kind === 'external' ? loadMessage(Cell.fromBase64(input.boc).beginParse()) : mint(input.address, BigInt(input.amountNano))
    } catch (error) {
      throw new CocoonError('chain_rejected', 'the message cannot be parsed', { cause: error })
    }
    let transactions: Transaction[]
    try {
      transactions = (await this.#chain.sendMessage(message)).transactions
    } catch (error) {
      const exitCode = (error as { exitCode?: number }).exitCode
      // The emulator's own text carries whole VM logs.
      throw new CocoonError('chain_rejected', exitCode == null ? 'the message was not accepted' : `the message was not accepted, exit code ${exitCode}`, { details: { exitCode } })
    }
    const seqno = this.#blocks.length
    for (const tx of transactions) {
      this.#record(tx, seqno)
    }
    this.#seal(utime)
  }

  #record (tx: Transaction, seqno: number): void {
    const key = tx.address.toString(16).padStart(64, '0')
    const stored: StoredTransaction = {
      lt: tx.lt,
      hash: Uint8Array.from(tx.hash()),
      boc: beginCell().store(storeTransaction(tx)).endCell().toBoc().toString('base64'),
      utime: tx.now,
      seqno,
      tx
    }
    const list = this.#history.get(key) ?? []
    list.push(stored)
    if (list.length > MAX_HISTORY) {
      list.shift()
    }
    this.#history.set(key, list)
    this.#byBlock.set(seqno, [...this.transactionsIn(seqno), stored])
  }

  #seal (utime: number): void {
    const seqno = this.#blocks.length
    const previous = seqno === 0 ? this.#genesis : this.last.rootHash
    const rootHash = sha256(concat(utf8('cocoon/devnet/block/v1\0'), previous, u64be(BigInt(seqno)), ...this.transactionsIn(seqno).map(t => t.hash)))
    this.#blocks.push({ seqno, rootHash, fileHash: sha256(rootHash), utime })
  }

  async account (address: Address): Promise<AccountView> {
    const contract = await this.#chain.getContract(address)
    const { accountState } = contract
    const code = accountState?.type === 'active' ? accountState.state.code : null
    const data = accountState?.type === 'active' ? accountState.state.data : null
    return {
      state: accountState?.type === 'active' ? 'active' : accountState?.type === 'frozen' ? 'frozen' : 'uninitialized',
      balance: contract.balance,
      code: code?.toBoc().toString('base64') ?? '',
      data: data?.toBoc().toString('base64') ?? '',
      ...lastOf(contract)
    }
  }

  /** Newest first, from `fromLt` (inclusive) down. */
  history (address: Address, init: { limit: number, fromLt?: bigint, toLt?: bigint }): readonly StoredTransaction[] {
    const list = this.#history.get(address.hash.toString('hex')) ?? []
    const out: StoredTransaction[] = []
    for (let i = list.length - 1; i >= 0 && out.length < init.limit; i--) {
      if ((init.fromLt == null || list[i].lt <= init.fromLt) && (init.toLt == null || list[i].lt > init.toLt)) {
        out.push(list[i])
      }
    }
    return out
  }

  async run (address: Address, method: string | number, stack: TupleItem[], nowMs: number): Promise<MethodResult> {
    try {
      const result = await this.#chain.runGetMethod(address, method, stack, { now: Math.floor(nowMs / 1_000) })
      return { exitCode: result.exitCode, gasUsed: Number(result.gasUsed), stack: result.stack }
    } catch (error) {
      const { exitCode, gasUsed } = error as { exitCode?: number, gasUsed?: bigint }
      // -13 is what a lite server answers for an account without code.
      return { exitCode: exitCode ?? -13, gasUsed: Number(gasUsed ?? 0n), stack: [] }
    }
  }
}

function lastOf (contract: SmartContract): { lastLt: bigint, lastHash: Uint8Array } {
  return { lastLt: contract.lastTransactionLt, lastHash: bytesOf(contract.lastTransactionHash) }
}

/** New coins for an account, from nowhere: what a faucet is on a devnet. */
function mint (address: string, amountNano: bigint): Message {
  return {
    info: {
      type: 'internal',
      ihrDisabled: true,
      bounce: false,
      bounced: false,
      src: new Address(0, Buffer.alloc(32)),
      dest: Address.parse(address),
      value: { coins: amountNano },
      ihrFee: 0n,
      forwardFee: 0n,
      createdLt: 0n,
      createdAt: 0
    },
    body: Cell.EMPTY
  }
}
