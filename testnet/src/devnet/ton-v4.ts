import { Cell, Dictionary, beginCell, parseTuple, serializeTuple } from '@ton/core'
import { Hono } from 'hono'
import { bocOf } from './boc.ts'
import { MAX_PAGE, MAX_STACK_ITEMS, SHARD, V4_PAGE } from './constants.ts'
import { jsonBody } from './json-body.ts'
import { addressOf, bad, cellOf, hashOf, ltOf, methodOf, numberOf, textOf } from './params.ts'
import { parsedTransactionJson } from './parsed-transaction.ts'
import { base64OfHex, base64OfInt } from './toncenter-json.ts'
import type { ChainContext } from './chain-context.ts'
import type { StoredTransaction } from './ledger.ts'
import type { BlockRecord } from './store.ts'
import type { Address, ShardAccount, TupleItem } from '@ton/core'

function blockJson (block: BlockRecord, workchain: number): object {
  return { workchain, seqno: block.seqno, shard: SHARD, rootHash: base64OfHex(block.rootHash), fileHash: base64OfHex(block.fileHash) }
}

function existing (block: BlockRecord | undefined): object {
  if (block == null) {
    return { exist: false }
  }
  const of = (workchain: number): object => ({
    ...blockJson(block, workchain),
    transactions: block.transactions
      .filter(tx => tx.account.startsWith(`${workchain}:`))
      .map(tx => ({ account: tx.account, hash: base64OfHex(tx.hash), lt: tx.lt }))
  })
  return { exist: true, block: { shards: [of(-1), of(0)] } }
}

function stateJson ({ account }: ShardAccount, lite: boolean): object {
  const state = account?.storage.state
  if (state?.type === 'frozen') {
    return { type: 'frozen', stateHash: base64OfInt(state.stateHash) }
  }
  if (state?.type !== 'active') {
    return { type: 'uninit' }
  }
  const { code, data } = state.state
  return lite
    ? { type: 'active', codeHash: (code ?? Cell.EMPTY).hash().toString('base64'), dataHash: (data ?? Cell.EMPTY).hash().toString('base64') }
    : { type: 'active', code: code?.toBoc().toString('base64') ?? null, data: data?.toBoc().toString('base64') ?? null }
}

function accountJson (shard: ShardAccount, lite: boolean): object {
  const { account } = shard
  const stats = account?.storageStats
  return {
    state: stateJson(shard, lite),
    balance: { coins: (account?.storage.balance.coins ?? 0n).toString(), currencies: {} },
    last: shard.lastTransactionLt === 0n ? null : { lt: shard.lastTransactionLt.toString(), hash: base64OfInt(shard.lastTransactionHash) },
    storageStat: stats == null
      ? null
      : {
          lastPaid: stats.lastPaid,
          duePayment: stats.duePayment == null ? null : stats.duePayment.toString(),
          used: { bits: Number(stats.used.bits), cells: Number(stats.used.cells), publicCells: 0 }
        }
  }
}

function argumentsOf (text: string | undefined): TupleItem[] {
  if (text == null || text === '') {
    return []
  }
  const cell = cellOf(text, 'args')
  let items: TupleItem[]
  try {
    items = parseTuple(cell)
  } catch (error) {
    throw bad('args is not a tuple')
  }
  if (items.length > MAX_STACK_ITEMS) {
    throw bad(`args holds more than ${MAX_STACK_ITEMS} items`)
  }
  return items
}

/** The REST API that TonClient4 speaks. Errors are thrown; the caller maps them. */
export function v4Routes ({ ledger, now, send }: ChainContext): Hono {
  const app = new Hono()
  const at = async (params: { seqno: string, address: string }): Promise<{ block: BlockRecord, address: Address }> => {
    const block = await ledger.block(numberOf(params, 'seqno'))
    if (block == null) {
      throw bad('no such block')
    }
    return { block, address: addressOf(params) }
  }

  app.get('/block/latest', async (c) => {
    const first = await ledger.block(0) ?? ledger.last
    const { last } = ledger
    return c.json({
      last: blockJson(last, -1),
      init: { rootHash: base64OfHex(first.rootHash), fileHash: base64OfHex(first.fileHash) },
      stateRootHash: base64OfHex(last.rootHash),
      now: Math.floor(now() / 1_000)
    })
  })
  app.get('/block/utime/:utime', async (c) => c.json(existing(await ledger.blockByUtime(numberOf(c.req.param(), 'utime')))))
  app.get('/block/:seqno', async (c) => c.json(existing(await ledger.block(numberOf(c.req.param(), 'seqno')))))
  app.get('/block/:seqno/config/:ids?', async (c) => {
    const all = ledger.config.beginParse().loadDictDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell())
    const ids = c.req.param('ids')
    const wanted = ids == null ? all.keys() : ids.split(',').slice(0, MAX_STACK_ITEMS).map(id => numberOf({ id }, 'id'))
    const some = Dictionary.empty(Dictionary.Keys.Int(32), Dictionary.Values.Cell())
    for (const id of wanted) {
      const cell = all.get(id)
      if (cell != null) {
        some.set(id, cell)
      }
    }
    return c.json({
      config: {
        cell: some.size === 0 ? Cell.EMPTY.toBoc().toString('base64') : beginCell().storeDictDirect(some).endCell().toBoc().toString('base64'),
        address: all.get(0)?.beginParse().loadBuffer(32).toString('base64') ?? '',
        globalBalance: { coins: '0' }
      }
    })
  })
  app.get('/block/:seqno/:address', async (c) => {
    const { block, address } = await at(c.req.param())
    return c.json({ account: accountJson(await ledger.account(address, block.seqno), false), block: blockJson(block, -1) })
  })
  app.get('/block/:seqno/:address/lite', async (c) => {
    const { block, address } = await at(c.req.param())
    return c.json({ account: accountJson(await ledger.account(address, block.seqno), true), block: blockJson(block, -1) })
  })
  app.get('/block/:seqno/:address/changed/:lt', async (c) => {
    const { block, address } = await at(c.req.param())
    const account = await ledger.account(address, block.seqno)
    return c.json({ changed: account.lastTransactionLt !== ltOf(c.req.param('lt'), 'lt'), block: blockJson(block, -1) })
  })
  app.get('/block/:seqno/:address/run/:method/:args?', async (c) => {
    const { block, address } = await at(c.req.param())
    const result = await ledger.run(address, methodOf(c.req.param('method')), argumentsOf(c.req.param('args')), { nowMs: now(), seqno: block.seqno })
    return c.json({
      exitCode: result.exitCode,
      resultRaw: result.stack.length === 0 ? null : serializeTuple(result.stack).toBoc().toString('base64'),
      block: blockJson(block, -1),
      shardBlock: blockJson(block, 0)
    })
  })
  const historyOf = async (params: { address: string, lt: string, hash: string }, limit: number): Promise<{ page: StoredTransaction[], blocks: object[] }> => {
    const fromLt = ltOf(params.lt, 'lt')
    const hash = hashOf(params.hash, 'hash')
    const page = await ledger.history(addressOf(params), { limit, fromLt })
    if (page.length === 0 || BigInt(page[0].record.lt) !== fromLt || page[0].record.hash !== hash) {
      throw bad('cannot find the transaction of this lt and hash')
    }
    const blocks = await Promise.all(page.map(async ({ record }) => ledger.block(record.seqno)))
    return { page, blocks: blocks.map(block => blockJson(block ?? ledger.last, 0)) }
  }
  app.get('/account/:address/tx/:lt/:hash', async (c) => {
    const { page, blocks } = await historyOf(c.req.param(), V4_PAGE)
    return c.json({ blocks, boc: bocOf(page.map(({ record }) => Cell.fromBase64(record.boc))).toString('base64') })
  })
  app.get('/account/:address/tx/parsed/:lt/:hash', async (c) => {
    const { page, blocks } = await historyOf(c.req.param(), Math.min(MAX_PAGE, numberOf(c.req.query(), 'count', V4_PAGE)))
    return c.json({ blocks, transactions: page.map(parsedTransactionJson) })
  })
  app.post('/send', async (c) => {
    await send(textOf(await jsonBody(c.req.raw), 'boc'))
    return c.json({ status: 1 })
  })
  return app
}
