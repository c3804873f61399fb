import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, equalBytes, fromHex, toHex } from '@cocoon-net/protocol'
import { Level } from 'level'
import type { BatchOperation } from 'level'

/** One block: the same number stands for the masterchain block and for the shard block of workchain 0 in it. */
export interface BlockRecord {
  readonly seqno: number
  /** 64 hex digits. */
  readonly rootHash: string
  readonly fileHash: string
  /** Unix seconds. */
  readonly utime: number
  /** Logical time after the block, decimal. */
  readonly endLt: string
  readonly transactions: ReadonlyArray<{ readonly account: string, readonly lt: string, readonly hash: string }>
}

/** A block to come back to. */
export interface Snapshot {
  readonly seqno: number
  /** Logical time, decimal. */
  readonly lt: string
  /** 64 hex digits. */
  readonly rootHash: string
}

/** `boc` is the transaction's cell in base64, `hash` 64 hex digits, `lt` decimal. */
export interface TransactionRecord {
  readonly account: string
  readonly lt: string
  readonly hash: string
  readonly boc: string
  readonly utime: number
  readonly seqno: number
}

/** An account as a block left it: the ShardAccount cell in base64. */
export interface AccountRecord {
  readonly account: string
  readonly boc: string
}

export interface PendingRecord {
  readonly key: string
  readonly boc: string
  readonly dueAtMs: number
}

export interface BlockWrite {
  readonly block: BlockRecord
  readonly transactions: readonly TransactionRecord[]
  readonly accounts: readonly AccountRecord[]
  /** The pending message that this block executed. */
  readonly pendingKey?: string
}

type Batch = Array<BatchOperation<Level<string, string>, string, string>>

function seqnoKey (seqno: number): string {
  return String(seqno).padStart(10, '0')
}

function ltKey (lt: bigint): string {
  return lt.toString().padStart(20, '0')
}

/**
 * All that the chain is, in one `level` database: blocks, transactions, every version of every account, and the messages
 * that wait. A block is one synced batch, so after a crash it is there as a whole or not at all, and nothing has to be
 * executed again.
 */
export class ChainStore {
  readonly genesis: Uint8Array
  readonly #db: Level<string, string>

  private constructor (db: Level<string, string>, genesis: Uint8Array) {
    this.#db = db
    this.genesis = genesis
  }

  /** @throws {CocoonError} home_locked, file_unusable (another genesis) */
  static async open (init: { home: string, genesis?: Uint8Array, newGenesis(): Uint8Array }): Promise<ChainStore> {
    await mkdir(init.home, { recursive: true, mode: 0o700 })
    const db = new Level<string, string>(join(init.home, 'chain'))
    await db.open().catch((error: unknown) => { throw new CocoonError('home_locked', `${init.home} is in use or cannot be opened`, { cause: error }) })
    try {
      const known = await db.get('genesis')
      const genesis = known == null ? init.genesis ?? init.newGenesis() : fromHex(known)
      if (genesis.byteLength !== 32) {
        throw new CocoonError('file_unusable', 'a genesis has 32 bytes')
      }
      if (init.genesis != null && !equalBytes(genesis, init.genesis)) {
        throw new CocoonError('file_unusable', 'the chain in this folder has another genesis')
      }
      if (known == null) {
        await db.put('genesis', toHex(genesis), { sync: true })
      }
      return new ChainStore(db, genesis)
    } catch (error) {
      await db.close()
      throw error
    }
  }

  async close (): Promise<void> {
    await this.#db.close()
  }

  /** Writes a block and all that it changed, at once and to the disk. */
  async commit (write: BlockWrite): Promise<void> {
    const at = seqnoKey(write.block.seqno)
    const batch: Batch = [{ type: 'put', key: `block/${at}`, value: JSON.stringify(write.block) }]
    for (const tx of write.transactions) {
      batch.push({ type: 'put', key: `tx/${tx.account}/${ltKey(BigInt(tx.lt))}`, value: JSON.stringify(tx) })
    }
    for (const { account, boc } of write.accounts) {
      batch.push({ type: 'put', key: `account/${account}/${at}`, value: boc })
    }
    if (write.pendingKey != null) {
      batch.push({ type: 'del', key: write.pendingKey })
    }
    await this.#db.batch(batch, { sync: true })
  }

  async lastBlock (): Promise<BlockRecord | undefined> {
    const [value] = await this.#db.values({ gte: 'block/', lt: 'block0', reverse: true, limit: 1 }).all()
    return value == null ? undefined : JSON.parse(value)
  }

  async block (seqno: number): Promise<BlockRecord | undefined> {
    const value = await this.#db.get(`block/${seqnoKey(seqno)}`)
    return value == null ? undefined : JSON.parse(value)
  }

  /** The account as the block `seqno` left it, or as it is now; undefined when nothing touched it until then. */
  async account (account: string, seqno?: number): Promise<string | undefined> {
    const upTo = seqno == null ? `account/${account}0` : `account/${account}/${seqnoKey(seqno)}`
    const [boc] = await this.#db.values({ gte: `account/${account}/`, lte: upTo, reverse: true, limit: 1 }).all()
    return boc
  }

  /** Newest first; `fromLt` and `toLt` are inclusive. */
  async transactions (account: string, init: { limit: number, fromLt?: bigint, toLt?: bigint, oldestFirst?: boolean }): Promise<TransactionRecord[]> {
    const found = await this.#db.values({
      gte: `tx/${account}/${init.toLt == null ? '' : ltKey(init.toLt)}`,
      lte: init.fromLt == null ? `tx/${account}0` : `tx/${account}/${ltKey(init.fromLt)}`,
      reverse: init.oldestFirst !== true,
      limit: init.limit
    }).all()
    return found.map(value => JSON.parse(value))
  }

  async addPending (pending: PendingRecord): Promise<void> {
    await this.#db.put(pending.key, JSON.stringify(pending), { sync: true })
  }

  async dropPending (key: string): Promise<void> {
    await this.#db.del(key)
  }

  /** In the order of their time. */
  async pending (): Promise<PendingRecord[]> {
    const found = await this.#db.values({ gte: 'pending/', lt: 'pending0' }).all()
    return found.map(value => JSON.parse(value))
  }

  /** Takes back every block after `seqno`, and what waits: the chain is as that block left it. */
  async rewind (seqno: number): Promise<void> {
    const batch: Batch = []
    for await (const [key, value] of this.#db.iterator({ gt: `block/${seqnoKey(seqno)}`, lt: 'block0' })) {
      const block: BlockRecord = JSON.parse(value)
      batch.push({ type: 'del', key })
      for (const tx of block.transactions) {
        batch.push({ type: 'del', key: `tx/${tx.account}/${ltKey(BigInt(tx.lt))}` })
        batch.push({ type: 'del', key: `account/${tx.account}/${seqnoKey(block.seqno)}` })
      }
    }
    for (const { key } of await this.pending()) {
      batch.push({ type: 'del', key })
    }
    await this.#db.batch(batch, { sync: true })
  }
}
