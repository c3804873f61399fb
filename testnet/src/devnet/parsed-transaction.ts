import { Address } from '@ton/core'
import { base64OfHex, base64OfInt, commentOf } from './toncenter-json.ts'
import type { StoredTransaction } from './ledger.ts'
import type { Cell, ExternalAddress, Message, StateInit, Transaction } from '@ton/core'

/** Transactions as the v4 API's `tx/parsed` shows them. */

const STATUS = { uninitialized: 'uninitialized', frozen: 'frozen', active: 'active', 'non-existing': 'non-existing' } as const

function base64Of (cell: Cell): string {
  return cell.toBoc().toString('base64')
}

function externalJson (address: ExternalAddress | null | undefined): object | null {
  return address == null ? null : { bits: address.bits, data: address.value.toString(16) }
}

function initJson (init: StateInit | null | undefined): object | null {
  return init == null
    ? null
    : {
        splitDepth: init.splitDepth ?? null,
        code: init.code == null ? null : base64Of(init.code),
        data: init.data == null ? null : base64Of(init.data),
        special: init.special ?? null
      }
}

function infoJson ({ info }: Message): object {
  switch (info.type) {
    case 'internal': return {
      type: info.type,
      value: info.value.coins.toString(),
      dest: info.dest.toString(),
      src: info.src.toString(),
      bounced: info.bounced,
      bounce: info.bounce,
      ihrDisabled: info.ihrDisabled,
      createdAt: info.createdAt,
      createdLt: info.createdLt.toString(),
      fwdFee: info.forwardFee.toString(),
      ihrFee: info.ihrFee.toString()
    }
    case 'external-in': return { type: info.type, dest: info.dest.toString(), src: externalJson(info.src), importFee: info.importFee.toString() }
    default: return { type: info.type, dest: externalJson(info.dest) }
  }
}

function messageJson (message: Message): object {
  return { body: base64Of(message.body), info: infoJson(message), init: initJson(message.init) }
}

function isDone ({ description }: Transaction): boolean {
  // Coins for an account without code are taken, though nothing runs and the description says that it was aborted.
  return description.type !== 'generic' || description.computePhase.type === 'skipped' || (!description.aborted && description.actionPhase?.success !== false)
}

/** What a wallet's history shows: the coins that came in, or those that the first message took out. */
function movementOf (tx: Transaction, own: string): { kind: 'in' | 'out', amount: bigint, other: string, body: Cell | undefined, bounced: boolean } {
  const incoming = tx.inMessage
  if (incoming?.info.type === 'internal') {
    const { value, src, bounced } = incoming.info
    return { kind: 'in', amount: value.coins, other: src.toString(), body: incoming.body, bounced }
  }
  const sent = tx.outMessages.values().find(message => message.info.type === 'internal')
  return sent?.info.type === 'internal'
    ? { kind: 'out', amount: -sent.info.value.coins, other: sent.info.dest.toString(), body: sent.body, bounced: false }
    : { kind: 'out', amount: 0n, other: own, body: undefined, bounced: false }
}

function bodyJson (body: Cell | undefined): object | null {
  if (body === undefined || (body.bits.length === 0 && body.refs.length === 0)) {
    return null
  }
  const comment = commentOf(body)
  return comment === undefined ? { type: 'payload', cell: base64Of(body) } : { type: 'comment', comment }
}

export function parsedTransactionJson ({ record, tx }: StoredTransaction): object {
  const own = Address.parseRaw(record.account).toString()
  const { kind, amount, other, body, bounced } = movementOf(tx, own)
  const comment = body === undefined ? undefined : commentOf(body)
  return {
    address: own,
    lt: record.lt,
    hash: base64OfHex(record.hash),
    prevTransaction: { lt: tx.prevTransactionLt.toString(), hash: base64OfInt(tx.prevTransactionHash) },
    time: tx.now,
    outMessagesCount: tx.outMessagesCount,
    oldStatus: STATUS[tx.oldStatus],
    newStatus: STATUS[tx.endStatus],
    fees: tx.totalFees.coins.toString(),
    update: { oldHash: tx.stateUpdate.oldHash.toString('base64'), newHash: tx.stateUpdate.newHash.toString('base64') },
    inMessage: tx.inMessage == null ? null : messageJson(tx.inMessage),
    outMessages: tx.outMessages.values().map(messageJson),
    parsed: {
      seqno: null,
      body: bodyJson(body),
      status: isDone(tx) ? 'success' : 'failed',
      dest: kind === 'out' ? other : null,
      kind,
      amount: amount.toString(),
      resolvedAddress: other,
      bounced,
      mentioned: other === own ? [] : [other]
    },
    operation: { address: other, ...(comment === undefined ? {} : { comment }), items: [{ kind: 'ton', amount: amount.toString() }] }
  }
}
