import { request } from 'node:http'
import { Address, Cell, SendMode, TupleReader, beginCell, contractAddress, external, internal, storeMessage, storeStateInit } from '@ton/core'
import { TonClient4 } from '@ton/ton'
import { expect } from 'aegir/chai'
import tonwebModule from 'tonweb'
import { TON, createWorld, keysOf, post, rpc, transferBoc, until, walletV4, walletV5 } from './world.ts'
import type { World } from './world.ts'
import type { TupleItem } from '@ton/core'

// Its types describe an ES module, its code is CommonJS.
const TonWeb = tonwebModule as unknown as typeof tonwebModule.default

/** The long comment needs more than one cell. */
const LONG = 'so long that it does not fit into one cell, '.repeat(6)

/**
 * Code whose every get-method gives its arguments back: SETCP0, then the method's number is dropped. Written as opcodes:
 * FF00 SETCP0, 30 DROP.
 */
const ECHO = beginCell().storeBuffer(Buffer.from('ff0030', 'hex')).endCell()

/** Sends a body in chunks, so that no header says its length. */
async function postChunked (url: string, parts: readonly string[]): Promise<{ status: number, body: any }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', () => { resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }) })
    })
    sent.on('error', reject)
    for (const part of parts) {
      sent.write(part)
    }
    sent.end()
  })
}

describe('devnet with strangers', function () {
  this.timeout(30_000)
  let world: World

  before(async () => { world = await createWorld() })
  after(async () => { await world.close() })

  const funded = async (seed: number, amount = 5n * TON): Promise<ReturnType<typeof walletV4>> => {
    const wallet = walletV4(seed)
    await world.devnet.faucet(wallet.address.toString(), amount)
    return wallet
  }
  const pay = async (seed: number, seqno: number, to: Address, body: string): Promise<void> => {
    await world.client.open(walletV4(seed)).sendTransfer({ seqno, secretKey: keysOf(seed).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to, value: TON / 10n, bounce: false, body })] })
  }

  it('TonClient4 reads parsed history, and asks by time', async () => {
    const client = new TonClient4({ endpoint: world.devnet.url })
    const wallet = await funded(21)
    await pay(21, 0, walletV4(22).address, 'thank you')
    const { last, now } = await client.getLastBlock()
    const { account } = await client.getAccount(last.seqno, walletV4(22).address)
    const page = async (address: Address, from: { lt: string, hash: string } | null | undefined, count?: number): Promise<any> =>
      client.getAccountTransactionsParsed(address, BigInt(from?.lt ?? 0), Buffer.from(from?.hash ?? '', 'base64'), count)
    const received = await page(walletV4(22).address, account.last)
    expect(received.transactions[0].parsed).to.deep.include({ kind: 'in', amount: (TON / 10n).toString(), status: 'success', body: { type: 'comment', comment: 'thank you' }, resolvedAddress: wallet.address.toString() })
    expect(received.transactions[0].operation.comment).to.equal('thank you')
    const own = (await client.getAccount(last.seqno, wallet.address)).account
    const sent = await page(wallet.address, own.last, 1)
    expect(sent.transactions).to.have.lengthOf(1)
    expect(sent.transactions[0].parsed).to.deep.include({ kind: 'out', amount: (-TON / 10n).toString(), dest: walletV4(22).address.toString() })
    expect((await page(wallet.address, own.last)).transactions).to.have.lengthOf(2)
    expect((await client.getBlockByUtime(now)).shards[0].seqno).to.equal(last.seqno)
    expect(await client.isContractDeployed(last.seqno, wallet.address)).to.equal(true)
  })

  it('comments are text for those who do not parse cells', async () => {
    const wallet = await funded(23)
    await pay(23, 0, walletV4(24).address, LONG)
    const { body: { result: [received] } } = await rpc(world.devnet.endpoint, 'getTransactions', { address: walletV4(24).address.toString(), limit: 1 })
    expect(received.in_msg.message).to.equal(LONG)
    expect(received.in_msg.msg_data).to.deep.equal({ '@type': 'msg.dataText', text: Buffer.from(LONG).toString('base64') })
    expect(received.in_msg.source).to.equal(wallet.address.toString())
    const parsed = await world.client.getTransactions(walletV4(24).address, { limit: 1 })
    expect(parsed[0].inMessage?.body.beginParse().skip(32).loadStringTail()).to.equal(LONG)
  })

  it('every call that tonweb knows is answered', async () => {
    const provider: any = new TonWeb.HttpProvider(world.devnet.endpoint)
    const wallet = await funded(25)
    const address = wallet.address.toString()
    const seqno = world.devnet.snapshot().seqno
    expect((await provider.getAddressInfo(address)).state).to.equal('uninitialized')
    expect((await provider.getExtendedAddressInfo(address)).account_state['@type']).to.equal('uninited.accountState')
    await provider.sendBoc(transferBoc({ seed: 25, seqno: 0, to: walletV4(26), value: 1n }))
    expect((await provider.getExtendedAddressInfo(address)).account_state['@type']).to.equal('raw.accountState')
    expect(await provider.getBalance(address)).to.be.a('string')
    expect((await provider.getWalletInfo(address)).seqno).to.equal(1)
    expect((await provider.getMasterchainInfo()).last.seqno).to.equal(seqno + 1)
    expect((await provider.getBlockShards(seqno)).shards[0].seqno).to.equal(seqno)
    expect((await provider.getBlockTransactions(0, '-9223372036854775808', seqno)).transactions).to.have.lengthOf(1)
    expect((await provider.getMasterchainBlockTransactions(seqno)).transactions).to.deep.equal([])
    expect((await provider.getBlockHeader(0, '-9223372036854775808', seqno)).id.seqno).to.equal(seqno)
    expect((await provider.getMasterchainBlockHeader(seqno)).id.workchain).to.equal(-1)
    expect((await provider.call(address, 'seqno')).stack).to.deep.equal([['num', '0x1']])
    expect((await provider.call2(address, 'seqno')).toString()).to.equal('1')
  })

  it('get-methods take and give numbers, cells, slices, builders and tuples, nested too', async () => {
    const init = { code: ECHO, data: Cell.EMPTY }
    const address = contractAddress(0, init)
    const funder = await funded(27)
    await world.client.open(funder).sendTransfer({ seqno: 0, secretKey: keysOf(27).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: address, value: TON / 10n, bounce: false, init })] })
    expect(await world.client.isContractDeployed(address)).to.equal(true)
    const cell = beginCell().storeUint(7, 8).endCell()
    const simple: TupleItem[] = [{ type: 'int', value: -5n }, { type: 'int', value: 2n ** 200n }, { type: 'cell', cell }, { type: 'slice', cell }]
    const { stack } = await world.client.runMethod(address, 'echo', simple)
    expect([stack.readBigNumber(), stack.readBigNumber()]).to.deep.equal([-5n, 2n ** 200n])
    expect([stack.readCell().equals(cell), stack.readCell().equals(cell)]).to.deep.equal([true, true])

    const client4 = new TonClient4({ endpoint: world.devnet.url })
    const tuple: TupleItem = { type: 'tuple', items: [{ type: 'int', value: 1n }, { type: 'tuple', items: [{ type: 'cell', cell }, { type: 'null' }] }] }
    const { last } = await client4.getLastBlock()
    const { result, exitCode } = await client4.runMethod(last.seqno, address, 'echo', [...simple, tuple, { type: 'null' }])
    expect(exitCode).to.equal(0)
    expect(result.map(item => item.type)).to.deep.equal(['int', 'int', 'cell', 'slice', 'tuple', 'null'])
    const inner = new TupleReader([result[4]]).readTuple()
    expect(inner.readBigNumber()).to.equal(1n)

    const entry = { '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number: '9' } }
    const nested = { '@type': 'tvm.stackEntryTuple', tuple: { '@type': 'tvm.tuple', elements: [entry] } }
    const { body } = await rpc(world.devnet.endpoint, 'runGetMethod', { address: address.toString(), method: 'echo', stack: [['tuple', { '@type': 'tvm.tuple', elements: [entry, nested] }]] })
    expect(body.result.stack[0]).to.deep.equal(['tuple', { '@type': 'tvm.tuple', elements: [entry, nested] }])
    for (const bad of [[['tuple', 5]], [['tuple', { elements: [{ '@type': 'x' }] }]], [['num', 'x']], [['cell', 'zz']], [['frob', 1]], 'x', [[]], Array(65).fill(['num', 1])]) {
      const answer = await rpc(world.devnet.endpoint, 'runGetMethod', { address: address.toString(), method: 'echo', stack: bad })
      expect([answer.status, answer.body.ok], JSON.stringify(bad)).to.deep.equal([422, false])
    }
  })

  it('history pages by lt and hash without a gap, up to and after a transaction', async () => {
    const wallet = await funded(28)
    for (let seqno = 0; seqno < 5; seqno++) {
      await pay(28, seqno, walletV4(29).address, `${seqno}`)
    }
    const all = await world.client.getTransactions(wallet.address, { limit: 100 })
    expect(all).to.have.lengthOf(6)
    const seen: string[] = []
    let page = await world.client.getTransactions(wallet.address, { limit: 2 })
    while (page.length > 0) {
      seen.push(...page.map(tx => tx.lt.toString()))
      const last = page[page.length - 1]
      page = await world.client.getTransactions(wallet.address, { limit: 2, lt: last.lt.toString(), hash: last.hash().toString('base64') })
    }
    expect(seen).to.deep.equal(all.map(tx => tx.lt.toString()))
    expect((await world.client.getTransactions(wallet.address, { limit: 100, to_lt: all[3].lt.toString() })).map(tx => tx.lt)).to.deep.equal(all.slice(0, 3).map(tx => tx.lt))
    const inclusive = await world.client.getTransactions(wallet.address, { limit: 1, lt: all[2].lt.toString(), hash: all[2].hash().toString('base64'), inclusive: true })
    expect(inclusive.map(tx => tx.lt)).to.deep.equal([all[2].lt])
    const wrong = await rpc(world.devnet.endpoint, 'getTransactions', { address: wallet.address.toString(), lt: all[2].lt.toString(), hash: all[1].hash().toString('hex'), limit: 1 })
    expect([wrong.status, wrong.body.ok]).to.deep.equal([422, false])
  })

  it('a message that comes twice is executed once, whoever sends it', async () => {
    await funded(30)
    const boc = transferBoc({ seed: 30, seqno: 0, to: walletV4(31), value: TON })
    const first = await rpc(world.devnet.endpoint, 'sendBocReturnHash', { boc })
    expect(first.body.result).to.deep.equal({ '@type': 'raw.extMessageInfo', hash: Cell.fromBase64(boc).hash().toString('base64') })
    const again = await rpc(world.devnet.endpoint, 'sendBoc', { boc })
    expect([again.status, again.body.error]).to.deep.equal([500, 'the message was not accepted, exit code 33'])
    expect((await post(`${world.devnet.url}/send`, { boc })).status).to.equal(500)
    expect(await world.client.getBalance(walletV4(31).address)).to.equal(TON)
  })

  it('sends what callers took apart: address, body, code and data', async () => {
    const wallet = await funded(32)
    const body = wallet.createTransfer({ seqno: 0, secretKey: keysOf(32).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: walletV4(33).address, value: TON, bounce: false })] })
    const base64 = (cell: Cell): string => cell.toBoc().toString('base64')
    const params = { address: wallet.address.toString(), body: base64(body), init_code: base64(wallet.init.code), init_data: base64(wallet.init.data) }
    const estimate = await rpc(world.devnet.endpoint, 'estimateFee', { ...params, ignore_chksig: true })
    expect(estimate.body.result.source_fees.gas_fee).to.be.greaterThan(0)
    expect((await rpc(world.devnet.endpoint, 'sendQuery', params)).body.result).to.deep.equal({ '@type': 'ok' })
    expect(await world.client.getBalance(walletV4(33).address)).to.equal(TON)
    const bad = await rpc(world.devnet.endpoint, 'estimateFee', { ...params, body: 'zz' })
    expect([bad.status, bad.body.ok]).to.deep.equal([422, false])
  })

  it('takes addresses in every notation, and says what they are', async () => {
    const wallet = await funded(34)
    const raw = wallet.address.toRawString()
    for (const text of [raw, wallet.address.toString(), wallet.address.toString({ bounceable: false }), wallet.address.toString({ urlSafe: false }), wallet.address.toString({ testOnly: true })]) {
      const balance = await (await fetch(`${world.devnet.url}/api/v2/getAddressBalance?address=${encodeURIComponent(text)}`)).json()
      expect(balance, text).to.deep.equal({ ok: true, result: (5n * TON).toString() })
      expect((await rpc(world.devnet.endpoint, 'unpackAddress', { address: text })).body.result).to.equal(raw)
    }
    expect((await rpc(world.devnet.endpoint, 'packAddress', { address: raw })).body.result).to.equal(wallet.address.toString({ urlSafe: false }))
    expect((await rpc(world.devnet.endpoint, 'detectAddress', { address: wallet.address.toString({ bounceable: false, testOnly: true }) })).body.result)
      .to.deep.include({ raw_form: raw, given_type: 'friendly_non_bounceable', test_only: true })
    for (const address of ['', 'EQ', '0:12', `${raw}0`, 'x'.repeat(300), 5, null]) {
      for (const method of ['getAddressBalance', 'getAddressInformation', 'getTransactions', 'getWalletInformation', 'runGetMethod', 'estimateFee', 'detectAddress']) {
        const { status, body } = await rpc(world.devnet.endpoint, method, { address, method: 'seqno', stack: [] })
        expect([status, body.ok, typeof body.error], `${method} ${String(address)}`).to.deep.equal([422, false, 'string'])
      }
    }
  })

  it('garbage gets a status and JSON, never a crash', async () => {
    const before = world.devnet.snapshot()
    const internalMessage = beginCell().store(storeMessage(internal({ to: walletV4(35).address, value: TON, bounce: false }) as any)).endCell().toBoc().toString('base64')
    const toNobody = beginCell().store(storeMessage(external({ to: walletV4(36).address, body: Cell.EMPTY }))).endCell().toBoc().toString('base64')
    const torn = transferBoc({ seed: 37, seqno: 0, to: walletV4(38), value: 1n }).slice(0, 120)
    for (const boc of ['', 'zz', 'AAAA', torn, internalMessage, toNobody, Cell.EMPTY.toBoc().toString('base64'), beginCell().store(storeStateInit({ code: ECHO })).endCell().toBoc().toString('base64')]) {
      for (const answer of [await rpc(world.devnet.endpoint, 'sendBoc', { boc }), await post(`${world.devnet.url}/send`, { boc })]) {
        expect([answer.status, answer.body.ok, typeof answer.body.error], boc.slice(0, 20)).to.deep.equal([500, false, 'string'])
        expect(answer.body.error.length < 100).to.equal(true)
      }
    }
    for (const body of ['{', '[]', 'null', '"x"', '']) {
      for (const path of ['/api/v2/jsonRPC', '/api/v2/sendBoc', '/send']) {
        expect((await post(world.devnet.url + path, body)).status, `${path} ${body}`).to.equal(422)
      }
    }
    for (const [method, path] of [['OPTIONS', '/api/v2/jsonRPC'], ['DELETE', '/api/v2/jsonRPC'], ['PUT', '/send'], ['PATCH', '/devnet/faucet'], ['GET', '/nope'], ['GET', '/']] as const) {
      const response = await fetch(world.devnet.url + path, { method })
      expect([response.status, (await response.json()).ok], `${method} ${path}`).to.deep.equal([404, false])
    }
    expect(world.devnet.snapshot()).to.deep.equal(before)
  })

  it('a body in chunks is as good as one with a length, and as bounded', async () => {
    const wallet = await funded(39)
    const whole = JSON.stringify({ id: 1, jsonrpc: '2.0', method: 'getAddressBalance', params: { address: wallet.address.toString() } })
    const { status, body } = await postChunked(world.devnet.endpoint, [whole.slice(0, 9), whole.slice(9)])
    expect([status, body.result]).to.deep.equal([200, (5n * TON).toString()])
    const large = await postChunked(world.devnet.endpoint, Array(5).fill('x'.repeat(65_536)))
    expect([large.status, large.body]).to.deep.equal([413, { ok: false, error: 'the body is too large', code: 413 }])
  })

  it('a wallet v5 signs for the chain\'s own number, and each chain has its own', async () => {
    const testnet = await createWorld({ globalId: -3 })
    try {
      expect(testnet.devnet.globalId).to.equal(-3)
      const wallet = walletV5(40, -3)
      await testnet.devnet.faucet(wallet.address.toString(), 2n * TON)
      const opened = testnet.client.open(wallet)
      await opened.sendTransfer({ seqno: 0, secretKey: keysOf(40).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: walletV4(41).address, value: TON, bounce: false })] })
      await until(async () => await testnet.client.getBalance(walletV4(41).address) === TON)
      const param = await (await fetch(`${testnet.devnet.url}/api/v2/getConfigParam?config_id=19`)).json()
      expect(Cell.fromBase64(param.result.config.bytes).beginParse().loadInt(32)).to.equal(-3)
      expect((await (await fetch(`${testnet.devnet.url}/devnet/info`)).json()).globalId).to.equal(-3)
    } finally {
      await testnet.close()
    }
  })
})
