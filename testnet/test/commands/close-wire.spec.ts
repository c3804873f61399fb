import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createNode } from '@cocoon-net/cocoon'
import { syntheticEngine } from '@cocoon-net/engine/synthetic'
import { toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { TON, createWorld, post } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import { payJob } from './pay-job.ts'
import { startCommand } from './running.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'

const CHARGE_NANO = 30_000_001n
const VOUCHED_NANO = 45_000_000n
/** Whose provider does not exist. */
const ABSENT = `0:${'ab'.repeat(32)}`

describe('ending a lane together over the wire', function () {
  this.timeout(60_000)
  let world: World
  let client: CommandHome
  let provider: CommandHome
  let node: CocoonNode
  let payee = ''
  let vault = ''
  let address = ''
  const nowMs = (): number => Date.now()

  before(async () => {
    world = await createWorld()
    client = await createCommandHome(world.devnet, nowMs, { COCOON_ADMIN_PORT: '0', COCOON_GATEWAY_PORT: '0' })
    provider = await createCommandHome(world.devnet, nowMs)
    const { wallet } = await client.json('wallet create')
    payee = (await provider.json('wallet create')).wallet
    await world.devnet.faucet(wallet, 10n * TON)
    await world.devnet.faucet(payee, TON)
    await client.json(`vault open ${payee} 0.1`)
    vault = (await client.json('vault')).vault
    await payJob({ devnet: world.devnet, client, provider, nowMs, nonce: new Uint8Array(32).fill(1), chargeNano: CHARGE_NANO, vouchedNano: VOUCHED_NANO })
    node = await createNode({
      home: provider.folder,
      network: { devnet: toHex(world.devnet.genesis) },
      chainUrl: world.devnet.endpoint,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: [],
      client: false,
      provider: { engine: syntheticEngine({ answerTokens: 20 }) }
    })
    address = `--bootstrap ${node.addresses[0]}`
  })

  after(async () => {
    await node.stop()
    await client.remove()
    await provider.remove()
    await world.close()
  })

  it('needs no file and no node of the payer\'s: the provider signs and sends, and both books have the sum of the jobs', async () => {
    const before = await booksOf(world.client, payee)
    const ended = await client.json(`vault close ${payee} ${address}`)
    expect(ended).to.deep.include({
      ended: true, payee, vault, sumNano: CHARGE_NANO.toString(), paidNano: '0', capNano: '100000000', backNano: (100_000_000n - CHARGE_NANO).toString(), sentBy: 'payee'
    })
    expect((await client.json('vault')).lanes).to.deep.equal([])
    const after = await booksOf(world.client, payee)
    const spentNano = CHARGE_NANO - CHARGE_NANO / 100n - (after.nano - before.nano)
    expect(spentNano > 0n && spentNano < 20_000_000n, `it cost ${spentNano}`).to.equal(true)
    const kinds = async (): Promise<string[]> => (await node.ledger()).map(({ kind, paidNano }) => `${kind} ${paidNano}`)
    while (!(await kinds()).includes(`redeemed ${CHARGE_NANO}`)) {
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
    const { rows } = await client.json('settle ledger')
    expect(rows.map((row: { amountNano: string }) => row.amountNano)).to.deep.equal([CHARGE_NANO.toString()])
    const again = await client.command(`vault close ${payee} ${address}`)
    expect([again.code, again.err.split(':')[0]]).to.deep.equal([1, 'lane_unknown'])
  })

  it('goes through the gateway that runs, from a home that borrows it as well, and is sent by the payer where it is worth little', async () => {
    const gateway = await startCommand(client, `gateway --min-tier open ${address}`)
    const other = await createCommandHome(world.devnet, nowMs, { COCOON_ADMIN_PORT: '0', COCOON_CHAIN_URL: '', COCOON_DEVNET_GENESIS: '' })
    try {
      await mkdir(join(other.folder, 'testnet'), { recursive: true })
      await writeFile(join(other.folder, 'testnet', 'control.json'), JSON.stringify({ v: 1, admin: gateway.ready.admin, adminHome: client.folder }))
      const answer = await post(`${gateway.ready.url}/chat/completions`, { model: 'synthetic', messages: [{ role: 'user', content: 'one two three' }] })
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
      const ended = await other.json(`vault close ${payee}`)
      expect(ended).to.deep.include({ ended: true, sumNano: answer.body.cocoon.paid_nano, sentBy: 'payer' })
    } finally {
      await gateway.stop()
      await other.remove()
    }
  })

  it('says what else can be done when the provider is away, and writes the file where one is named', async () => {
    await client.json(`vault open ${ABSENT} 0.1`)
    const away = await client.command(`vault close ${ABSENT} ${address}`)
    expect([away.code, away.err.split(':')[0]]).to.deep.equal([3, 'no_provider'])
    expect(away.err).to.match(/cocoon vault close ADDRESS --out FILE.*cocoon vault unlock ADDRESS/)
    const file = join(client.folder, 'close.json')
    expect(await client.json(`vault close ${ABSENT} --out ${file}`)).to.deep.include({ ended: false, signed: true, sumNano: '0', file })
  })
})
