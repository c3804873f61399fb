import { beginCell, internal, storeMessage } from '@ton/core'
import { expect } from 'aegir/chai'
import { TON, createWorld, post, rpc, transferBoc, walletV4 } from './world.ts'
import type { World } from './world.ts'

describe('devnet server', () => {
  let world: World

  before(async function () {
    this.timeout(20_000)
    world = await createWorld()
  })

  after(async () => { await world.close() })

  it('refuses what is not JSON, not an object or not a method, in toncenter\'s shape', async () => {
    const { endpoint, url } = world.devnet
    for (const body of ['', '{', '[]', 'null', '7', '"text"']) {
      expect(await post(endpoint, body), body).to.deep.equal({ status: 422, body: { ok: false, error: 'the body must be a JSON object', code: 422 } })
    }
    for (const method of [undefined, 'nothing', '__proto__', 'constructor', 7]) {
      const answer = await post(endpoint, { id: 3, method, params: {} })
      expect(answer, String(method)).to.deep.include({ status: 422 })
      expect(answer.body).to.include({ ok: false, id: 3, jsonrpc: '2.0' })
    }
    expect((await fetch(`${url}/nowhere`)).status).to.equal(404)
  })

  const address = walletV4(1).address.toString()
  const refusals: Array<[string, string, object]> = [
    ['no address', 'getAddressInformation', {}],
    ['a bad address', 'getAddressInformation', { address: 'EQ' }],
    ['an address that is no text', 'getAddressInformation', { address: { a: 1 } }],
    ['a bad lt', 'getTransactions', { address, lt: '-1' }],
    ['a bad limit', 'getTransactions', { address, limit: 1.5 }],
    ['a stack that is no list', 'runGetMethod', { address, method: 'seqno', stack: 'x' }],
    ['a stack of unknown items', 'runGetMethod', { address, method: 'seqno', stack: [['wat', '1']] }],
    ['a number that is none', 'runGetMethod', { address, method: 'seqno', stack: [['num', '1e9']] }],
    ['a cell that is none', 'runGetMethod', { address, method: 'seqno', stack: [['tvm.Cell', 'AAAA']] }],
    ['a long stack', 'runGetMethod', { address, method: 'seqno', stack: Array.from({ length: 65 }, () => ['num', '1']) }],
    ['a method without a name', 'runGetMethod', { address, method: null }],
    ['an unknown block', 'getBlockTransactions', { workchain: 0, seqno: 1e9 }],
    ['an unknown parameter', 'getConfigParam', { config_id: 999_999 }],
    ['a message that nobody sent', 'tryLocateResultTx', { source: address, destination: address, created_lt: '1' }]
  ]
  it('refuses unusable parameters, each with a short reason', async () => {
    const { devnet } = world
    // A transaction, so that the hash is looked at.
    await devnet.faucet(address, TON)
    const { body: { result: [{ transaction_id: { lt } }] } } = await rpc(devnet.endpoint, 'getTransactions', { address, limit: 1 })
    const hashes: typeof refusals = ['zz', '0'.repeat(64)].map(hash => [`the hash ${hash}`, 'getTransactions', { address, limit: 1, lt, hash }])
    for (const [what, method, params] of [...refusals, ...hashes]) {
      const answer = await rpc(devnet.endpoint, method, params)
      expect(answer.status, what).to.equal(422)
      expect(answer.body, what).to.include({ ok: false, code: 422 })
      expect(answer.body.error, what).to.be.a('string').with.length.below(200)
    }
  })

  it('refuses messages without changing anything and without VM logs', async () => {
    const { devnet } = world
    const wallet = walletV4(20)
    await devnet.faucet(wallet.address.toString(), TON)
    const before = devnet.snapshot()
    const money = beginCell().store(storeMessage({ ...internal({ to: wallet.address, value: TON, bounce: false }), info: { type: 'internal', ihrDisabled: true, bounce: false, bounced: false, src: walletV4(21).address, dest: wallet.address, value: { coins: TON }, ihrFee: 0n, forwardFee: 0n, createdLt: 0n, createdAt: 0 } })).endCell().toBoc().toString('base64')
    const messages: Array<[string, string]> = [
      ['not a cell', 'AAAA'],
      ['too large', Buffer.alloc(70_000).toString('base64')],
      ['an internal message', money],
      ['a wrong seqno', transferBoc({ seed: 20, seqno: 5, to: wallet, value: 1n })],
      ['an account that has no code', transferBoc({ seed: 22, seqno: 1, to: wallet, value: 1n })]
    ]
    for (const [what, boc] of messages) {
      const answer = await rpc(devnet.endpoint, 'sendBoc', { boc })
      expect(answer.status, what).to.equal(500)
      expect(answer.body, what).to.include({ ok: false, code: 500 })
      expect(answer.body.error, what).to.be.a('string').with.length.below(100)
      expect((await post(`${devnet.url}/v4/send`, { boc })).status, what).to.equal(500)
    }
    expect(devnet.snapshot()).to.deep.equal(before)
    // The chain goes on as if nothing had been.
    expect((await rpc(devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed: 20, seqno: 0, to: walletV4(23), value: 1_000n }) })).status).to.equal(200)
  })

  it('answers exit codes of get-methods', async () => {
    const { devnet } = world
    const wallet = walletV4(24)
    const none = await rpc(devnet.endpoint, 'runGetMethod', { address: wallet.address.toString(), method: 'seqno', stack: [] })
    expect(none.body.result).to.deep.include({ exit_code: -13, stack: [] })
    await devnet.faucet(wallet.address.toString(), TON)
    await rpc(devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed: 24, seqno: 0, to: wallet, value: 1n }) })
    const unknown = await rpc(devnet.endpoint, 'runGetMethod', { address: wallet.address.toString(), method: 'no_such', stack: [] })
    expect(unknown.body.result).to.deep.include({ exit_code: 11, stack: [] })
    const known = await rpc(devnet.endpoint, 'runGetMethod', { address: wallet.address.toString(), method: 'seqno', stack: [] })
    expect(known.body.result.stack).to.deep.equal([['num', '0x1']])
  })

  it('takes no orders from web pages, other hosts or forms', async () => {
    const { url } = world.devnet
    const body = { address, amountNano: '1' }
    expect((await post(`${url}/devnet/faucet`, body, { origin: 'http://127.0.0.1' })).status).to.equal(403)
    expect((await post(`${url}/devnet/faucet`, body, { 'content-type': 'text/plain' })).status).to.equal(415)
    // fetch does not let one set Host.
    const { request } = await import('node:http')
    const status = await new Promise(resolve => {
      request(`${url}/devnet/info`, { headers: { host: 'evil.example' } }, response => {
        response.resume()
        resolve(response.statusCode)
      }).end()
    })
    expect(status).to.equal(403)
  })

  it('sends nothing by GET, as toncenter does', async () => {
    const { url } = world.devnet
    for (const method of ['jsonRPC', 'sendBoc', 'sendBocReturnHash', 'sendQuery', 'sendQuerySimple', 'runGetMethod', 'estimateFee']) {
      const response = await fetch(`${url}/api/v2/${method}?address=${address}&boc=AA`)
      expect([response.status, response.headers.get('allow'), (await response.json() as any).code], method).to.deep.equal([405, 'POST', 405])
    }
  })

  it('bounds the faucet and the size of bodies', async () => {
    const { url, endpoint } = world.devnet
    for (const amountNano of ['0', '-1', '1.5', '1000000000001', '9'.repeat(20), 5]) {
      expect((await post(`${url}/devnet/faucet`, { address, amountNano })).status, String(amountNano)).to.equal(422)
    }
    expect((await post(`${url}/devnet/faucet`, { address, amountNano: '1', more: 1 })).status).to.equal(422)
    expect((await post(endpoint, 'x'.repeat(300_000))).status).to.equal(413)
  })

  it('gives pages of at most a hundred, newest first', async function () {
    this.timeout(10_000)
    const { devnet } = world
    const to = walletV4(25).address.toString()
    for (let i = 0; i < 105; i++) {
      await devnet.faucet(to, BigInt(i + 1))
    }
    const { body } = await rpc(devnet.endpoint, 'getTransactions', { address: to, limit: 1_000 })
    expect(body.result.map((tx: any) => Number(tx.in_msg.value))).to.deep.equal(Array.from({ length: 100 }, (_, i) => 105 - i))
  })

  it('goes back to a snapshot, balances, history and blocks alike', async () => {
    const { devnet, client } = world
    const wallet = walletV4(26)
    await devnet.faucet(wallet.address.toString(), 2n * TON)
    const { body: { snapshot } } = await post(`${devnet.url}/devnet/snapshot`, {})
    const known = await client.getTransactions(wallet.address, { limit: 10 })
    await rpc(devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed: 26, seqno: 0, to: walletV4(27), value: TON }) })
    await devnet.faucet(walletV4(28).address.toString(), TON)

    const restored = await post(`${devnet.url}/devnet/restore`, { seqno: snapshot.seqno })
    expect(restored.body).to.deep.equal({ ok: true, snapshot })
    expect(await client.getBalance(wallet.address)).to.equal(2n * TON)
    expect(await client.isContractDeployed(wallet.address)).to.equal(false)
    expect(await client.getBalance(walletV4(27).address)).to.equal(0n)
    expect(await client.getBalance(walletV4(28).address)).to.equal(0n)
    expect((await client.getTransactions(wallet.address, { limit: 10 })).map(tx => tx.lt)).to.deep.equal(known.map(tx => tx.lt))
    // The same message is new again, and restarting does not bring back what was taken.
    await rpc(devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed: 26, seqno: 0, to: walletV4(27), value: TON }) })
    await world.restart()
    expect(await world.client.getBalance(walletV4(27).address)).to.equal(TON)
    expect(await world.client.getBalance(walletV4(28).address)).to.equal(0n)
    expect((await post(`${world.devnet.url}/devnet/restore`, { seqno: 1e9 })).status).to.equal(422)
  })
})
