import { buildReceiptCell, cellToBytes, receiptHash, toHex } from '@cocoon-net/protocol'
import type { Receipt } from '@cocoon-net/protocol'
import type { Signer } from '@cocoon-net/settlement'

/** Where checkpoints lie before they are sent; `put` resolves when the record is on disk. */
export interface ReceiptStore {
  put(key: string, value: Uint8Array): Promise<void>
}

export interface SignedReceipt { readonly receipt: Receipt, readonly hash: Uint8Array, readonly cell: Uint8Array, readonly signature: Uint8Array }

/** Signs what a provider states of its jobs; the one way in which a receipt leaves it. */
export interface ReceiptLog {
  record(receipt: Receipt): Promise<SignedReceipt>
}

export function createReceiptLog (signer: Signer, store: ReceiptStore): ReceiptLog {
  return { record: async (receipt) => recordReceipt(receipt, signer, store) }
}

/** Signs a checkpoint and writes it to disk, in this order, before it may be sent: a stream that dies leaves evidence. */
async function recordReceipt (receipt: Receipt, signer: Signer, store: ReceiptStore): Promise<SignedReceipt> {
  const hash = receiptHash(receipt)
  const cell = cellToBytes(buildReceiptCell(receipt))
  const signature = signer.sign(hash)
  const value = new Uint8Array(64 + cell.byteLength)
  value.set(signature)
  value.set(cell, 64)
  await store.put(`receipt/${toHex(receipt.jobId)}/${receipt.seq.toString().padStart(6, '0')}`, value)
  return { receipt, hash, cell, signature }
}
