/**
 * The TVM emulator of `@ton/sandbox`, called for one account and one message at a time, without a chain around it.
 * Every transition runs the compiled contract under the real gas prices.
 */
import { beginCell, storeMessage, storeShardAccount } from '@ton/core'
import { Executor, createShardAccount, defaultConfig } from '@ton/sandbox'
import { Reader, cellHash, hashmap, parseBoc } from './cells.ts'
import { trampolined } from './trampolines.ts'
import type { RawCell } from './cells.ts'
import type { ExecutorEmulationResult } from '@ton/sandbox'
import type { Address, Cell, CommonMessageInfo, StateInit } from '@ton/core'

/** One account between two transitions. */
export interface Account {
  /** A ShardAccount's bag of cells, base64, as the emulator takes it. */
  readonly boc: string
  readonly balanceNano: bigint
  readonly data: RawCell
  /** Representation hash of the data cell, hex. */
  readonly dataHash: string
}

/** An internal message ready to be sent any number of times. */
export interface Envelope { readonly from: string, readonly valueNano: bigint, readonly cell: Cell }

/** A message that the contract sent. */
export interface Outgoing {
  /** Account in hex. */
  readonly dest: string
  readonly valueNano: bigint
  readonly bounce: boolean
  readonly bounced: boolean
  readonly body: RawCell | undefined
  /** First 32 bits of the body, or −1. */
  readonly op: number
}

export interface Step {
  readonly account: Account
  /** Whether compute and action phase ended well. */
  readonly ok: boolean
  /** Exit code of the compute phase, or of the action phase where that failed; −1 where the contract did not run. */
  readonly exitCode: number
  readonly out: readonly Outgoing[]
  /** All that left as gas, storage rent, forward and action fees. */
  readonly feesNano: bigint
  readonly storageNano: bigint
  readonly gasUsed: number
}

/** One message to one account (base64 of a ShardAccount), on the emulator alone. */
export async function emulate (executor: Executor, shardAccount: string, message: Envelope, now: number): Promise<ExecutorEmulationResult['result']> {
  const { result } = await executor.runTransaction({
    config: defaultConfig,
    libs: null,
    verbosity: 'short',
    shardAccount,
    now,
    lt: 1_000_000n,
    randomSeed: null,
    ignoreChksig: false,
    debugEnabled: false,
    message: message.cell
  })
  return result
}

/** A lone emulator; `transitions` counts how often a contract ran. */
export class Machine {
  transitions = 0
  private readonly executor: Executor

  private constructor (executor: Executor) {
    this.executor = executor
  }

  static async create (): Promise<Machine> {
    return new Machine(await trampolined(async () => Executor.create()))
  }

  /** @throws {Error} the emulator itself failed, not the contract */
  async run (account: Account, message: Envelope, now: number): Promise<Step> {
    this.transitions++
    const result = await emulate(this.executor, account.boc, message, now)
    if (!result.success) {
      throw new Error(`the emulator refused a message: ${result.error}`)
    }
    return { ...readTransaction(parseBoc(Buffer.from(result.transaction, 'base64'))), account: loadAccount(result.shardAccount) }
  }
}

/** An account as if it had been deployed, with a balance and without history. */
export function freshAccount (address: Address, init: StateInit, balanceNano: bigint): Account {
  if (init.code == null || init.data == null) {
    throw new Error('a state with code and data expected')
  }
  const shard = createShardAccount({ address, code: init.code, data: init.data, balance: balanceNano })
  return loadAccount(beginCell().store(storeShardAccount(shard)).endCell().toBoc().toString('base64'))
}

export function envelope (from: Address, to: Address, valueNano: bigint, body: Cell, flags: { bounced?: boolean } = {}): Envelope {
  const info: CommonMessageInfo = {
    type: 'internal',
    ihrDisabled: true,
    bounce: flags.bounced !== true,
    bounced: flags.bounced === true,
    src: from,
    dest: to,
    value: { coins: valueNano },
    ihrFee: 0n,
    forwardFee: 0n,
    createdLt: 0n,
    createdAt: 0
  }
  const cell = beginCell().store(storeMessage({ info, body })).endCell()
  const boc = cell.toBoc()
  // the emulator asks for the bag of cells of every message it runs, and making one is slow
  return { from: from.hash.toString('hex'), valueNano, cell: Object.create(cell, { toBoc: { value: () => boc } }) }
}

/** account$1 of an active account (block.tlb). */
export function loadAccount (boc: string): Account {
  const root = parseBoc(Buffer.from(boc, 'base64'))
  const r = new Reader(root.refs[0])
  if (!r.flag()) {
    throw new Error('the account is gone')
  }
  r.address()
  r.big(8 * r.uint(3)) // used cells
  r.big(8 * r.uint(3)) // used bits
  if (r.uint(3) === 1) {
    r.skip(256)
  }
  r.skip(32) // last paid
  if (r.flag()) {
    r.coins() // due
  }
  r.skip(64) // last transaction
  const balanceNano = r.currency()
  if (!r.flag()) {
    throw new Error('the account is frozen or was never deployed')
  }
  if (r.flag() || r.flag() || r.maybeNext() == null) {
    throw new Error('plain code expected')
  }
  const data = r.maybeNext()
  if (data == null) {
    throw new Error('data expected')
  }
  return { boc, balanceNano, data, dataHash: cellHash(data) }
}

/** transaction$0111 with trans_ord$0000 (block.tlb). */
function readTransaction (root: RawCell): Omit<Step, 'account'> {
  const r = new Reader(root).skip(4 + 256 + 64 + 256 + 64 + 32 + 15 + 2 + 2)
  const messages = new Reader(r.next())
  if (messages.flag()) {
    messages.next()
  }
  const out = hashmap(messages.maybeNext(), 15).map(({ value }) => readMessage(value.next()))
  const totalNano = r.currency()
  r.next()
  const description = readDescription(r.next())
  return {
    ok: description.ok,
    exitCode: description.exitCode,
    storageNano: description.storageNano,
    gasUsed: description.gasUsed,
    out: out.map(item => item.message),
    feesNano: totalNano + out.reduce((sum, item) => sum + item.forwardNano, 0n)
  }
}

function readMessage (cell: RawCell): { message: Outgoing, forwardNano: bigint } {
  const r = new Reader(cell).skip(2)
  const bounce = r.flag()
  const bounced = r.flag()
  r.address()
  const dest = r.address()
  const valueNano = r.currency()
  const forwardNano = r.coins() + r.coins()
  r.skip(64 + 32)
  if (r.flag()) {
    throw new Error('a contract here deploys nothing')
  }
  if (r.flag()) {
    const body = r.next()
    return { message: { dest, valueNano, bounce, bounced, body, op: body.bits >= 32 ? new Reader(body).uint(32) : -1 }, forwardNano }
  }
  return { message: { dest, valueNano, bounce, bounced, body: undefined, op: r.bitsLeft >= 32 ? r.uint(32) : -1 }, forwardNano }
}

function readDescription (cell: RawCell): { ok: boolean, exitCode: number, storageNano: bigint, gasUsed: number } {
  const r = new Reader(cell).skip(5)
  let storageNano = 0n
  if (r.flag()) {
    storageNano = r.coins()
    if (r.flag()) {
      r.coins()
    }
    if (r.flag()) {
      r.skip(1)
    }
  }
  if (r.flag()) {
    if (r.flag()) {
      r.coins()
    }
    r.currency()
  }
  let exitCode = -1
  let gasUsed = 0
  if (r.flag()) {
    r.skip(3)
    r.coins()
    const vm = new Reader(r.next())
    gasUsed = Number(vm.big(8 * vm.uint(3)))
    vm.big(8 * vm.uint(3))
    if (vm.flag()) {
      vm.big(8 * vm.uint(2))
    }
    exitCode = vm.skip(8).int32()
  } else if (r.uint(2) === 3) {
    r.skip(1)
  }
  const action = r.maybeNext()
  const ok = !r.flag()
  if (!ok && exitCode === 0 && action != null) {
    const a = new Reader(action).skip(3)
    if (a.flag()) {
      a.skip(1)
    }
    for (let i = 0; i < 2; i++) {
      if (a.flag()) {
        a.coins()
      }
    }
    exitCode = a.int32()
  }
  return { ok, exitCode, storageNano, gasUsed }
}
