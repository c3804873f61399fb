import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moneyActions } from '@cocoon-net/cli'
import { nodeMoney } from '@cocoon-net/cocoon'
import { createAdmin, serveAdmin } from '@cocoon-net/gateway'
import { openKeyValue } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import { earnerOf, payJob } from './pay-job.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'

const CHARGE_NANO = 30_000_001n
const VOUCHED_NANO = 45_000_000n

describe('ending a lane together', function () {
  this.timeout(60_000)
  let world: World
  let client: CommandHome
  let provider: CommandHome
  let payee = ''
  let vault = ''
  const nowMs = (): number => Date.now()

  before(async () => {
    world = await createWorld()
    client = await createCommandHome(world.devnet, nowMs)
    provider = await createCommandHome(world.devnet, nowMs)
    const { wallet } = await client.json('wallet create')
    payee = (await provider.json('wallet create')).wallet
    await world.devnet.faucet(wallet, 10n * TON)
    await world.devnet.faucet(payee, TON)
    vault = (await client.json('vault')).vault
  })

  after(async () => {
    await client.remove()
    await provider.remove()
    await world.close()
  })

  const job = async (seed: number, chargeNano = CHARGE_NANO): Promise<void> =>
    payJob({ devnet: world.devnet, client, provider, nowMs, nonce: new Uint8Array(32).fill(seed), chargeNano, vouchedNano: VOUCHED_NANO })
  const refusal = async (home: CommandHome, line: string, exit = 1): Promise<string> => {
    const { code, out, err } = await home.command(line)
    expect([code, out], line).to.deep.equal([exit, ''])
    return err.split(':')[0]
  }

  it('pays what the jobs have cost, not what was vouched ahead, and gives the rest back at once', async () => {
    await client.json(`vault open ${payee} 0.1`)
    await job(1)
    const file = join(client.folder, 'close.json')
    const dry = await client.json(`vault close ${payee} --dry-run`)
    expect(dry.signed).to.equal(false)
    const signed = await client.json(`vault close ${payee} --out ${file}`)
    expect(signed).to.deep.include({ signed: true, sumNano: CHARGE_NANO.toString(), paidNano: '0', payee, vault })
    expect((await stat(file)).mode & 0o777).to.equal(0o600)
    expect(await refusal(client, `vault close ${payee} --out ${file}`, 2)).to.equal('file_unusable')

    const before = world.devnet.snapshot()
    const shown = await provider.json(`settle close ${file} --dry-run`)
    expect(shown.messages[0]).to.deep.include({ to: vault, bringsNano: CHARGE_NANO.toString(), movesNano: '0' })
    expect(world.devnet.snapshot()).to.deep.equal(before)
    const heldNano = BigInt((await provider.json('wallet balance')).walletNano)
    const done = await provider.json(`settle close ${file}`)
    expect((await client.json('vault')).lanes).to.deep.equal([])
    const gainNano = BigInt(done.balanceAfterNano) - heldNano
    const feeNano = CHARGE_NANO / 100n
    const spentNano = CHARGE_NANO - feeNano - gainNano
    expect(spentNano > 0n && spentNano <= BigInt(shown.messages[0].costAtMostNano), `it cost ${spentNano}`).to.equal(true)
    expect(BigInt(done.balanceAfterNano)).to.equal((await booksOf(world.client, payee)).nano)
    expect((await booksOf(world.client, payee)).sent.at(-1)?.body).to.equal(done.messages[0].body)
    expect(await refusal(provider, `settle close ${file}`)).to.equal('lane_unknown')
  })

  it('goes on with a new lane afterwards', async () => {
    await client.json(`vault open ${payee} 0.1`)
    await job(2)
    expect((await client.json('vault lanes')).lanes[0]).to.deep.include({ paidNano: '0', capNano: '100000000' })
  })

  it('is refused by the payee when it pays too little, is altered, or is another\'s', async () => {
    const less = join(client.folder, 'less.json')
    await client.json(`vault close ${payee} --sum 0.03 --out ${less}`)
    expect(await refusal(provider, `settle close ${less}`)).to.equal('close_refused')
    expect(await refusal(client, `settle close ${less}`)).to.equal('wrong_wallet')
    const text = JSON.parse(await readFile(less, 'utf8'))
    const altered = async (change: object): Promise<string> => {
      const path = join(client.folder, 'altered.json')
      await writeFile(path, JSON.stringify({ ...text, ...change }))
      return path
    }
    expect(await refusal(provider, `settle close ${await altered({ sumNano: '99000000' })}`)).to.equal('voucher_bad_signature')
    expect(await refusal(provider, `settle close ${await altered({ epoch: '5' })}`)).to.equal('lane_unknown')
    expect(await refusal(provider, `settle close ${await altered({ network: 'mainnet' })}`)).to.equal('wrong_network')
    expect(await refusal(provider, `settle close ${await altered({ extra: 1 })}`, 2)).to.equal('file_unusable')
    expect(await refusal(client, `vault close ${payee} --sum 5 --out ${join(client.folder, 'more.json')}`)).to.equal('voucher_above_cap')
    expect(await refusal(client, `vault close ${payee}`, 3), 'nobody can be asked').to.equal('no_provider')
    expect((await client.json('vault')).lanes).to.have.lengthOf(1)
  })

  it('is signed by the provider\'s node where that runs, which then takes nothing more on the lane', async () => {
    const file = join(client.folder, 'full.json')
    await client.json(`vault close ${payee} --out ${file}`)
    const lock = await openKeyValue(join(provider.folder, 'peers'))
    const earner = await earnerOf(provider, { devnet: world.devnet, nowMs })
    await earner.payments.start()
    await writeFile(join(provider.folder, 'admin-token'), 'token-of-this-test')
    const admin = createAdmin({ token: 'token-of-this-test', reads: {}, actions: moneyActions({ money: nodeMoney({ wallet: earner.wallet, earnings: earner }) }) })
    const server = await serveAdmin({ admin, port: 0 })
    try {
      const { lanes: [{ epoch }] } = await client.json('vault')
      await provider.json(`settle close ${file} --admin-port ${new URL(server.url).port}`)
      expect((await client.json('vault')).lanes).to.deep.equal([])
      const laneKey = `${vault.slice(2)}:${payee.slice(2)}:${epoch}`
      await expect(earner.payments.beginJob({ laneKey, clientNonce: new Uint8Array(32), maxChargeNano: 1n, windowNano: 1n })).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
    } finally {
      await server.stop()
      await earner.payments.stop()
      await lock.close()
    }
  })

  it('can be the payee\'s own act: it redeems, and releases the lane', async () => {
    await client.json(`vault open ${payee} 0.1`)
    await job(3)
    const before = BigInt((await client.json('vault')).feeAccruedNano)
    await provider.json(`settle release ${vault}`)
    const after = await client.json('vault')
    expect(after.lanes).to.deep.equal([])
    // all that was vouched was redeemed: a payee who acts alone takes what it holds
    expect(BigInt(after.feeAccruedNano) - before).to.equal(VOUCHED_NANO / 100n)
    expect(await refusal(provider, `settle release ${vault}`)).to.equal('lane_unknown')
  })
})
