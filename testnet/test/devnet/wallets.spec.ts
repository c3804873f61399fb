import { Address, SendMode, TonClient4, beginCell, external, internal, storeMessage } from '@ton/ton'
import { expect } from 'aegir/chai'
import tonwebModule from 'tonweb'
import { TON, createWorld, keysOf, walletV4, walletV5 } from './world.ts'
import type { World } from './world.ts'
import type { MessageRelaxed, WalletContractV4, WalletContractV5R1 } from '@ton/ton'

// Its types describe an ES module, its code is CommonJS.
const TonWeb = tonwebModule as unknown as typeof tonwebModule.default

/** The classes of both versions take the same calls; their types differ in what tests do not use. */
type Wallet = WalletContractV4 | WalletContractV5R1

/** What a program does with a wallet, in its own way of asking; the first transfer deploys. */
interface Caller {
  transfer (wallet: Wallet, seed: number, seqno: number, message: MessageRelaxed): Promise<void>
  balance (address: Address): Promise<bigint>
  /** By the get-method of that name; every wallet has `seqno` and `get_public_key`. */
  number (address: Address, method: string): Promise<bigint>
  /** Logical times, newest first. */
  history (address: Address): Promise<bigint[]>
}

const SEND_MODE = SendMode.PAY_GAS_SEPARATELY

function signed (wallet: Wallet, seed: number, seqno: number, message: MessageRelaxed): string {
  const { secretKey } = keysOf(seed)
  const body = (wallet as WalletContractV4).createTransfer({ seqno, secretKey, sendMode: SEND_MODE, messages: [message] })
  const boc = external({ to: wallet.address, init: seqno === 0 ? wallet.init : undefined, body })
  return beginCell().store(storeMessage(boc)).endCell().toBoc().toString('base64')
}

function tonClient ({ client }: World): Caller {
  return {
    transfer: async (wallet, seed, seqno, message) => client.open(wallet as WalletContractV4).sendTransfer({ seqno, secretKey: keysOf(seed).secretKey, sendMode: SEND_MODE, messages: [message] }),
    balance: async (address) => client.getBalance(address),
    number: async (address, method) => (await client.runMethod(address, method)).stack.readBigNumber(),
    history: async (address) => (await client.getTransactions(address, { limit: 10 })).map(({ lt }) => lt)
  }
}

function tonClient4 ({ devnet }: World): Caller {
  const client = new TonClient4({ endpoint: devnet.url })
  const lastSeqno = async (): Promise<number> => (await client.getLastBlock()).last.seqno
  return {
    transfer: async (wallet, seed, seqno, message) => client.open(wallet as WalletContractV4).sendTransfer({ seqno, secretKey: keysOf(seed).secretKey, sendMode: SEND_MODE, messages: [message] }),
    balance: async (address) => BigInt((await client.getAccountLite(await lastSeqno(), address)).account.balance.coins),
    number: async (address, method) => (await client.runMethod(await lastSeqno(), address, method)).reader.readBigNumber(),
    history: async (address) => {
      const { account: { last } } = await client.getAccountLite(await lastSeqno(), address)
      return (await client.getAccountTransactions(address, BigInt(last?.lt ?? 0), Buffer.from(last?.hash ?? '', 'base64'))).map(({ tx }) => tx.lt)
    }
  }
}

function tonweb ({ devnet }: World): Caller {
  const provider = new TonWeb.HttpProvider(devnet.endpoint)
  const web = new TonWeb(provider)
  return {
    transfer: async (wallet, seed, seqno, message) => {
      if (message.info.type !== 'internal' || typeof wallet.walletId !== 'number') {
        // It has no class for a wallet v5, and sends what others have signed.
        await provider.sendBoc(signed(wallet, seed, seqno, message))
        return
      }
      const { publicKey, secretKey } = keysOf(seed)
      const { v4R2: WalletV4R2 } = TonWeb.Wallets.all
      const own = new WalletV4R2(provider, { publicKey: new Uint8Array(publicKey), wc: 0 })
      expect((await own.getAddress()).toString(false)).to.equal(wallet.address.toRawString())
      const { dest, value } = message.info
      await own.methods.transfer({ secretKey: new Uint8Array(secretKey), toAddress: dest.toString({ bounceable: false }), amount: new TonWeb.utils.BN(value.coins.toString()), seqno, sendMode: SEND_MODE }).send()
    },
    balance: async (address) => BigInt(await web.getBalance(address.toString())),
    number: async (address, method) => BigInt((await provider.call2(address.toString(), method)).toString()),
    history: async (address) => (await web.getTransactions(address.toString(), 10)).map((tx: { transaction_id: { lt: string } }) => BigInt(tx.transaction_id.lt))
  }
}

function plainHttp ({ devnet }: World): Caller {
  const ask = async (method: string, params: Record<string, string>, body?: object): Promise<any> => {
    const query = body == null ? `?${new URLSearchParams(params).toString()}` : ''
    const response = await fetch(`${devnet.url}/api/v2/${method}${query}`, body == null ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const answer = await response.json() as { ok: boolean, result: unknown }
    expect([response.status, answer.ok]).to.deep.equal([200, true])
    return answer.result
  }
  return {
    transfer: async (wallet, seed, seqno, message) => { await ask('sendBoc', {}, { boc: signed(wallet, seed, seqno, message) }) },
    balance: async (address) => BigInt(await ask('getAddressBalance', { address: address.toString() })),
    number: async (address, method) => BigInt((await ask('runGetMethod', {}, { address: address.toString(), method, stack: [] })).stack[0][1]),
    history: async (address) => (await ask('getTransactions', { address: address.toString(), limit: '10' })).map((tx: { transaction_id: { lt: string } }) => BigInt(tx.transaction_id.lt))
  }
}

const CALLERS: ReadonlyArray<[string, (world: World) => Caller]> = [['TonClient', tonClient], ['TonClient4', tonClient4], ['tonweb', tonweb], ['plain HTTP', plainHttp]]

const VERSIONS = [4, 5]
/** Each test has keys of its own: its number and the next. */
const FIRST_SEED = 100

describe('wallets on the devnet', function () {
  this.timeout(20_000)
  let world: World

  before(async () => {
    // The clock stands still: no balance shrinks by rent while it is looked at.
    const nowMs = Date.now()
    world = await createWorld({ now: () => nowMs })
  })
  after(async () => { await world.close() })

  CALLERS.forEach(([name, callerOf], i) => {
    VERSIONS.forEach(version => {
      it(`${name} deploys a wallet v${version}, transfers, reads history and runs get-methods`, async () => {
        const caller = callerOf(world)
        const seed = FIRST_SEED + 4 * i + 2 * (version - 4)
        const wallet = version === 4 ? walletV4(seed) : walletV5(seed, world.devnet.globalId)
        const to = walletV4(seed + 1).address
        const message = internal({ to, value: TON, bounce: false })
        await world.devnet.faucet(wallet.address.toString(), 5n * TON)
        expect(await caller.balance(wallet.address)).to.equal(5n * TON)
        for (const seqno of [0, 1]) {
          await caller.transfer(wallet, seed, seqno, message)
          expect(await caller.number(wallet.address, 'seqno')).to.equal(BigInt(seqno + 1))
          expect(await caller.balance(to)).to.equal(BigInt(seqno + 1) * TON)
        }
        expect(await caller.number(wallet.address, 'get_public_key')).to.equal(BigInt(`0x${keysOf(seed).publicKey.toString('hex')}`))
        // two transfers and the faucet's, as every other caller sees them
        const times = await caller.history(wallet.address)
        expect(times).to.deep.equal(await tonClient(world).history(wallet.address)).and.to.have.length(3)
        expect([...times].sort((a, b) => a < b ? 1 : -1)).to.deep.equal(times)
      })
    })
  })
})
