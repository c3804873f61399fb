import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { until } from '../e2e/until.ts'
import { createCommandHome } from './home.ts'
import { startCommand } from './running.ts'
import type { CommandHome } from './home.ts'
import type { RunningCommand } from './running.ts'
import type { World } from '../devnet/world.ts'

const STAKE_NANO = 100n * TON
/** What is running from its home sends by itself; it takes any free port. */
const NODE_ENV = { COCOON_ADMIN_PORT: '0', COCOON_GATEWAY_PORT: '0', COCOON_MDNS: 'false' }

describe('selling under a stake, from fresh homes, as the README says', function () {
  this.timeout(120_000)
  let world: World
  let guest: CommandHome
  let owner: CommandHome
  let client: CommandHome
  const running: RunningCommand[] = []
  let stakeFile = ''
  let receiptKey = ''
  let provider: RunningCommand
  let gateway: RunningCommand

  before(async () => {
    world = await createWorld()
    guest = await createCommandHome(world.devnet, Date.now, NODE_ENV)
    owner = await createCommandHome(world.devnet, Date.now)
    client = await createCommandHome(world.devnet, Date.now, NODE_ENV)
    stakeFile = join(guest.folder, 'stake.json')
  })

  after(async () => {
    for (const command of running.reverse()) {
      expect(await command.stop()).to.equal(0)
    }
    for (const home of [guest, owner, client]) {
      await home.remove()
    }
    await world.close()
  })

  const start = async (home: CommandHome, line: string): Promise<RunningCommand> => {
    const command = await startCommand(home, line)
    running.push(command)
    return command
  }
  const delegate = async (options = ''): Promise<any> => {
    const { code, out, err } = await guest.command(`--home ${owner.folder} stake delegate --receipt-key ${receiptKey} --json${options}`)
    expect(code, err).to.equal(0)
    await writeFile(stakeFile, out)
    return JSON.parse(out)
  }
  const offered = async (): Promise<{ stake_nano?: number, stake_fault?: string } | undefined> => {
    const body = await (await fetch(`${gateway.ready.url}/models`)).json() as any
    return body.data?.[0]?.cocoon.providers[0]
  }
  const buy = async (minStakeNano: bigint): Promise<{ status: number, body: any }> => {
    const { data: [{ id }] } = await (await fetch(`${gateway.ready.url}/models`)).json() as any
    const response = await fetch(`${gateway.ready.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: id, max_tokens: 8, messages: [{ role: 'user', content: 'Tell me a story about a fox.' }], cocoon: { min_stake_nano: Number(minStakeNano) } }),
      signal: AbortSignal.timeout(40_000)
    })
    return { status: response.status, body: await response.json() }
  }

  it('the guest shows its receipt key, and it is the same one later', async () => {
    receiptKey = (await guest.command('stake receipt-key')).out.trim()
    expect(receiptKey).to.match(/^[0-9a-f]{64}$/)
    expect((await guest.json('stake receipt-key')).receiptKey).to.equal(receiptKey)
  })

  it('the owner makes a wallet, bonds coins and delegates', async () => {
    const { wallet } = await owner.json('wallet create')
    await world.devnet.faucet(wallet, STAKE_NANO + TON)
    const { code, err } = await guest.command(`--home ${owner.folder} stake deposit 100`)
    expect(code, err).to.equal(0)
    const { stake, bondedNano } = await owner.json('stake')
    expect(bondedNano).to.equal(STAKE_NANO.toString())
    expect(await delegate()).to.deep.include({ stake, receiptKey, owner: wallet })
  })

  it('the guest sells under it, and a client counts it', async () => {
    provider = await start(guest, `provider --stake-file ${stakeFile} --listen /ip4/127.0.0.1/tcp/0`)
    const [address] = provider.ready.addresses
    const { wallet } = await client.json('wallet create')
    await world.devnet.faucet(wallet, 20n * TON)
    gateway = await start(client, `gateway --min-tier open --bootstrap ${address}`)
    const seen = await until(offered, offer => offer?.stake_nano === Number(STAKE_NANO), 'a stake of 100 TON')
    expect(seen?.stake_fault).to.equal(undefined)
    const enough = await buy(STAKE_NANO)
    expect([enough.status, enough.body.usage?.completion_tokens > 0]).to.deep.equal([200, true])
    const tooLittle = await buy(STAKE_NANO + 1n)
    expect([tooLittle.status, tooLittle.body.error.code]).to.deep.equal([503, 'stake_too_small'])
  })

  it('refuses a file that is for another receipt key, or none', async () => {
    const other = await guest.command(`--home ${owner.folder} stake delegate --receipt-key ${'ef'.repeat(32)} --json`)
    const wrong = join(guest.folder, 'wrong.json')
    for (const [text, code] of [[other.out, 'delegation_unusable'], ['{}', 'file_unusable']] as const) {
      await writeFile(wrong, text)
      const refused = await client.command(`provider --home ${owner.folder} --stake-file ${wrong} --listen /ip4/127.0.0.1/tcp/0`)
      expect([refused.code > 0, refused.err.split(':')[0]], refused.err).to.deep.equal([true, code])
    }
  })
})
