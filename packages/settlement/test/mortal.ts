import type { KeyValue } from '../src/store.ts'
import type { TonPort } from '../src/ton-port.ts'
import type { Wallet } from '../src/wallet.ts'

const NEVER = new Promise<never>(() => {})

/** A process that dies once so many of its disk writes have landed: from then on nothing it does has an effect, or an end. */
export class Mortal {
  readonly died: Promise<void>
  writes = 0
  #isDead = false
  readonly #lifetime: number
  readonly #onDeath: () => void

  constructor (lifetimeWrites = Infinity) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lifetime = lifetimeWrites
    this.died = promise
    this.#onDeath = resolve
  }

  get isDead (): boolean {
    return this.#isDead
  }

  end (): void {
    this.#isDead = true
    this.#onDeath()
  }

  /** `target` as the process uses it; methods named in `writes` count. */
  #wrap<T extends object> (target: T, writes: readonly string[] = []): T {
    return new Proxy(target, {
      get: (object, name) => {
        const value = Reflect.get(object, name, object)
        if (typeof value !== 'function' || typeof name !== 'string') {
          return value
        }
        return (...args: unknown[]) => {
          if (this.#isDead) {
            return NEVER
          }
          if (writes.includes(name)) {
            return this.#outlived(this.#slowly(async () => Reflect.apply(value, object, args)), true)
          }
          const result: unknown = Reflect.apply(value, object, args)
          return result instanceof Promise ? this.#outlived(result, false) : result
        }
      }
    })
  }

  /** A disk is slower than all that does not wait for it. */
  async #slowly (write: () => Promise<unknown>): Promise<unknown> {
    await new Promise(resolve => { setImmediate(resolve) })
    return this.#isDead ? NEVER : write()
  }

  async #outlived (result: Promise<unknown>, isWrite: boolean): Promise<unknown> {
    const value = await result
    if (isWrite && !this.#isDead && ++this.writes >= this.#lifetime) {
      this.end()
    }
    return this.#isDead ? NEVER : value
  }

  kv (db: KeyValue): KeyValue {
    return this.#wrap(db, ['batch', 'put'])
  }

  port (port: TonPort): TonPort {
    return this.#wrap(port)
  }

  wallet (wallet: Wallet): Wallet {
    return this.#wrap(wallet)
  }
}
