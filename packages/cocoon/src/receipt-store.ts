import type { ReceiptStore } from '@cocoon-net/node'
import type { KeyValue } from '@cocoon-net/settlement'

/** Checkpoints and receipts in `level`, each synced to disk before it is sent. */
export function createReceiptStore (kv: KeyValue): ReceiptStore {
  return {
    put: async (key, value) => { await kv.put(key, Buffer.from(value).toString('base64'), { sync: true } as object) }
  }
}
