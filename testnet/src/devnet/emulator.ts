import { Cell, Dictionary, beginCell, loadShardAccount, storeShardAccount } from '@ton/core'
import { Blockchain, SmartContract, defaultConfig } from '@ton/sandbox'
import { GLOBAL_ID_PARAM, TRIM_ACCOUNTS, TRIM_TRANSACTIONS } from './constants.ts'
import type { Address, Message, Transaction } from '@ton/core'
import type { BlockchainStorage } from '@ton/sandbox'

/** Gives the last committed state of an account: a ShardAccount cell in base64. */
export type AccountSource = (account: string) => Promise<string | undefined>

/** `0:` and 64 hex digits. */
export function accountKey (address: Address): string {
  return address.toRawString()
}

/** Configuration of the emulator with the chain's own global id. */
export function devnetConfig (globalId: number): Dictionary<number, Cell> {
  const params = Cell.fromBase64(defaultConfig).beginParse().loadDictDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell())
  params.set(GLOBAL_ID_PARAM, beginCell().storeInt(globalId, 32).endCell())
  return params
}

/** A contract in a state of its own: what runs on it changes nothing else. */
export function contractAt (chain: Blockchain, address: Address, boc: string | undefined): SmartContract {
  const contract = SmartContract.empty(chain, address)
  if (boc != null) {
    contract.account = loadShardAccount(Cell.fromBase64(boc).beginParse())
  }
  return contract
}

/** The accounts that the emulator works on, read from the store when first needed. */
class WorkingAccounts implements BlockchainStorage {
  readonly #source: AccountSource
  readonly #cache = new Map<string, SmartContract>()

  constructor (source: AccountSource) {
    this.#source = source
  }

  get size (): number {
    return this.#cache.size
  }

  async getContract (chain: Blockchain, address: Address): Promise<SmartContract> {
    const key = accountKey(address)
    if (!this.#cache.has(key)) {
      const boc = await this.#source(key)
      // Another reader may have been faster, and its copy may have changed since.
      if (!this.#cache.has(key)) {
        this.#cache.set(key, contractAt(chain, address, boc))
      }
    }
    return this.#cache.get(key) ?? contractAt(chain, address, undefined)
  }

  /** None: a snapshot of the emulator is for its clock only. */
  knownContracts (): SmartContract[] {
    return []
  }

  clearKnownContracts (): void {
    this.#cache.clear()
  }
}

export interface Executed {
  readonly transactions: ReadonlyArray<{ readonly account: string, readonly tx: Transaction }>
  /** Every account touched, as it is now. */
  readonly accounts: ReadonlyArray<{ readonly account: string, readonly boc: string }>
  readonly endLt: bigint
}

/** The TVM emulator as a function from a message to what it does. Not for use by two callers at once. */
export class Emulator {
  readonly chain: Blockchain
  readonly #accounts: WorkingAccounts
  #kept = 0

  private constructor (chain: Blockchain, accounts: WorkingAccounts) {
    this.chain = chain
    this.#accounts = accounts
  }

  static async create (source: AccountSource, globalId: number): Promise<Emulator> {
    const accounts = new WorkingAccounts(source)
    const chain = await Blockchain.create({ config: beginCell().storeDictDirect(devnetConfig(globalId)).endCell(), storage: accounts })
    chain.verbosity = { print: false, blockchainLogs: false, vmLogs: 'none', debugLogs: false }
    return new Emulator(chain, accounts)
  }

  /** Forgets what was executed and not committed, and what the emulator gathered. */
  async reset (endLt: bigint): Promise<void> {
    this.#kept = 0
    await this.chain.loadFrom({ ...this.chain.snapshot(), lt: endLt, contracts: [], transactions: [] })
  }

  /** Keeps memory flat; only between committed blocks. */
  async trim (): Promise<void> {
    if (this.#kept > TRIM_TRANSACTIONS || this.#accounts.size > TRIM_ACCOUNTS) {
      await this.reset(this.chain.lt)
    }
  }

  /**
   * Executes a message and all that follows from it. The caller resets after an error.
   *
   * @throws {Error} the emulator's own; a RangeError past `maxTransactions`
   */
  async execute (message: Message, init: { utime: number, randomSeed: Uint8Array, maxTransactions: number }): Promise<Executed> {
    this.chain.now = init.utime
    const transactions: Array<{ account: string, tx: Transaction }> = []
    const touched = new Map<string, Address>()
    // A queue of its own: what an aborted message left over must not run with the next one.
    const steps = await this.chain.sendMessageIter(message, { allowParallel: true, now: init.utime, randomSeed: Buffer.from(init.randomSeed) })
    for await (const tx of steps) {
      this.#kept++
      const address = tx.inMessage?.info.dest as Address
      touched.set(accountKey(address), address)
      transactions.push({ account: accountKey(address), tx })
      if (transactions.length > init.maxTransactions) {
        throw new RangeError('the message sets off too many transactions')
      }
    }
    const accounts = await Promise.all([...touched].map(async ([account, address]) => {
      const contract = await this.chain.getContract(address)
      return { account, boc: beginCell().store(storeShardAccount(contract.account)).endCell().toBoc().toString('base64') }
    }))
    return { transactions, accounts, endLt: this.chain.lt }
  }
}
