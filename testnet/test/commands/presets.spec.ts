import { createServer } from 'node:http'
import { CLIENT_VAULT_CODE_HASH } from '@cocoon-net/contracts'
import { MAINNET, TESTNET } from '@cocoon-net/protocol'
import { Address, Cell } from '@ton/core'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import { payJob } from './pay-job.ts'
import { rehearse } from './rehearse.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Under what a provider redeems by itself before it must. */
const CHARGE_NANO = 30_000_003n

async function * inputOf (text: string): AsyncGenerator<string> {
  yield text
}

/** What answers every request with one status and text. */
async function answering (status: number, text: string, seen: string[] = []): Promise<{ url: string, stop (): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    seen.push(String(request.headers['x-api-key']))
    response.writeHead(status, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/jsonRPC`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => { server.close(resolve) })
    }
  }
}

for (const network of [TESTNET, MAINNET]) {
  describe(`the commands on ${network.name}, rehearsed`, function () {
    this.timeout(60_000)
    let world: World
    let client: CommandHome
    let provider: CommandHome
    const nowMs = (): number => Date.now()
    let vault = ''
    let payee = ''

    before(async () => {
      world = await createWorld({ globalId: network.tonGlobalId })
      const env = { COCOON_CHAIN_URL: '', COCOON_DEVNET_GENESIS: '' }
      client = await createCommandHome(world.devnet, nowMs, env)
      provider = await createCommandHome(world.devnet, nowMs, env)
      for (const home of [client, provider]) {
        expect((await home.json(`init --network ${network.name} --chain-url ${world.devnet.endpoint}`)).network).to.equal(network.name)
      }
    })

    after(async () => {
      await client.remove()
      await provider.remove()
      await world.close()
    })

    const dryThenReal = async (line: string, sameBody = true): Promise<any> =>
      rehearse({ world, home: client, line, receiver: { account: vault, read: async () => client.json('vault status') }, sameBody })

    it('shows addresses as wallets of the network do', async () => {
      const { wallet } = await client.json('wallet create')
      payee = JSON.parse((await provider.command('wallet import --json', { input: inputOf(`${'22'.repeat(32)}\n`) })).out).wallet
      const { address } = await client.json('wallet address')
      const parsed = Address.parseFriendly(address)
      expect(parsed).to.deep.include({ isBounceable: false, isTestOnly: network.kind !== 'mainnet' })
      expect(parsed.address.toRawString()).to.equal(wallet)
      expect(address.slice(0, 2)).to.equal(network.kind === 'mainnet' ? 'UQ' : '0Q')
      vault = (await client.json('vault')).vault
    })

    it('plans with no key at all, each message with its cost', async () => {
      const { wallet, address } = await client.json('wallet address')
      const auditor = await createCommandHome(world.devnet, nowMs, { COCOON_DEVNET_GENESIS: '', COCOON_NETWORK: network.name })
      try {
        for (const line of ['vault deposit 1', `vault open ${payee} 0.1`, `wallet send ${payee} 0.5`]) {
          const { messages, sent, wallet: shown } = await auditor.json(`${line} --dry-run --as ${address}`)
          expect([sent, shown], line).to.deep.equal([false, wallet])
          for (const message of messages) {
            expect(BigInt(message.costAtMostNano) > 0n && BigInt(message.valueNano) > 0n, line).to.equal(true)
          }
        }
        const { out } = await auditor.command(`vault open ${payee} 0.1 --dry-run --as ${address}`)
        expect(out).to.match(/1\. deploy the vault[^]*costs {2}at most 0\.\d+ TON \(\d+ nanoTON\)[^]*2\. open a lane[^]*Nothing was sent\./)
      } finally {
        await auditor.remove()
      }
    })

    it('goes the whole way: wallet, vault, lane, job, redeem, books', async () => {
      const { address } = await client.json('wallet address')
      await world.devnet.faucet(address, 5n * TON)
      await world.devnet.faucet(payee, TON)
      await dryThenReal('vault deposit 1')
      const state = await world.client.getContractState(Address.parse(vault))
      expect(Cell.fromBoc(state.code ?? Buffer.alloc(0))[0].hash().toString('hex')).to.equal(CLIENT_VAULT_CODE_HASH)
      expect(await client.json('vault')).to.deep.include({ network: network.name, feeBps: network.vault.feeBps, unlockSeconds: network.vault.unlockSeconds })
      await dryThenReal(`vault open ${payee} 0.2`, false)
      await payJob({ devnet: world.devnet, network, client, provider, nowMs, nonce: new Uint8Array(32).fill(1), chargeNano: CHARGE_NANO })
      await client.json(`vault unlock ${payee}`)
      const controller = new AbortController()
      const lines: any[] = []
      await provider.command('settle --watch --json', {
        signal: controller.signal,
        out: text => {
          lines.push(JSON.parse(text))
          if (lines.length === 2) {
            controller.abort('SIGTERM')
          }
        }
      })
      expect(lines[1]).to.deep.include({ vault, redeemedNano: CHARGE_NANO.toString() })
      expect((await client.json('vault')).lanes[0].paidNano).to.equal(CHARGE_NANO.toString())
      expect((await client.command('settle ledger --csv -')).out.split('\r\n')[1]).to.match(/,paid,0:[0-9a-f]{64},0:[0-9a-f]{64},\d+,(01){32},30000003,0\.030000003$/)
      expect((await provider.json('settle ledger')).sums).to.deep.equal({ paid: '0', earned: CHARGE_NANO.toString(), redeemed: CHARGE_NANO.toString() })
      const { wallet } = await client.json('wallet address')
      expect(BigInt((await client.json('wallet')).walletNano)).to.equal((await booksOf(world.client, wallet)).nano)
    })

    it('takes no address of the other kind of network for granted', async () => {
      const testOnly = Address.parse(payee).toString({ testOnly: true, bounceable: false })
      const outcome = await client.command(`wallet send ${testOnly} 0.1 --dry-run`)
      expect(outcome.code).to.equal(network.kind === 'mainnet' ? 2 : 0)
    })

    it('sends nothing to a chain that says it is another network', async () => {
      const other = network.kind === 'mainnet' ? 'testnet' : 'mainnet'
      const before = world.devnet.snapshot()
      for (const line of [`wallet send ${payee} 0.1`, 'vault deposit 0.5', 'stake deposit 1', `vault open 0:${'ab'.repeat(32)} 0.1`]) {
        const outcome = await client.command(`${line} --network ${other}`)
        expect([outcome.code, outcome.out], line).to.deep.equal([1, ''])
        expect(outcome.err, line).to.match(/^(wrong_network|insufficient_funds): /)
      }
      expect((await client.command(`wallet send ${payee} 0.1 --network ${other}`)).err).to.match(new RegExp(`^wrong_network: .*${other}`))
      expect(world.devnet.snapshot()).to.deep.equal(before)
    })
  })
}

describe('endpoints that a command asks', function () {
  this.timeout(60_000)
  let world: World
  let home: CommandHome

  before(async () => {
    world = await createWorld()
    home = await createCommandHome(world.devnet, () => Date.now())
    const { wallet } = await home.json('wallet create')
    await world.devnet.faucet(wallet, 5n * TON)
    await home.json('vault deposit 1')
  })

  after(async () => {
    await home.remove()
    await world.close()
  })

  it('that are away or answer nonsense end it with 3, and are named', async () => {
    const nonsense = await answering(200, '{"ok":true,"result":7}')
    const html = await answering(502, '<html>')
    try {
      for (const url of ['http://127.0.0.1:1/api/v2/jsonRPC', nonsense.url, html.url]) {
        for (const line of ['wallet', 'vault', 'vault deposit 1 --dry-run', 'vault deposit 1', 'stake', `wallet send 0:${'ab'.repeat(32)} 1`]) {
          const { code, out, err } = await home.command(`${line} --chain-url ${url}`)
          expect([code, out], `${line} ${url}`).to.deep.equal([3, ''])
          expect(err, `${line} ${url}`).to.match(/^chain_unavailable: [^\n]+\n$/).and.include(new URL(url).origin)
        }
      }
    } finally {
      await nonsense.stop()
      await html.stop()
    }
  })

  it('are given the key, and asked again when they want fewer requests', async () => {
    const seen: string[] = []
    const busy = await answering(429, '{"ok":false,"error":"Ratelimit exceed","code":429}', seen)
    try {
      const { code, err } = await home.command(`wallet --chain-url ${busy.url} --chain-api-key secret-of-mine`)
      expect(code).to.equal(3)
      expect(err).to.match(/^chain_unavailable: .*fewer requests/).and.not.include('secret-of-mine')
      expect(new Set(seen)).to.deep.equal(new Set(['secret-of-mine']))
      expect(seen.length > 1).to.equal(true)
    } finally {
      await busy.stop()
    }
  })

  it('must agree when there are two, and the command says which shows what', async () => {
    const other = await createWorld({ genesis: world.devnet.genesis })
    try {
      const second = `--second-chain-url ${other.devnet.endpoint}`
      const same = await home.json(`vault --second-chain-url ${world.devnet.endpoint}`)
      expect(same.deployed).to.equal(true)
      const { code, out, err } = await home.command(`vault ${second}`)
      expect([code, out]).to.deep.equal([1, ''])
      expect(err).to.match(/^chain_disagrees: /).and.include(world.devnet.url).and.include(other.devnet.url).and.include('none')
      const before = world.devnet.snapshot()
      expect((await home.command(`vault withdraw 0.1 ${second}`)).code).to.equal(1)
      const gone = await home.command('vault withdraw 0.1 --second-chain-url http://127.0.0.1:1/api/v2/jsonRPC')
      expect(gone.code).to.equal(3)
      expect(gone.err).to.include('http://127.0.0.1:1')
      expect(world.devnet.snapshot()).to.deep.equal(before)
    } finally {
      await other.close()
    }
  })
})
