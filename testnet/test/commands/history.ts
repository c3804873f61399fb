import { Address } from '@ton/core'
import type { TonClient } from '@ton/ton'

/** A message as its sender's transaction shows it. */
export interface SentMessage {
  readonly to: string
  readonly valueNano: string
  /** The body's bag of cells, base64; empty where there is none. */
  readonly body: string
}

export interface Books {
  /** All that came in less all that went out, less fees: what the account must hold. */
  readonly nano: bigint
  /** Oldest first. */
  readonly sent: readonly SentMessage[]
}

const ALL = 100

/** An account's balance, added up from its history. */
export async function booksOf (client: TonClient, account: string): Promise<Books> {
  const history = await client.getTransactions(Address.parse(account), { limit: ALL })
  let nano = 0n
  const sent: SentMessage[] = []
  for (const tx of history.toReversed()) {
    nano += (tx.inMessage?.info.type === 'internal' ? tx.inMessage.info.value.coins : 0n) - tx.totalFees.coins
    for (const message of tx.outMessages.values()) {
      if (message.info.type === 'internal') {
        nano -= message.info.value.coins + message.info.forwardFee
        const body = message.body.bits.length === 0 && message.body.refs.length === 0 ? '' : message.body.toBoc().toString('base64')
        sent.push({ to: message.info.dest.toRawString(), valueNano: message.info.value.coins.toString(), body })
      }
    }
  }
  return { nano, sent }
}
