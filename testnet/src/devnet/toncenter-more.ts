import { Address, beginCell, external, storeMessage } from '@ton/core'
import { addressOf, bad, cellOf, numberOf, optionalCell, textOf } from './params.ts'
import { balanceOf, base64OfInt, blockIdJson, lastTransactionJson, transactionJson } from './toncenter-json.ts'
import type { ChainContext, V2Method } from './chain-context.ts'
import type { Params } from './params.ts'
import type { Cell } from '@ton/core'

/** A message made of its parts, as wallets that do not serialise it themselves send it. */
async function sendQuery ({ send }: ChainContext, params: Params): Promise<object> {
  const [code, data] = [optionalCell(params, 'init_code'), optionalCell(params, 'init_data')]
  const init = code == null || data == null ? null : { code, data }
  const message = external({ to: addressOf(params), init, body: cellOf(params.body, 'body') })
  await send(beginCell().store(storeMessage(message)).endCell().toBoc().toString('base64'))
  return { '@type': 'ok' }
}

function forms (address: Address, bounceable: boolean): object {
  return { b64: address.toString({ bounceable, urlSafe: false }), b64url: address.toString({ bounceable }) }
}

function notationOf (text: string): { given_type: string, test_only: boolean } {
  if (text.includes(':')) {
    return { given_type: 'raw_form', test_only: false }
  }
  const { isBounceable, isTestOnly } = Address.parseFriendly(text)
  return { given_type: isBounceable ? 'friendly_bounceable' : 'friendly_non_bounceable', test_only: isTestOnly }
}

/** Methods of toncenter's HTTP API v2 beside those that a wallet needs. */
export const MORE_V2_METHODS: Readonly<Record<string, V2Method>> = Object.freeze({
  getExtendedAddressInformation: async ({ ledger, now }, params) => {
    const address = addressOf(params)
    const account = await ledger.account(address)
    const state = account.account?.storage.state
    const base64 = (cell: Cell | null | undefined): string => cell?.toBoc().toString('base64') ?? ''
    return {
      '@type': 'fullAccountState',
      address: { '@type': 'accountAddress', account_address: address.toString() },
      balance: balanceOf(account).toString(),
      extra_currencies: [],
      last_transaction_id: lastTransactionJson(account),
      block_id: blockIdJson(ledger.last, -1),
      sync_utime: Math.floor(now() / 1_000),
      account_state: state?.type === 'active'
        ? { '@type': 'raw.accountState', code: base64(state.state.code), data: base64(state.state.data), frozen_hash: '' }
        : { '@type': 'uninited.accountState', frozen_hash: state?.type === 'frozen' ? base64OfInt(state.stateHash) : '' },
      revision: 0
    }
  },
  packAddress: async (_context, params) => addressOf(params).toString({ urlSafe: false }),
  unpackAddress: async (_context, params) => addressOf(params).toRawString(),
  detectAddress: async (_context, params) => {
    const address = addressOf(params)
    return {
      raw_form: address.toRawString(),
      bounceable: forms(address, true),
      non_bounceable: forms(address, false),
      ...notationOf(textOf(params, 'address'))
    }
  },
  getConsensusBlock: async ({ ledger }) => ({ consensus_block: ledger.last.seqno, timestamp: ledger.last.utime }),
  getConfigAll: async ({ ledger }) => ({ '@type': 'configInfo', config: { '@type': 'tvm.cell', bytes: ledger.config.toBoc().toString('base64') } }),
  // What a devnet's contracts use they carry with them.
  getLibraries: async () => ({ '@type': 'smc.libraryResult', result: [] }),
  getBlockTransactionsExt: async ({ ledger }, params) => {
    const block = await ledger.block(numberOf(params, 'seqno'))
    if (block == null) {
      throw bad('no such block')
    }
    const workchain = Number(params.workchain ?? 0)
    const inIt = block.transactions.filter(tx => tx.account.startsWith(`${workchain}:`))
    const count = numberOf(params, 'count', inIt.length)
    const pages = await Promise.all(inIt.slice(0, count).map(async tx => ledger.history(Address.parseRaw(tx.account), { limit: 1, fromLt: BigInt(tx.lt) })))
    return {
      '@type': 'blocks.transactionsExt',
      id: blockIdJson(block, workchain),
      req_count: count,
      incomplete: count < inIt.length,
      transactions: pages.flat().map(transactionJson)
    }
  },
  sendBocReturnHash: async ({ send }, params) => {
    const boc = textOf(params, 'boc')
    await send(boc)
    const message = cellOf(boc, 'boc')
    return { '@type': 'raw.extMessageInfo', hash: message.hash().toString('base64') }
  },
  sendQuery,
  sendQuerySimple: sendQuery
})
