import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Address } from '@ton/core'
import { expect } from 'aegir/chai'
import { TON, createWorld, post } from '../devnet/world.ts'
import { createCommandHome } from './home.ts'
import { rehearse } from './rehearse.ts'
import { startCommand } from './running.ts'
import type { CommandHome } from './home.ts'
import type { RunningCommand } from './running.ts'
import type { World } from '../devnet/world.ts'

const PAYEE = `0:${'ab'.repeat(32)}`
const UNLOCK_MS = 601_000

describe('money commands beside a node that runs', function () {
  this.timeout(60_000)
  let world: World
  let home: CommandHome
  let gateway: RunningCommand
  // the node goes by the real clock, so the chain begins behind it and never passes it
  let aheadMs = -2 * UNLOCK_MS
  const nowMs = (): number => Date.now() + aheadMs
  let vault = ''
  let token = ''

  before(async () => {
    world = await createWorld({ now: nowMs })
    home = await createCommandHome(world.devnet, nowMs, { COCOON_ADMIN_PORT: '0', COCOON_GATEWAY_PORT: '0' })
    const { wallet } = await home.json('wallet create')
    await world.devnet.faucet(wallet, 20n * TON)
    await home.json('vault deposit 1')
    vault = (await home.json('vault')).vault
    gateway = await startCommand(home, 'gateway')
    token = (await readFile(join(home.folder, 'admin-token'), 'utf8')).trim()
  })

  after(async () => {
    await gateway.stop()
    await home.remove()
    await world.close()
  })

  const dryThenReal = async (line: string, options: { sameBody?: boolean, givenAwayNano?: bigint } = {}): Promise<any> =>
    rehearse({ world, home, line, receiver: { account: vault, read: async () => home.json('vault status') }, ...options })
  const act = async (path: string, body: object): Promise<{ status: number, body: any }> =>
    post(`${gateway.ready.admin}/${path}`, body, { authorization: `Bearer ${token}` })

  it('move the same messages at the same cost, through the node', async () => {
    await dryThenReal('vault deposit 2')
    const opened = await dryThenReal(`vault open ${PAYEE} 0.1`, { sameBody: false })
    expect(opened).to.deep.include({ capNano: '100000000', payee: PAYEE })
    expect(await dryThenReal(`vault top-up ${PAYEE} 0.05`)).to.deep.include({ capNano: '150000000' })
    await dryThenReal('vault withdraw 0.25')
    await home.json(`wallet send 0:${'cd'.repeat(32)} 0.5`)
    expect(await world.client.getBalance(Address.parse(`0:${'cd'.repeat(32)}`))).to.equal(TON / 2n)
  })

  it('refuse as they do without a node', async () => {
    const outcome = await home.command(`vault open ${PAYEE} 0.1`)
    expect([outcome.code, outcome.err.split(':')[0]]).to.deep.equal([1, 'lane_open'])
    expect((await home.command('vault deposit 1000')).err).to.match(/^insufficient_funds: /)
    const watch = await home.command('settle --watch')
    expect([watch.code, watch.err.split(':')[0]]).to.deep.equal([1, 'home_locked'])
  })

  it('leave the node no lane that is about to end, and give it a new one afterwards', async () => {
    await dryThenReal(`vault unlock ${PAYEE}`, { givenAwayNano: 10_000_000n })
    const { wallet } = await home.json('wallet address')
    const again = await act('lane-open', { wallet, payee: PAYEE, capNano: '100000000' })
    expect([again.status, again.body.error.code]).to.deep.equal([402, 'lane_unlocking'])
    aheadMs += UNLOCK_MS
    await dryThenReal(`vault finish ${PAYEE}`)
    await dryThenReal(`vault open ${PAYEE} 0.2`, { sameBody: false })
    expect((await home.json('vault lanes')).lanes[0]).to.deep.include({ capNano: '200000000', paidNano: '0' })
  })

  it('cover the stake', async () => {
    const { stake } = await home.json('stake')
    const dry = async (line: string): Promise<any> => rehearse({ world, home, line, receiver: { account: stake, read: async () => home.json('stake') } })
    await dry('stake deposit 3')
    await dry('stake unbond 1')
    expect(await home.json('stake')).to.deep.include({ bondedNano: '2000000000', unbondingNano: '1000000000' })
  })

  it('take a home without a wallet for the local network\'s that was brought up from it', async () => {
    const other = await createCommandHome(world.devnet, nowMs, { COCOON_ADMIN_PORT: '0', COCOON_CHAIN_URL: '', COCOON_DEVNET_GENESIS: '' })
    try {
      expect((await other.command('vault deposit 0.5')).err).to.match(/^config_invalid: /)
      await mkdir(join(other.folder, 'testnet'), { recursive: true })
      await writeFile(join(other.folder, 'testnet', 'control.json'), JSON.stringify({ admin: gateway.ready.admin, adminHome: home.folder }))
      const before = BigInt((await other.json('vault')).balanceNano)
      const sent = await other.json('vault deposit 0.5')
      expect(sent.wallet).to.equal((await home.json('wallet address')).wallet)
      expect(BigInt((await other.json('vault')).balanceNano) > before).to.equal(true)
    } finally {
      await other.remove()
    }
  })

  it('are taken from the holder of the token only, for the wallet that is meant, and checked', async () => {
    const { wallet } = await home.json('wallet address')
    const message = { to: PAYEE, valueNano: '1' }
    const before = world.devnet.snapshot()
    expect((await post(`${gateway.ready.admin}/wallet-send`, { wallet, messages: [message] })).status).to.equal(401)
    expect((await fetch(`${gateway.ready.admin}/wallet-send`)).status).to.equal(405)
    expect((await act('wallet-send', { wallet: PAYEE, messages: [message] })).body.error.code).to.equal('wrong_wallet')
    for (const body of [{ wallet }, { wallet, messages: [] }, { wallet, messages: Array(5).fill(message) }, { wallet, messages: [{ ...message, valueNano: '-1' }] }, { wallet, messages: [{ ...message, to: '1:00' }] }, { wallet, messages: [{ ...message, body: 'x' }] }, { wallet, messages: [{ ...message, extra: 1 }] }]) {
      const { status, body: { error } } = await act('wallet-send', body)
      expect([status, error.code], JSON.stringify(body)).to.deep.equal([400, 'bad_request'])
    }
    expect(world.devnet.snapshot()).to.deep.equal(before)
  })

  it('are the command\'s own again when the node has stopped', async () => {
    expect(await gateway.stop()).to.equal(0)
    await dryThenReal('vault deposit 0.5')
    await dryThenReal(`vault top-up ${PAYEE} 0.1`)
  })
})
