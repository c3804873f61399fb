import { NotFoundError } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { BaseDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { LRUCache } from 'lru-cache'
import { MAX_OTHER_ENTRIES, MAX_PROVIDERS_RETURNED, MAX_RECORDS, MAX_RECORDS_PER_KEY, MAX_RECORDS_PER_PEER, RECORD_LIFE_MS } from './constants.ts'
import type { PeerId } from '@libp2p/interface'
import type { Datastore, KeyQuery, Pair, Query } from 'interface-datastore'

export interface DhtStoreInit {
  /** Whether a peer's addresses are known. kad-dht fails a whole answer over one provider whose are not. */
  knows(peer: PeerId): Promise<boolean>
  now(): number
  random?(): number
}

interface ProviderRecord {
  readonly value: Uint8Array
  readonly atMs: number
}

interface ProviderPath {
  /** `/dht/provider/<key>` */
  readonly key: string
  readonly peer: string
}

const PREFIX = '/dht/provider/'

/** kad-dht's layout: /dht/provider/<base32 of the multihash>/<peer id> */
function providerPath (key: string): ProviderPath | undefined {
  const end = key.lastIndexOf('/')
  return key.startsWith(PREFIX) && end > PREFIX.length ? { key: key.slice(0, end), peer: key.slice(end + 1) } : undefined
}

/**
 * What kad-dht keeps, in memory and bounded. Provider records expire after two hours, also our own: keys name an hour, so
 * an old one is never worth republishing. A lookup gives at most 100 records, random among those stored, and skips
 * providers whose addresses are gone, one by one.
 */
class DhtStore extends BaseDatastore {
  private readonly init: DhtStoreInit
  private readonly random: () => number
  private readonly byKey = new Map<string, Map<string, ProviderRecord>>()
  private readonly perPeer = new Map<string, number>()
  private readonly others = new LRUCache<string, Uint8Array>({ max: MAX_OTHER_ENTRIES })
  private count = 0

  constructor (init: DhtStoreInit) {
    super()
    this.init = init
    this.random = init.random ?? Math.random
  }

  put (key: Key, value: Uint8Array): Key {
    const path = providerPath(key.toString())
    if (path == null) {
      this.others.set(key.toString(), value)
      return key
    }
    const known = this.byKey.get(path.key)?.has(path.peer) === true
    if (!known && !this.makeRoom(path)) {
      return key
    }
    let records = this.byKey.get(path.key)
    if (records == null) {
      records = new Map()
      this.byKey.set(path.key, records)
    }
    if (!known) {
      this.count++
      this.perPeer.set(path.peer, (this.perPeer.get(path.peer) ?? 0) + 1)
    }
    records.set(path.peer, { value, atMs: this.init.now() })
    return key
  }

  get (key: Key): Uint8Array {
    const text = key.toString()
    const path = providerPath(text)
    const value = path == null ? this.others.get(text) : this.byKey.get(path.key)?.get(path.peer)?.value
    if (value == null) {
      throw new NotFoundError('no such entry')
    }
    return value
  }

  has (key: Key): boolean {
    const text = key.toString()
    const path = providerPath(text)
    return path == null ? this.others.has(text) : this.byKey.get(path.key)?.has(path.peer) === true
  }

  delete (key: Key): void {
    const path = providerPath(key.toString())
    if (path == null) {
      this.others.delete(key.toString())
    } else {
      this.drop(path)
    }
  }

  async * _all (query: Query): AsyncGenerator<Pair> {
    const prefix = query.prefix ?? '/'
    const one = this.byKey.get(prefix)
    if (one != null) {
      yield * this.lookup(prefix, one)
      return
    }
    // kad-dht walks everything once an hour to clean up.
    this.expire()
    for (const [key, records] of this.byKey) {
      for (const [peer, record] of [...records]) {
        yield { key: new Key(`${key}/${peer}`), value: record.value }
      }
    }
    for (const [key, value] of this.others.entries()) {
      yield { key: new Key(key), value }
    }
  }

  async * _allKeys (query: KeyQuery): AsyncGenerator<Key> {
    for await (const { key } of this._all({ prefix: query.prefix })) {
      yield key
    }
  }

  private async * lookup (key: string, records: Map<string, ProviderRecord>): AsyncGenerator<Pair> {
    const entries = [...records]
    // A random sample: which hundred are seen cannot be chosen by arriving first or last.
    for (let i = entries.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1));
      [entries[i], entries[j]] = [entries[j], entries[i]]
    }
    let found = 0
    for (const [peer, record] of entries) {
      if (found >= MAX_PROVIDERS_RETURNED) {
        return
      }
      if (record.atMs + RECORD_LIFE_MS <= this.init.now()) {
        this.drop({ key, peer })
        continue
      }
      if (await this.init.knows(peerIdFromString(peer))) {
        found++
        yield { key: new Key(`${key}/${peer}`), value: record.value }
      }
    }
  }

  /** False when the record is refused: its peer has too many, or the store is full of live ones. */
  private makeRoom ({ key, peer }: ProviderPath): boolean {
    if (this.count >= MAX_RECORDS || (this.perPeer.get(peer) ?? 0) >= MAX_RECORDS_PER_PEER) {
      this.expire()
    }
    if ((this.perPeer.get(peer) ?? 0) >= MAX_RECORDS_PER_PEER || this.count >= MAX_RECORDS) {
      return false
    }
    const records = this.byKey.get(key)
    if (records != null && records.size >= MAX_RECORDS_PER_KEY) {
      const victim = [...records.keys()][Math.floor(this.random() * records.size)]
      this.drop({ key, peer: victim })
    }
    return true
  }

  private expire (): void {
    for (const [key, records] of this.byKey) {
      for (const [peer, record] of records) {
        if (record.atMs + RECORD_LIFE_MS <= this.init.now()) {
          this.drop({ key, peer })
        }
      }
    }
  }

  private drop ({ key, peer }: ProviderPath): void {
    const records = this.byKey.get(key)
    if (records?.delete(peer) !== true) {
      return
    }
    this.count--
    if (records.size === 0) {
      this.byKey.delete(key)
    }
    const left = (this.perPeer.get(peer) ?? 1) - 1
    if (left > 0) {
      this.perPeer.set(peer, left)
    } else {
      this.perPeer.delete(peer)
    }
  }
}

export function createDhtStore (init: DhtStoreInit): Datastore {
  return new DhtStore(init)
}
