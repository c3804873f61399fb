import { CocoonError } from '@cocoon-net/protocol'
import { Address, Cell, beginCell, storeMessage } from '@ton/core'
import type { BlockRef, Ledger, StoredTransaction } from './ledger.ts'
import type { Message, TupleItem } from '@ton/core'

type Params = Readonly<Record<string, unknown>>
type Result = Promise<unknown>

export interface V2Context {
  readonly ledger: Ledger
  now (): number
  /** Makes an external message durable and executes it. */
  send (boc: string): Promise<void>
}

/** One page of history. */
const MAX_PAGE = 100
const SHARD = '-9223372036854775808'

function bad (message: string): CocoonError {
  return new CocoonError('bad_request', message)
}

function textOf (params: Params, name: string): string {
  const value = params[name]
  if (typeof value !== 'string' || value.length > 100_000) {
    throw bad(`${name} must be a text`)
  }
  return value
}

function numberOf (params: Params, name: string, fallback?: number): number {
  const value = Number(params[name] ?? fallback)
  if (!Number.isSafeInteger(value) || value < 0) {
    throw bad(`${name} must be a whole number`)
  }
  return value
}

function addressOf (params: Params): Address {
  try {
    return Address.parse(textOf(params, 'address'))
  } catch (error) {
    throw bad('address is not a TON address')
  }
}

function b64 (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function blockId (block: BlockRef, workchain: number): object {
  return { '@type': 'ton.blockIdExt', workchain, shard: SHARD, seqno: block.seqno, root_hash: b64(block.rootHash), file_hash: b64(block.fileHash) }
}

function messageJson (message: Message): object {
  const { info } = message
  const internal = info.type === 'internal'
  return {
    '@type': 'raw.message',
    hash: beginCell().store(storeMessage(message)).endCell().hash().toString('base64'),
    source: info.src == null || info.type === 'external-in' ? '' : String(info.src),
    destination: info.dest == null || info.type === 'external-out' ? '' : String(info.dest),
    value: internal ? info.value.coins.toString() : '0',
    fwd_fee: internal ? info.forwardFee.toString() : '0',
    ihr_fee: internal ? info.ihrFee.toString() : '0',
    created_lt: internal ? info.createdLt.toString() : '0',
    body_hash: message.body.hash().toString('base64'),
    msg_data: { '@type': 'msg.dataRaw', body: message.body.toBoc().toString('base64'), init_state: '' },
    message: ''
  }
}

function transactionJson (stored: StoredTransaction): object {
  const { tx } = stored
  const storageFee = tx.description.type === 'generic' ? tx.description.storagePhase?.storageFeesCollected ?? 0n : 0n
  return {
    '@type': 'raw.transaction',
    address: { '@type': 'accountAddress', account_address: new Address(0, Buffer.from(tx.address.toString(16).padStart(64, '0'), 'hex')).toString() },
    utime: stored.utime,
    data: stored.boc,
    transaction_id: { '@type': 'internal.transactionId', lt: stored.lt.toString(), hash: b64(stored.hash) },
    fee: tx.totalFees.coins.toString(),
    storage_fee: storageFee.toString(),
    other_fee: (tx.totalFees.coins - storageFee).toString(),
    in_msg: tx.inMessage == null ? undefined : messageJson(tx.inMessage),
    out_msgs: tx.outMessages.values().map(messageJson)
  }
}

function stackToItems (stack: unknown): TupleItem[] {
  if (!Array.isArray(stack) || stack.length > 64) {
    throw bad('stack must be a list')
  }
  return stack.map((entry): TupleItem => {
    const [type, value] = Array.isArray(entry) ? entry : []
    const boc = typeof value === 'string' ? value : value?.bytes
    if (type === 'num' || type === 'int') {
      return { type: 'int', value: BigInt(value) }
    }
    if (type === 'tvm.Cell' || type === 'cell') {
      return { type: 'cell', cell: Cell.fromBase64(boc) }
    }
    if (type === 'tvm.Slice' || type === 'slice') {
      return { type: 'slice', cell: Cell.fromBase64(boc) }
    }
    throw bad('the stack holds an item of an unknown type')
  })
}

function itemToJson (item: TupleItem): unknown {
  switch (item.type) {
    case 'int': return ['num', item.value < 0n ? `-0x${(-item.value).toString(16)}` : `0x${item.value.toString(16)}`]
    case 'null': return ['list', { '@type': 'tvm.list', elements: [] }]
    case 'nan': return ['num', 'NaN']
    case 'cell':
    case 'slice':
    case 'builder': return ['cell', { bytes: item.cell.toBoc().toString('base64') }]
    default: return ['tuple', { '@type': 'tvm.tuple', elements: item.items.map(itemToElement) }]
  }
}

function itemToElement (item: TupleItem): unknown {
  switch (item.type) {
    case 'int': return { '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number: item.value.toString() } }
    case 'cell':
    case 'slice':
    case 'builder': return { '@type': 'tvm.stackEntryCell', cell: { '@type': 'tvm.cell', bytes: item.cell.toBoc().toString('base64') } }
    case 'tuple': return { '@type': 'tvm.stackEntryTuple', tuple: { '@type': 'tvm.tuple', elements: item.items.map(itemToElement) } }
    default: return { '@type': 'tvm.stackEntryList', list: { '@type': 'tvm.list', elements: [] } }
  }
}

async function information ({ ledger, now }: V2Context, params: Params): Result {
  const account = await ledger.account(addressOf(params))
  return {
    '@type': 'raw.fullAccountState',
    balance: account.balance.toString(),
    extra_currencies: [],
    code: account.code,
    data: account.data,
    last_transaction_id: { '@type': 'internal.transactionId', lt: account.lastLt.toString(), hash: b64(account.lastHash) },
    block_id: blockId(ledger.last, -1),
    frozen_hash: '',
    sync_utime: Math.floor(now() / 1_000),
    state: account.state
  }
}

/** The methods of toncenter's HTTP API v2 that clients call. */
export const V2_METHODS: Readonly<Record<string, (context: V2Context, params: Params) => Result>> = Object.freeze({
  getAddressInformation: information,
  getAddressBalance: async ({ ledger }, params) => (await ledger.account(addressOf(params))).balance.toString(),
  getAddressState: async ({ ledger }, params) => (await ledger.account(addressOf(params))).state,
  getWalletInformation: async ({ ledger, now }, params) => {
    const address = addressOf(params)
    const account = await ledger.account(address)
    const seqno = account.state === 'active' ? await ledger.run(address, 'seqno', [], now()) : null
    const first = seqno?.stack[0]
    return {
      wallet: seqno?.exitCode === 0,
      balance: account.balance.toString(),
      account_state: account.state,
      ...(first?.type === 'int' ? { seqno: Number(first.value) } : {}),
      last_transaction_id: { '@type': 'internal.transactionId', lt: account.lastLt.toString(), hash: b64(account.lastHash) }
    }
  },
  runGetMethod: async ({ ledger, now }, params) => {
    const method = params.method
    if (typeof method !== 'string' && typeof method !== 'number') {
      throw bad('method must be a name or a number')
    }
    const result = await ledger.run(addressOf(params), method, stackToItems(params.stack ?? []), now())
    return {
      '@type': 'smc.runResult',
      gas_used: result.gasUsed,
      exit_code: result.exitCode,
      stack: result.stack.map(itemToJson),
      block_id: blockId(ledger.last, -1)
    }
  },
  sendBoc: async ({ send }, params) => {
    await send(textOf(params, 'boc'))
    return { '@type': 'ok' }
  },
  getTransactions: async ({ ledger }, params) => {
    const fromLt = params.lt == null ? undefined : BigInt(String(params.lt))
    const toLt = params.to_lt == null || params.to_lt === '0' ? undefined : BigInt(String(params.to_lt))
    return ledger.history(addressOf(params), { limit: Math.min(MAX_PAGE, numberOf(params, 'limit', 10)), fromLt, toLt }).map(transactionJson)
  },
  getMasterchainInfo: async ({ ledger }) => ({
    '@type': 'blocks.masterchainInfo',
    last: blockId(ledger.last, -1),
    state_root_hash: b64(ledger.last.rootHash),
    init: blockId(ledger.block(0) ?? ledger.last, -1)
  }),
  shards: async ({ ledger }, params) => ({ '@type': 'blocks.shards', shards: [blockId(ledger.block(numberOf(params, 'seqno')) ?? ledger.last, 0)] }),
  getBlockTransactions: async ({ ledger }, params) => {
    const seqno = numberOf(params, 'seqno')
    const block = ledger.block(seqno)
    if (block == null) {
      throw bad('no such block')
    }
    const workchain = Number(params.workchain ?? 0)
    const transactions = workchain === 0 ? ledger.transactionsIn(seqno) : []
    return {
      '@type': 'blocks.transactions',
      id: blockId(block, workchain),
      req_count: numberOf(params, 'count', 40),
      incomplete: false,
      transactions: transactions.map(t => ({ '@type': 'blocks.shortTxId', mode: 135, account: `0:${t.tx.address.toString(16).padStart(64, '0')}`, lt: t.lt.toString(), hash: b64(t.hash) }))
    }
  },
  estimateFee: async () => ({
    '@type': 'query.fees',
    // What an ordinary wallet transfer costs under this configuration; the emulator's own figure comes with the transaction.
    source_fees: { '@type': 'fees', in_fwd_fee: 1_000_000, storage_fee: 1_000, gas_fee: 3_000_000, fwd_fee: 400_000 },
    destination_fees: []
  })
})
