import { Dictionary } from '@ton/core'
import { MAX_PAGE, SHARD } from './constants.ts'
import { addressOf, bad, cellOf, hashOf, ltOf, methodOf, numberOf, optionalCell, stackOf, textOf } from './params.ts'
import { accountJson, balanceOf, blockIdJson, lastTransactionJson, shortTransactionJson, stackItemJson, stateName, transactionJson } from './toncenter-json.ts'
import { MORE_V2_METHODS } from './toncenter-more.ts'
import type { ChainContext, V2Method } from './chain-context.ts'
import type { Ledger, StoredTransaction } from './ledger.ts'
import type { Params } from './params.ts'
import type { BlockRecord } from './store.ts'

async function blockOf (ledger: Ledger, params: Params): Promise<BlockRecord> {
  const block = await ledger.block(numberOf(params, 'seqno'))
  if (block == null) {
    throw bad('no such block')
  }
  return block
}

function located (found: StoredTransaction | undefined): object {
  if (found == null) {
    throw bad('transaction was not found')
  }
  return transactionJson(found)
}

async function locate ({ ledger }: ChainContext, params: Params, way: 'findResult' | 'findSource'): Promise<unknown> {
  return located(await ledger[way](addressOf(params, 'source'), addressOf(params, 'destination'), ltOf(params.created_lt, 'created_lt')))
}

async function transactions ({ ledger }: ChainContext, params: Params): Promise<unknown> {
  const fromLt = params.lt == null ? undefined : ltOf(params.lt, 'lt')
  const toLt = params.to_lt == null ? 0n : ltOf(params.to_lt, 'to_lt')
  const limit = Math.min(MAX_PAGE, numberOf(params, 'limit', 10))
  const address = addressOf(params)
  // The one asked for comes first; to_lt itself is left out.
  const page = await ledger.history(address, { limit, fromLt, toLt: toLt === 0n ? undefined : toLt + 1n })
  if (fromLt != null && params.hash != null && params.hash !== '' && page.length > 0) {
    const { record } = page[0]
    if (BigInt(record.lt) !== fromLt || record.hash !== hashOf(params.hash, 'hash')) {
      throw bad('cannot find the transaction of this lt and hash')
    }
  }
  return page.map(transactionJson)
}

/** The methods of toncenter's HTTP API v2 that clients call. */
export const V2_METHODS: Readonly<Record<string, V2Method>> = Object.freeze({
  ...MORE_V2_METHODS,
  getAddressInformation: async ({ ledger, now }, params) => accountJson(await ledger.account(addressOf(params)), ledger.last, now()),
  getAddressBalance: async ({ ledger }, params) => balanceOf(await ledger.account(addressOf(params))).toString(),
  getAddressState: async ({ ledger }, params) => stateName(await ledger.account(addressOf(params))),
  getWalletInformation: async ({ ledger, now }, params) => {
    const address = addressOf(params)
    const account = await ledger.account(address)
    const state = stateName(account)
    const seqno = state === 'active' ? await ledger.run(address, 'seqno', [], { nowMs: now() }) : null
    const first = seqno?.stack[0]
    return {
      wallet: seqno?.exitCode === 0,
      balance: balanceOf(account).toString(),
      account_state: state,
      ...(first?.type === 'int' ? { seqno: Number(first.value) } : {}),
      last_transaction_id: lastTransactionJson(account)
    }
  },
  runGetMethod: async ({ ledger, now }, params) => {
    const result = await ledger.run(addressOf(params), methodOf(params.method), stackOf(params.stack ?? []), { nowMs: now() })
    return {
      '@type': 'smc.runResult',
      gas_used: result.gasUsed,
      exit_code: result.exitCode,
      stack: result.stack.map(stackItemJson),
      block_id: blockIdJson(ledger.last, -1)
    }
  },
  sendBoc: async ({ send }, params) => {
    await send(textOf(params, 'boc'))
    return { '@type': 'ok' }
  },
  getTransactions: transactions,
  tryLocateTx: async (context, params) => locate(context, params, 'findResult'),
  tryLocateResultTx: async (context, params) => locate(context, params, 'findResult'),
  tryLocateSourceTx: async (context, params) => locate(context, params, 'findSource'),
  getMasterchainInfo: async ({ ledger }) => ({
    '@type': 'blocks.masterchainInfo',
    last: blockIdJson(ledger.last, -1),
    state_root_hash: Buffer.from(ledger.last.rootHash, 'hex').toString('base64'),
    init: blockIdJson(await ledger.block(0) ?? ledger.last, -1)
  }),
  shards: async ({ ledger }, params) => ({ '@type': 'blocks.shards', shards: [blockIdJson(await blockOf(ledger, params), 0)] }),
  getBlockTransactions: async ({ ledger }, params) => {
    const block = await blockOf(ledger, params)
    const workchain = Number(params.workchain ?? 0)
    const inIt = block.transactions.filter(tx => tx.account.startsWith(`${workchain}:`))
    const count = numberOf(params, 'count', inIt.length)
    return {
      '@type': 'blocks.transactions',
      id: blockIdJson(block, workchain),
      req_count: count,
      incomplete: count < inIt.length,
      transactions: inIt.slice(0, count).map(shortTransactionJson)
    }
  },
  getBlockHeader: async ({ ledger }, params) => {
    const block = await blockOf(ledger, params)
    const previous = block.seqno === 0 ? undefined : await ledger.block(block.seqno - 1)
    const workchain = Number(params.workchain ?? -1)
    return {
      '@type': 'blocks.header',
      id: blockIdJson(block, workchain),
      global_id: ledger.globalId,
      version: 0,
      shard: SHARD,
      gen_utime: block.utime,
      start_lt: previous?.endLt ?? '0',
      end_lt: block.endLt,
      prev_blocks: previous == null ? [] : [blockIdJson(previous, workchain)]
    }
  },
  lookupBlock: async ({ ledger }, params) => {
    const block = params.unixtime == null ? await blockOf(ledger, params) : await ledger.blockByUtime(numberOf(params, 'unixtime'))
    if (block == null) {
      throw bad('no such block')
    }
    return blockIdJson(block, Number(params.workchain ?? -1))
  },
  getConfigParam: async ({ ledger }, params) => {
    const id = numberOf(params, params.config_id == null ? 'param' : 'config_id')
    const cell = ledger.config.beginParse().loadDictDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell()).get(id)
    if (cell == null) {
      throw bad('no such parameter')
    }
    return { '@type': 'configInfo', config: { '@type': 'tvm.cell', bytes: cell.toBoc().toString('base64') } }
  },
  estimateFee: async ({ ledger, now }, params) => {
    const fees = await ledger.estimateFee({
      address: addressOf(params),
      body: cellOf(params.body, 'body'),
      code: optionalCell(params, 'init_code'),
      data: optionalCell(params, 'init_data'),
      ignoreSignature: params.ignore_chksig !== false && params.ignore_chksig !== 'false',
      nowMs: now()
    })
    return {
      '@type': 'query.fees',
      source_fees: { '@type': 'fees', in_fwd_fee: Number(fees.inFwdFee), storage_fee: Number(fees.storageFee), gas_fee: Number(fees.gasFee), fwd_fee: Number(fees.fwdFee) },
      destination_fees: []
    }
  }
})
