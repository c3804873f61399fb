import type { Ledger } from './ledger.ts'
import type { Params } from './params.ts'

/** What the API needs of the chain. */
export interface ChainContext {
  readonly ledger: Ledger
  now (): number
  /** Accepts an external message, in base64, and makes it durable. */
  send (boc: string): Promise<void>
}

/** One method of toncenter's HTTP API v2. */
export type V2Method = (context: ChainContext, params: Params) => Promise<unknown>
