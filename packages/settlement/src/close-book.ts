import { CocoonError } from '@cocoon-net/protocol'
import type { AgreedClose } from './lane-close.ts'
import type { Store } from './store.ts'

const PREFIX = 'closing/'

/** The signed ends of lanes that one side keeps on disk, by lane key. */
export class CloseBook {
  readonly #store: Store
  /** null: signed by a version that did not keep the signatures */
  readonly #closes = new Map<string, AgreedClose | null>()

  constructor (store: Store) {
    this.#store = store
  }

  async load (): Promise<void> {
    this.#closes.clear()
    for (const [key, value] of await this.#store.list(PREFIX)) {
      this.#closes.set(key.slice(PREFIX.length), typeof value === 'object' ? value as AgreedClose : null)
    }
  }

  has (laneKey: string): boolean {
    return this.#closes.has(laneKey)
  }

  get (laneKey: string): AgreedClose | undefined {
    return this.#closes.get(laneKey) ?? undefined
  }

  /**
   * Forgets ended lanes when it is full: a signed close counts for as long as its epoch lasts, since nobody knows who holds it.
   *
   * @throws {CocoonError} no_room
   */
  async makeRoom (maxCloses: number, hasEnded: (laneKey: string) => Promise<boolean>): Promise<void> {
    if (this.#closes.size < maxCloses) {
      return
    }
    const ended: string[] = []
    for (const laneKey of this.#closes.keys()) {
      if (await hasEnded(laneKey)) {
        ended.push(laneKey)
      }
    }
    if (ended.length === 0) {
      throw new CocoonError('no_room', 'too many lanes are about to end')
    }
    ended.forEach(laneKey => { this.#closes.delete(laneKey) })
    await this.#store.commit(ended.map(laneKey => ({ key: `${PREFIX}${laneKey}`, value: null })))
  }

  /** Counts at once; on disk when it resolves. */
  async add (laneKey: string, close: AgreedClose): Promise<void> {
    this.#closes.set(laneKey, close)
    await this.#store.commit([{ key: `${PREFIX}${laneKey}`, value: close }])
  }
}
