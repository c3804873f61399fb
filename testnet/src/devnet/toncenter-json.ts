import { Address, beginCell, storeMessage } from '@ton/core'
import { SHARD } from './constants.ts'
import type { StoredTransaction } from './ledger.ts'
import type { BlockRecord } from './store.ts'
import type { Cell, Message, ShardAccount, TupleItem } from '@ton/core'

/** Shapes of toncenter's HTTP API v2. */

export function base64OfHex (hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}

export function base64OfInt (value: bigint): string {
  return base64OfHex(value.toString(16).padStart(64, '0'))
}

export function blockIdJson (block: BlockRecord, workchain: number): object {
  return { '@type': 'ton.blockIdExt', workchain, shard: SHARD, seqno: block.seqno, root_hash: base64OfHex(block.rootHash), file_hash: base64OfHex(block.fileHash) }
}

export function lastTransactionJson (account: ShardAccount): object {
  return { '@type': 'internal.transactionId', lt: account.lastTransactionLt.toString(), hash: base64OfInt(account.lastTransactionHash) }
}

export function stateName (account: ShardAccount): 'active' | 'uninitialized' | 'frozen' {
  const type = account.account?.storage.state.type
  return type === 'active' || type === 'frozen' ? type : 'uninitialized'
}

export function balanceOf (account: ShardAccount): bigint {
  return account.account?.storage.balance.coins ?? 0n
}

export function accountJson (account: ShardAccount, block: BlockRecord, nowMs: number): object {
  const state = account.account?.storage.state
  return {
    '@type': 'raw.fullAccountState',
    balance: balanceOf(account).toString(),
    extra_currencies: [],
    code: state?.type === 'active' ? state.state.code?.toBoc().toString('base64') ?? '' : '',
    data: state?.type === 'active' ? state.state.data?.toBoc().toString('base64') ?? '' : '',
    last_transaction_id: lastTransactionJson(account),
    block_id: blockIdJson(block, -1),
    frozen_hash: state?.type === 'frozen' ? base64OfInt(state.stateHash) : '',
    sync_utime: Math.floor(nowMs / 1_000),
    state: stateName(account)
  }
}

/** A text comment: 32 zero bits, then text in UTF-8 over a chain of cells. */
export function commentOf (body: Cell): string | undefined {
  try {
    const slice = body.beginParse()
    return slice.remainingBits >= 32 && slice.loadUint(32) === 0 ? slice.loadStringTail() : undefined
  } catch {
    return undefined
  }
}

function messageJson (message: Message): object {
  const { info } = message
  const comment = commentOf(message.body)
  const internal = info.type === 'internal'
  return {
    '@type': 'raw.message',
    hash: beginCell().store(storeMessage(message)).endCell().hash().toString('base64'),
    source: info.src == null || info.type === 'external-in' ? '' : info.src.toString(),
    destination: info.dest == null || info.type === 'external-out' ? '' : info.dest.toString(),
    value: internal ? info.value.coins.toString() : '0',
    extra_currencies: [],
    fwd_fee: internal ? info.forwardFee.toString() : '0',
    ihr_fee: internal ? info.ihrFee.toString() : '0',
    created_lt: internal ? info.createdLt.toString() : '0',
    body_hash: message.body.hash().toString('base64'),
    msg_data: comment === undefined
      ? { '@type': 'msg.dataRaw', body: message.body.toBoc().toString('base64'), init_state: '' }
      : { '@type': 'msg.dataText', text: Buffer.from(comment).toString('base64') },
    message: comment ?? ''
  }
}

export function transactionJson ({ record, tx }: StoredTransaction): object {
  const storageFee = tx.description.type === 'generic' ? tx.description.storagePhase?.storageFeesCollected ?? 0n : 0n
  return {
    '@type': 'raw.transaction',
    address: { '@type': 'accountAddress', account_address: Address.parseRaw(record.account).toString() },
    utime: record.utime,
    data: record.boc,
    transaction_id: { '@type': 'internal.transactionId', lt: record.lt, hash: base64OfHex(record.hash) },
    fee: tx.totalFees.coins.toString(),
    storage_fee: storageFee.toString(),
    other_fee: (tx.totalFees.coins - storageFee).toString(),
    in_msg: tx.inMessage == null ? undefined : messageJson(tx.inMessage),
    out_msgs: tx.outMessages.values().map(messageJson)
  }
}

export function shortTransactionJson (tx: BlockRecord['transactions'][number]): object {
  return { '@type': 'blocks.shortTxId', mode: 135, account: tx.account, lt: tx.lt, hash: base64OfHex(tx.hash) }
}

export function stackItemJson (item: TupleItem): unknown {
  switch (item.type) {
    case 'int': return ['num', item.value < 0n ? `-0x${(-item.value).toString(16)}` : `0x${item.value.toString(16)}`]
    case 'null': return ['list', { '@type': 'tvm.list', elements: [] }]
    case 'nan': return ['num', 'NaN']
    case 'cell':
    case 'slice':
    case 'builder': return ['cell', { bytes: item.cell.toBoc().toString('base64') }]
    default: return ['tuple', { '@type': 'tvm.tuple', elements: item.items.map(elementJson) }]
  }
}

function elementJson (item: TupleItem): unknown {
  switch (item.type) {
    case 'int': return { '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number: item.value.toString() } }
    case 'cell':
    case 'slice':
    case 'builder': return { '@type': 'tvm.stackEntryCell', cell: { '@type': 'tvm.cell', bytes: item.cell.toBoc().toString('base64') } }
    case 'tuple': return { '@type': 'tvm.stackEntryTuple', tuple: { '@type': 'tvm.tuple', elements: item.items.map(elementJson) } }
    default: return { '@type': 'tvm.stackEntryList', list: { '@type': 'tvm.list', elements: [] } }
  }
}
