import { hex } from './types.ts'
import type { Clock } from './clock.ts'
import type { Store } from './store.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

const DAY_MS = 86_400_000

/** First-contact credit: what a payee lets out to a vault that the chain does not back yet, within a sum per day. */
export class FirstContact {
  readonly #terms: NetworkPreset['firstContactCredit']
  readonly #store: Store
  readonly #clock: Clock
  /** the day of the last grant by vault, in hex */
  readonly #granted = new Map<string, number>()

  constructor (init: { terms: NetworkPreset['firstContactCredit'], store: Store, clock: Clock }) {
    this.#terms = init.terms
    this.#store = init.store
    this.#clock = init.clock
  }

  async load (): Promise<void> {
    for (const [key, day] of await this.#store.list('credit/')) {
      this.#granted.set(key.slice('credit/'.length), day as number)
    }
  }

  clear (): void {
    this.#granted.clear()
  }

  /** Credit is granted once per vault and day, within the day's sum, and the grant is on disk first. */
  async grant (account: Uint8Array): Promise<void> {
    const { enabled, perVaultNano, perDayNano } = this.#terms
    const vault = hex(account)
    const today = Math.floor(this.#clock.nowMs() / DAY_MS)
    if (!enabled || this.#granted.get(vault) === today) {
      return
    }
    const old = [...this.#granted].filter(([, day]) => day < today)
    for (const [gone] of old) {
      this.#granted.delete(gone)
    }
    if (BigInt(this.#granted.size + 1) * perVaultNano > perDayNano) {
      return
    }
    this.#granted.set(vault, today)
    await this.#store.commit([
      ...old.filter(([gone]) => gone !== vault).map(([gone]) => ({ key: `credit/${gone}`, value: null })),
      { key: `credit/${vault}`, value: today }
    ])
  }

  /** What the vault was granted, nanoTON. */
  creditNano (account: Uint8Array): bigint {
    return this.#terms.enabled && this.#granted.has(hex(account)) ? this.#terms.perVaultNano : 0n
  }
}
