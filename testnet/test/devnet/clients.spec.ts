import { Address, SendMode, TonClient4, internal } from '@ton/ton'
import { expect } from 'aegir/chai'
import tonwebModule from 'tonweb'
import { TON, createWorld, keysOf, rpc, transferBoc, walletV4, walletV5 } from './world.ts'
import type { World } from './world.ts'

// Its types describe an ES module, its code is CommonJS.
const TonWeb = tonwebModule as unknown as typeof tonwebModule.default

describe('devnet with unmodified clients', () => {
  let world: World

  before(async function () {
    this.timeout(20_000)
    world = await createWorld()
  })

  after(async () => { await world.close() })

  it('TonClient deploys a wallet v4, transfers and reads history', async () => {
    const { client, devnet } = world
    const wallet = walletV4(1)
    const to = walletV4(2)
    expect(await client.getContractState(wallet.address)).to.include({ balance: 0n, state: 'uninitialized', lastTransaction: null })
    await devnet.faucet(wallet.address.toString(), 5n * TON)
    expect(await client.getBalance(wallet.address)).to.equal(5n * TON)

    const opened = client.open(wallet)
    await opened.sendTransfer({ seqno: 0, secretKey: keysOf(1).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: to.address, value: TON, bounce: false, body: 'thank you' })] })
    expect(await client.isContractDeployed(wallet.address)).to.equal(true)
    expect(await opened.getSeqno()).to.equal(1)
    expect(await client.getBalance(to.address)).to.equal(TON)

    const history = await client.getTransactions(wallet.address, { limit: 10 })
    expect(history.map(tx => tx.inMessage?.info.type)).to.deep.equal(['external-in', 'internal'])
    const [sent, first] = history
    // What went out is what came in, less what is shown as fees.
    const kept = await client.getBalance(wallet.address)
    const message = sent.outMessages.values()[0].info
    const forwardFee = message.type === 'internal' ? message.forwardFee : 0n
    const action = sent.description.type === 'generic' ? sent.description.actionPhase : null
    expect(5n * TON - TON - kept).to.equal(sent.totalFees.coins + first.totalFees.coins + forwardFee)
    expect(action?.totalFwdFees).to.be.a('bigint')

    // The second page starts after the transaction named.
    const rest = await client.getTransactions(wallet.address, { limit: 10, lt: sent.lt.toString(), hash: sent.hash().toString('base64') })
    expect(rest.map(tx => tx.lt)).to.deep.equal([first.lt])
    const one = await client.getTransaction(wallet.address, first.lt.toString(), first.hash().toString('base64'))
    expect(one?.hash()).to.deep.equal(first.hash())

    const createdLt = message.type === 'internal' ? message.createdLt.toString() : ''
    const result = await client.tryLocateResultTx(wallet.address, to.address, createdLt)
    expect(result.inMessage?.info.dest?.toString()).to.equal(to.address.toString())
    const source = await client.tryLocateSourceTx(wallet.address, to.address, createdLt)
    expect(source.hash()).to.deep.equal(sent.hash())
  })

  it('TonClient walks blocks and shards', async () => {
    const { client, devnet } = world
    const wallet = walletV4(3)
    await devnet.faucet(wallet.address.toString(), TON)
    const { latestSeqno } = await client.getMasterchainInfo()
    const shards = await client.getWorkchainShards(latestSeqno)
    const found = await client.getShardTransactions(shards[0].workchain, shards[0].seqno, shards[0].shard)
    expect(found.map(tx => tx.account.toString())).to.deep.equal([wallet.address.toString()])
  })

  it('TonClient estimates what a transfer then costs', async () => {
    const { client, devnet } = world
    const wallet = walletV4(4)
    await devnet.faucet(wallet.address.toString(), TON)
    const body = wallet.createTransfer({ seqno: 0, secretKey: keysOf(4).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: wallet.address, value: 1n, bounce: false })] })
    const fees = await client.estimateExternalMessageFee(wallet.address, { body, initCode: wallet.init.code, initData: wallet.init.data, ignoreSignature: true })
    await client.sendExternalMessage(wallet, body)
    const [, sent] = await client.getTransactions(wallet.address, { limit: 2 })
    const gasFee = sent.description.type === 'generic' && sent.description.computePhase.type === 'vm' ? sent.description.computePhase.gasFees : 0n
    expect(fees.source_fees.gas_fee).to.equal(Number(gasFee))
    expect(fees.source_fees.fwd_fee).to.be.greaterThan(0)
    expect(fees.source_fees.in_fwd_fee).to.be.greaterThan(0)
  })

  it('a wallet v5 works with the devnet\'s global id and is another wallet without', async () => {
    const { client, devnet } = world
    expect(walletV5(5, devnet.globalId).address.toString()).to.not.equal(walletV5(5, -239).address.toString())
    const wallet = walletV5(5, devnet.globalId)
    await devnet.faucet(wallet.address.toString(), 2n * TON)
    const opened = client.open(wallet)
    await opened.sendTransfer({ seqno: await opened.getSeqno(), secretKey: keysOf(5).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: walletV4(6).address, value: TON, bounce: false })] })
    expect(await opened.getSeqno()).to.equal(1)
    expect(await client.getBalance(walletV4(6).address)).to.equal(TON)
  })

  it('TonClient4 deploys, transfers, reads history and earlier blocks', async () => {
    const { devnet } = world
    const client = new TonClient4({ endpoint: devnet.url })
    const wallet = walletV5(7, devnet.globalId)
    const empty = (await client.getLastBlock()).last.seqno
    await devnet.faucet(wallet.address.toString(), 3n * TON)
    const funded = (await client.getLastBlock()).last.seqno
    const opened = client.open(wallet)
    await opened.sendTransfer({ seqno: await opened.getSeqno(), secretKey: keysOf(7).secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages: [internal({ to: walletV4(8).address, value: TON, bounce: false })] })
    expect(await opened.getSeqno()).to.equal(1)

    const last = (await client.getLastBlock()).last.seqno
    expect(last).to.equal(funded + 1)
    expect((await client.getAccountLite(empty, wallet.address)).account.balance.coins).to.equal('0')
    expect((await client.getAccount(funded, wallet.address)).account).to.deep.include({ state: { type: 'uninit' }, balance: { coins: (3n * TON).toString(), currencies: {} } })
    const { account } = await client.getAccount(last, wallet.address)
    expect(account.state.type).to.equal('active')
    expect(account.storageStat?.used.cells).to.be.greaterThan(1)
    const lt = BigInt(account.last?.lt ?? 0)
    expect((await client.isAccountChanged(last, wallet.address, lt)).changed).to.equal(false)
    expect((await client.isAccountChanged(last, wallet.address, lt - 1n)).changed).to.equal(true)
    expect((await client.runMethod(funded, wallet.address, 'seqno')).exitCode).to.equal(-13)
    const { reader } = await client.runMethod(last, wallet.address, 'get_public_key')
    expect(reader.readBigNumber()).to.equal(BigInt(`0x${keysOf(7).publicKey.toString('hex')}`))

    const history = await client.getAccountTransactions(wallet.address, lt, Buffer.from(account.last?.hash ?? '', 'base64'))
    expect(history.map(({ block }) => block.seqno)).to.deep.equal([last, funded])
    expect(history[1].tx.inMessage?.info.type).to.equal('internal')
    const block = await client.getBlock(last)
    expect(block.shards[1].transactions.map(tx => tx.account)).to.deep.equal([wallet.address.toRawString(), walletV4(8).address.toRawString()])
    const { config } = await client.getConfig(last, [19])
    expect(config.cell).to.be.a('string')
  })

  it('tonweb deploys, transfers and calls', async () => {
    const { devnet } = world
    const provider = new TonWeb.HttpProvider(devnet.endpoint)
    const { publicKey, secretKey } = keysOf(9)
    const WalletV4R2 = TonWeb.Wallets.all.v4R2
    const wallet = new WalletV4R2(provider, { publicKey: new Uint8Array(publicKey), wc: 0 })
    const address = await wallet.getAddress()
    await devnet.faucet(Address.parse(address.toString(false)).toString(), 2n * TON)
    await wallet.deploy(new Uint8Array(secretKey)).send()
    expect(await wallet.methods.seqno().call()).to.equal(1)
    await wallet.methods.transfer({ secretKey: new Uint8Array(secretKey), toAddress: walletV4(10).address.toString({ bounceable: false }), amount: new TonWeb.utils.BN(TON.toString()), seqno: 1, sendMode: 3 }).send()
    const tonweb = new TonWeb(provider)
    expect(await tonweb.getBalance(walletV4(10).address.toString())).to.equal(TON.toString())
    expect(await tonweb.getTransactions(address.toString(true, true, true), 10)).to.have.length(3)
    expect((await provider.getWalletInfo(address.toString(true, true, true))).seqno).to.equal(2)
    // Missing from its types.
    const param = await (provider as unknown as { getConfigParam (id: number): Promise<{ bits: object }> }).getConfigParam(19)
    expect(param.bits.toString()).to.equal('FFFFFB3F')
  })

  it('plain HTTP gets the same answers by path', async () => {
    const { devnet } = world
    const wallet = walletV4(11)
    await devnet.faucet(wallet.address.toString(), 2n * TON)
    const answer = await fetch(`${devnet.url}/api/v2/getAddressBalance?address=${wallet.address.toString()}`)
    expect(await answer.json()).to.deep.equal({ ok: true, result: (2n * TON).toString() })
    const sent = await rpc(devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed: 11, seqno: 0, to: walletV4(12), value: TON }) })
    expect(sent).to.deep.equal({ status: 200, body: { ok: true, result: { '@type': 'ok' }, jsonrpc: '2.0', id: '1' } })
    const header = await (await fetch(`${devnet.url}/api/v2/getBlockHeader?workchain=-1&seqno=${devnet.snapshot().seqno}`)).json()
    expect(header.result).to.include({ '@type': 'blocks.header', global_id: devnet.globalId, end_lt: devnet.snapshot().lt })
    const found = await (await fetch(`${devnet.url}/api/v2/lookupBlock?workchain=-1&unixtime=${header.result.gen_utime}`)).json()
    expect(found.result.seqno).to.equal(devnet.snapshot().seqno)
    const info = await (await fetch(`${devnet.url}/devnet/info`)).json()
    expect(info).to.include({ globalId: devnet.globalId, genesis: Buffer.from(devnet.genesis).toString('hex') })
  })
})
