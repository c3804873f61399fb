import { CocoonError } from '@cocoon-net/protocol'
import { Level } from 'level'
import { hex, unhex } from './types.ts'
import type { AbstractBatchOperation, AbstractLevel } from 'abstract-level'

/** What the store needs of a key-value database; `level` on disk, `memory-level` in tests. */
export type KeyValue = AbstractLevel<any, string, string>

export interface StoreWrite {
  readonly key: string
  /** null deletes */
  readonly value: unknown
}

/** fsync before the write resolves; `level` knows the option, the abstract type does not. */
const SYNC: { keyEncoding?: 'utf8', sync: boolean } = { sync: true }
const SCHEMA_KEY = 'schema'
/** From 1 to 2 a payee's lanes got rows for their finished jobs; either is read, the newer one is written. */
const SCHEMA_VERSION = '2'
const READABLE_VERSIONS: readonly string[] = ['1', SCHEMA_VERSION]

/** Opens the database in `path`. LevelDB's own lock makes this process its one writer. */
export async function openKeyValue (path: string): Promise<KeyValue> {
  const db = new Level<string, string>(path)
  try {
    await db.open()
  } catch (err: unknown) {
    throw new CocoonError('lane_busy', `the payment store ${path} cannot be opened`, { cause: err })
  }
  return db
}

/** JSON of a value in one pass; what JSON does not know, bigint, bytes and maps, as one-key objects. */
export function encodeValue (value: unknown): string {
  if (typeof value === 'bigint') {
    return `{"$n":"${value}"}`
  }
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(value)
  }
  if (value instanceof Uint8Array) {
    return `{"$b":"${hex(value)}"}`
  }
  if (value instanceof Map) {
    return `{"$m":${encodeValue([...value])}}`
  }
  if (Array.isArray(value)) {
    return `[${value.map(encodeValue).join(',')}]`
  }
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return `{${fields.map(([key, inner]) => `${JSON.stringify(key)}:${encodeValue(inner)}`).join(',')}}`
}

export function decodeValue (text: string): unknown {
  return JSON.parse(text, (_key, inner: Record<string, unknown> | null) => {
    if (typeof inner?.$n === 'string') {
      return BigInt(inner.$n)
    }
    if (typeof inner?.$b === 'string') {
      return unhex(inner.$b)
    }
    return Array.isArray(inner?.$m) ? new Map(inner.$m as Array<[string, unknown]>) : inner
  })
}

/**
 * Write-ahead store with group commit: writes that arrive while one flush
 * runs share the next, so that one fsync serves the vouchers of many lanes.
 */
export class Store {
  readonly #db: KeyValue
  #pending: StoreWrite[] = []
  #next: Promise<void> | null = null
  #running: Promise<void> = Promise.resolve()

  constructor (db: KeyValue) {
    this.#db = db
  }

  /** @throws {CocoonError} file_unusable when another version wrote the store */
  async open (): Promise<void> {
    await this.#db.open()
    const version = await this.#db.get(SCHEMA_KEY)
    if (version !== undefined && !READABLE_VERSIONS.includes(version)) {
      throw new CocoonError('file_unusable', `the payment store has schema ${version}, this version reads ${READABLE_VERSIONS.join(' and ')}`)
    }
    if (version !== SCHEMA_VERSION) {
      await this.#db.put(SCHEMA_KEY, SCHEMA_VERSION, SYNC)
    }
  }

  /** All of `writes` or none; on disk when it resolves. Calls are applied in order. */
  async commit (writes: readonly StoreWrite[]): Promise<void> {
    this.#pending.push(...writes)
    this.#next ??= this.#running.catch(() => {}).then(async () => { await this.#flush() })
    this.#running = this.#next
    await this.#next
  }

  async #flush (): Promise<void> {
    const writes = this.#pending
    this.#pending = []
    this.#next = null
    const operations = writes.map(({ key, value }): AbstractBatchOperation<KeyValue, string, string> => value === null
      ? { type: 'del', key }
      : { type: 'put', key, value: encodeValue(value) })
    await this.#db.batch(operations, SYNC)
  }

  async get (key: string): Promise<unknown> {
    const text = await this.#db.get(key)
    return text === undefined ? undefined : decodeValue(text)
  }

  /** Values whose key starts with `prefix`, in key order. */
  async list (prefix: string): Promise<Array<[string, unknown]>> {
    const entries = await this.#db.iterator({ gte: prefix, lt: `${prefix}\uffff` }).all()
    return entries.map(([key, text]) => [key, decodeValue(text)])
  }

  async close (): Promise<void> {
    await this.#running.catch(() => {})
    await this.#db.close()
  }
}
