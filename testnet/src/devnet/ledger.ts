import { CocoonError, concat, fromHex, sha256, toHex, u64be, utf8 } from '@cocoon-net/protocol'
import { Cell, beginCell, external, loadTransaction, storeMessage, storeTransaction } from '@ton/core'
import { MAX_GET_GAS, MAX_LOCATE_SCAN, MAX_TRANSACTIONS_PER_BLOCK } from './constants.ts'
import { Emulator, accountKey, contractAt } from './emulator.ts'
import { mint, parseExternal } from './messages.ts'
import type { BlockRecord, ChainStore, TransactionRecord } from './store.ts'
import type { Address, ShardAccount, StateInit, Transaction, TupleItem } from '@ton/core'

/** What the chain can be asked to do. `boc` is base64, `address` any form of a TON address. */
export type LedgerInput =
  | { readonly kind: 'external', readonly boc: string }
  | { readonly kind: 'mint', readonly address: string, readonly amountNano: bigint, readonly init?: StateInit }

export interface StoredTransaction {
  readonly record: TransactionRecord
  readonly tx: Transaction
}

export interface MethodResult { readonly exitCode: number, readonly gasUsed: number, readonly stack: TupleItem[] }

/** nanoTON. */
export interface FeeEstimate { readonly inFwdFee: bigint, readonly storageFee: bigint, readonly gasFee: bigint, readonly fwdFee: bigint }

/** What a lite server answers for an account without code. */
const EXIT_NO_CODE = -13
const EXIT_OUT_OF_GAS = -14

function rejected (error: unknown): CocoonError {
  if (error instanceof RangeError) {
    return new CocoonError('chain_rejected', error.message)
  }
  const exitCode = (error as { exitCode?: number }).exitCode
  // The emulator's own text carries whole VM logs.
  return new CocoonError('chain_rejected', exitCode == null ? 'the message was not accepted' : `the message was not accepted, exit code ${exitCode}`, { details: { exitCode } })
}

function parsed (record: TransactionRecord): StoredTransaction {
  return { record, tx: loadTransaction(Cell.fromBase64(record.boc).beginParse()) }
}

/**
 * A TON-compatible ledger over the TVM emulator: one block per accepted input, on disk before it can be seen. Reads show
 * committed blocks only.
 */
export class Ledger {
  readonly #emulator: Emulator
  readonly #store: ChainStore
  #last: BlockRecord
  #turn: Promise<unknown> = Promise.resolve()

  /** Configuration parameter 19. */
  readonly globalId: number

  private constructor (emulator: Emulator, store: ChainStore, last: BlockRecord, globalId: number) {
    this.globalId = globalId
    this.#emulator = emulator
    this.#store = store
    this.#last = last
  }

  static async open (store: ChainStore, { nowMs, globalId }: { nowMs: number, globalId: number }): Promise<Ledger> {
    const emulator = await Emulator.create(async account => store.account(account), globalId)
    const known = await store.lastBlock()
    const ledger = new Ledger(emulator, store, known ?? nextBlock(store.genesis, undefined, Math.floor(nowMs / 1_000), 0n, []), globalId)
    if (known == null) {
      await store.commit({ block: ledger.last, transactions: [], accounts: [] })
    }
    await emulator.reset(BigInt(ledger.last.endLt))
    return ledger
  }

  get last (): BlockRecord {
    return this.#last
  }

  /** The config as the emulator runs with it. */
  get config (): Cell {
    return this.#emulator.chain.config
  }

  async block (seqno: number): Promise<BlockRecord | undefined> {
    return this.#store.block(seqno)
  }

  /** The newest block that is not younger than `utime` (Unix seconds). */
  async blockByUtime (utime: number): Promise<BlockRecord | undefined> {
    let low = 0
    let high = this.#last.seqno
    let found: BlockRecord | undefined
    while (low <= high) {
      const middle = (low + high) >>> 1
      const block = await this.#store.block(middle)
      if (block != null && block.utime <= utime) {
        found = block
        low = middle + 1
      } else {
        high = middle - 1
      }
    }
    return found
  }

  /**
   * Executes one input, or nothing, and seals a block. Inputs wait for each other.
   *
   * @throws {CocoonError} chain_rejected when an external message is not accepted; nothing has changed then
   */
  async apply (input: LedgerInput | null, init: { atMs: number, pendingKey?: string }): Promise<void> {
    await this.#inTurn(async () => { await this.#execute(input, init) })
  }

  /**
   * Takes back every block after `seqno`.
   *
   * @throws {CocoonError} bad_request
   */
  async rewind (seqno: number): Promise<void> {
    await this.#inTurn(async () => {
      const block = await this.#store.block(seqno)
      if (block == null) {
        throw new CocoonError('bad_request', 'no such block')
      }
      await this.#store.rewind(seqno)
      this.#last = block
      await this.#emulator.reset(BigInt(block.endLt))
    })
  }

  /** Resolves when nothing is being executed. */
  async idle (): Promise<void> {
    await this.#turn
  }

  async #inTurn (action: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(action)
    this.#turn = run.catch(() => { /* its caller hears of it */ })
    await run
  }

  async #execute (input: LedgerInput | null, init: { atMs: number, pendingKey?: string }): Promise<void> {
    // A block is never older than the one before, and the emulator refuses to go back.
    const utime = Math.max(Math.floor(init.atMs / 1_000), this.#last.utime)
    if (input == null) {
      await this.#seal({ utime, endLt: BigInt(this.#last.endLt), transactions: [], accounts: [] }, init.pendingKey)
      return
    }
    const message = input.kind === 'external' ? parseExternal(input.boc) : mint(input.address, input.amountNano, input.init)
    const randomSeed = sha256(utf8('cocoon/devnet/random/v1\0'), this.#store.genesis, u64be(BigInt(this.#last.seqno + 1)))
    try {
      const executed = await this.#emulator.execute(message, { utime, randomSeed, maxTransactions: MAX_TRANSACTIONS_PER_BLOCK }).catch((error: unknown) => { throw rejected(error) })
      await this.#seal({ ...executed, utime }, init.pendingKey)
    } catch (error) {
      await this.#emulator.reset(BigInt(this.#last.endLt))
      throw error
    }
    await this.#emulator.trim()
  }

  async #seal (made: { utime: number, endLt: bigint, transactions: ReadonlyArray<{ account: string, tx: Transaction }>, accounts: ReadonlyArray<{ account: string, boc: string }> }, pendingKey?: string): Promise<void> {
    const seqno = this.#last.seqno + 1
    const transactions = made.transactions.map(({ account, tx }): TransactionRecord => {
      const cell = beginCell().store(storeTransaction(tx)).endCell()
      return { account, lt: tx.lt.toString(), hash: tx.hash().toString('hex'), boc: cell.toBoc().toString('base64'), utime: tx.now, seqno }
    })
    const block = nextBlock(this.#store.genesis, this.#last, made.utime, made.endLt, transactions)
    await this.#store.commit({ block, transactions, accounts: made.accounts, pendingKey })
    this.#last = block
  }

  /** As the block `seqno` left it, or as it is now. */
  async account (address: Address, seqno?: number): Promise<ShardAccount> {
    return contractAt(this.#emulator.chain, address, await this.#store.account(accountKey(address), seqno)).account
  }

  /** Whether any block has touched the account. */
  async knows (address: Address): Promise<boolean> {
    return await this.#store.account(accountKey(address)) != null
  }

  /** Newest first, `fromLt` and `toLt` inclusive. */
  async history (address: Address, init: { limit: number, fromLt?: bigint, toLt?: bigint }): Promise<StoredTransaction[]> {
    return (await this.#store.transactions(accountKey(address), init)).map(parsed)
  }

  /** The transaction in which `source` sent the message of that logical time. */
  async findSource (source: Address, destination: Address, createdLt: bigint): Promise<StoredTransaction | undefined> {
    const [found] = await this.history(source, { limit: 1, fromLt: createdLt })
    const sent = found?.tx.outMessages.values().some(({ info }) => info.type === 'internal' && info.createdLt === createdLt && info.dest.equals(destination))
    return sent === true ? found : undefined
  }

  /** The transaction in which `destination` received the message of that logical time. */
  async findResult (source: Address, destination: Address, createdLt: bigint): Promise<StoredTransaction | undefined> {
    const records = await this.#store.transactions(accountKey(destination), { limit: MAX_LOCATE_SCAN, toLt: createdLt, oldestFirst: true })
    for (const record of records) {
      const stored = parsed(record)
      const info = stored.tx.inMessage?.info
      if (info?.type === 'internal' && info.createdLt === createdLt && info.src.equals(source)) {
        return stored
      }
    }
  }

  async run (address: Address, method: string | number, stack: TupleItem[], init: { nowMs: number, seqno?: number }): Promise<MethodResult> {
    const contract = contractAt(this.#emulator.chain, address, await this.#store.account(accountKey(address), init.seqno))
    try {
      const result = await contract.get(method, stack, { now: Math.floor(init.nowMs / 1_000), gasLimit: MAX_GET_GAS })
      return { exitCode: result.exitCode, gasUsed: Number(result.gasUsed), stack: result.stack }
    } catch (error) {
      const { exitCode, gasUsed } = error as { exitCode?: number, gasUsed?: bigint }
      const code = exitCode === ~EXIT_OUT_OF_GAS ? EXIT_OUT_OF_GAS : exitCode
      return { exitCode: code ?? EXIT_NO_CODE, gasUsed: Number(gasUsed ?? 0n), stack: [] }
    }
  }

  /**
   * Executes an external message on a copy of its account; nothing changes.
   *
   * @throws {CocoonError} chain_rejected when it would not be accepted now
   */
  async dryRun (boc: string, init: { nowMs: number, ignoreSignature?: boolean }): Promise<Transaction> {
    const message = parseExternal(boc)
    const contract = contractAt(this.#emulator.chain, message.info.dest, await this.#store.account(accountKey(message.info.dest)))
    try {
      return await contract.receiveMessage(message, { now: Math.max(Math.floor(init.nowMs / 1_000), this.#last.utime), ignoreChksig: init.ignoreSignature })
    } catch (error) {
      throw rejected(error)
    }
  }

  /**
   * Fees of an external message, from a dry run.
   *
   * @throws {CocoonError} chain_rejected
   */
  async estimateFee (init: { address: Address, body: Cell, code?: Cell, data?: Cell, ignoreSignature: boolean, nowMs: number }): Promise<FeeEstimate> {
    const stateInit = init.code != null && init.data != null ? { code: init.code, data: init.data } : null
    const message = external({ to: init.address, init: stateInit, body: init.body })
    const boc = beginCell().store(storeMessage(message)).endCell().toBoc().toString('base64')
    const tx = await this.dryRun(boc, init)
    const { description } = tx
    if (description.type !== 'generic') {
      return { inFwdFee: tx.totalFees.coins, storageFee: 0n, gasFee: 0n, fwdFee: 0n }
    }
    const storageFee = description.storagePhase?.storageFeesCollected ?? 0n
    const gasFee = description.computePhase.type === 'vm' ? description.computePhase.gasFees : 0n
    const actionFee = description.actionPhase?.totalActionFees ?? 0n
    return { inFwdFee: tx.totalFees.coins - storageFee - gasFee - actionFee, storageFee, gasFee, fwdFee: description.actionPhase?.totalFwdFees ?? 0n }
  }
}

/** Hashes commit to the genesis, to the block before and to what happened; there is no real block behind them. */
function nextBlock (genesis: Uint8Array, previous: BlockRecord | undefined, utime: number, endLt: bigint, transactions: readonly TransactionRecord[]): BlockRecord {
  const seqno = previous == null ? 0 : previous.seqno + 1
  const rootHash = sha256(concat(
    utf8('cocoon/devnet/block/v1\0'),
    previous == null ? genesis : fromHex(previous.rootHash),
    u64be(BigInt(seqno)),
    u64be(BigInt(utime)),
    ...transactions.map(t => fromHex(t.hash))
  ))
  return {
    seqno,
    rootHash: toHex(rootHash),
    fileHash: toHex(sha256(rootHash)),
    utime,
    endLt: endLt.toString(),
    transactions: transactions.map(({ account, lt, hash }) => ({ account, lt, hash }))
  }
}
