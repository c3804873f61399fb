import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { internal, toNano } from '@ton/core'
import { keyPairFromSeed } from '@ton/crypto'
import { TonClient, WalletContractV4 } from '@ton/ton'
import { expect } from 'aegir/chai'
import { startDevnet } from '../../src/devnet/index.ts'
import type { Devnet } from '../../src/devnet/index.ts'

const GENESIS = new Uint8Array(32).fill(7)
const KEYS = keyPairFromSeed(Buffer.alloc(32, 3))

async function post (url: string, body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) })
}

describe('devnet', function () {
  this.timeout(20_000)
  let home: string
  let devnet: Devnet

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'cocoon-devnet-'))
    devnet = await startDevnet({ home, genesis: GENESIS })
  })

  afterEach(async () => {
    await devnet.stop()
    await rm(home, { recursive: true, force: true })
  })

  const faucet = async (address: string, amountNano: string): Promise<Response> => post(`${devnet.url}/devnet/faucet`, { address, amountNano })

  it('serves an unmodified TonClient: deploys a wallet, transfers, reads history, runs get-methods', async () => {
    const client = new TonClient({ endpoint: devnet.endpoint })
    const contract = WalletContractV4.create({ workchain: 0, publicKey: KEYS.publicKey })
    const wallet = client.open(contract)
    expect((await faucet(contract.address.toRawString(), toNano('5').toString())).status).to.equal(200)
    expect(await wallet.getBalance()).to.equal(toNano('5'))
    expect(await client.isContractDeployed(contract.address)).to.equal(false)

    const other = WalletContractV4.create({ workchain: 0, publicKey: Buffer.alloc(32, 1) }).address
    await wallet.sendTransfer({ seqno: 0, secretKey: KEYS.secretKey, messages: [internal({ to: other, value: toNano('1'), bounce: false })] })
    expect(await client.isContractDeployed(contract.address)).to.equal(true)
    expect(await wallet.getSeqno()).to.equal(1)
    expect(await client.getBalance(other) > toNano('0.99')).to.equal(true)

    const history = await client.getTransactions(contract.address, { limit: 10 })
    expect(history).to.have.lengthOf(2)
    expect(history[0].lt > history[1].lt).to.equal(true)
    expect(history[0].outMessagesCount).to.equal(1)
    expect((await client.getMasterchainInfo()).latestSeqno).to.equal(2)
  })

  it('refuses an external message that its contract does not accept, and changes nothing', async () => {
    const client = new TonClient({ endpoint: devnet.endpoint })
    const contract = WalletContractV4.create({ workchain: 0, publicKey: KEYS.publicKey })
    const wallet = client.open(contract)
    await faucet(contract.address.toRawString(), toNano('5').toString())
    await wallet.sendTransfer({ seqno: 0, secretKey: KEYS.secretKey, messages: [] })
    const before = await wallet.getBalance()
    const replay = wallet.sendTransfer({ seqno: 0, secretKey: KEYS.secretKey, messages: [] })
    await expect(replay).to.eventually.be.rejected()
    expect(await wallet.getBalance()).to.equal(before)
    expect((await client.getMasterchainInfo()).latestSeqno).to.equal(2)
  })

  it('has the same state after a restart on the same folder', async () => {
    const contract = WalletContractV4.create({ workchain: 0, publicKey: KEYS.publicKey })
    await faucet(contract.address.toRawString(), toNano('5').toString())
    const first = new TonClient({ endpoint: devnet.endpoint })
    await first.open(contract).sendTransfer({ seqno: 0, secretKey: KEYS.secretKey, messages: [] })
    const before = await first.getContractState(contract.address)
    await devnet.stop()
    devnet = await startDevnet({ home })
    const after = await new TonClient({ endpoint: devnet.endpoint }).getContractState(contract.address)
    expect(after.balance).to.equal(before.balance)
    expect(after.lastTransaction).to.deep.equal(before.lastTransaction)
    expect(devnet.genesis).to.deep.equal(GENESIS)
  })

  it('refuses a folder in use and a folder of another genesis', async () => {
    await expect(startDevnet({ home })).to.eventually.be.rejected().with.property('code', 'home_locked')
    await devnet.stop()
    await expect(startDevnet({ home, genesis: new Uint8Array(32) })).to.eventually.be.rejected().with.property('code', 'file_unusable')
    devnet = await startDevnet({ home })
  })

  it('refuses a taken port', async () => {
    const second = await mkdtemp(join(tmpdir(), 'cocoon-devnet-'))
    await expect(startDevnet({ home: second, port: Number(new URL(devnet.url).port) })).to.eventually.be.rejected().with.property('code', 'port_taken')
    await rm(second, { recursive: true, force: true })
  })

  it('answers malformed calls in toncenter\'s shape, without a stack', async () => {
    for (const body of ['', 'not json', '[]', { method: 'getAddressInformation', params: { address: 'x' } }, { method: 'nonsense' }, { method: 'runGetMethod', params: { address: `0:${'0'.repeat(64)}`, method: 'seqno', stack: [['num', 'x']] } }, { method: 'sendBoc', params: { boc: 'AAAA' } }]) {
      const response = await post(devnet.endpoint, body)
      expect(response.status).to.be.oneOf([422, 500])
      const answer = await response.json() as { ok: boolean, error: string }
      expect(answer.ok).to.equal(false)
      expect(answer.error).to.be.a('string').that.does.not.include('\n')
    }
  })

  it('refuses what a web page would send, and mints only within bounds', async () => {
    const address = `0:${'1'.repeat(64)}`
    expect((await post(`${devnet.url}/devnet/faucet`, { address, amountNano: '1' }, { 'content-type': 'application/json', origin: 'https://example.org' })).status).to.equal(403)
    expect((await post(`${devnet.url}/devnet/faucet`, { address, amountNano: '1' }, { 'content-type': 'text/plain' })).status).to.be.oneOf([415, 422])
    expect((await faucet(address, '1000000000001')).status).to.be.oneOf([400, 422])
    expect((await faucet(address, '-1')).status).to.be.oneOf([400, 422])
    expect((await faucet('nowhere', '1')).status).to.be.oneOf([400, 422])
    expect((await faucet(address, '1000000000000')).status).to.equal(200)
    expect((await post(devnet.endpoint, 'x'.repeat(300_000))).status).to.equal(413)
  })
})
