import { join } from 'node:path'
import { openKeyValue } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import { payJob } from './pay-job.ts'
import { rehearse } from './rehearse.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'

const NONCE = new Uint8Array(32).fill(9)
const JOB_NANO = 32_345_678n
const SEED = '11'.repeat(32)

async function * inputOf (text: string): AsyncGenerator<string> {
  yield text
}

describe('money commands on a devnet', function () {
  this.timeout(60_000)
  let world: World
  let client: CommandHome
  let provider: CommandHome
  let aheadMs = 0
  const nowMs = (): number => Date.now() + aheadMs
  let owner = ''
  let vault = ''
  let payee = ''

  before(async () => {
    world = await createWorld({ now: nowMs })
    client = await createCommandHome(world.devnet, nowMs)
    provider = await createCommandHome(world.devnet, nowMs)
  })

  after(async () => {
    await client.remove()
    await provider.remove()
    await world.close()
  })

  const dryThenReal = async (line: string, sameBody = true): Promise<any> =>
    rehearse({ world, home: client, line, receiver: { account: vault, read: async () => client.json('vault status') }, sameBody, givenAwayNano: line.startsWith('vault unlock') ? 10_000_000n : 0n })

  it('makes a wallet, and takes one over', async () => {
    owner = (await client.json('wallet create')).wallet
    expect((await client.json('wallet address')).wallet).to.equal(owner)
    const imported = await provider.command('wallet import --json', { input: inputOf(`${SEED}\n`) })
    expect(imported.code).to.equal(0)
    expect(imported.out).to.not.include(SEED)
    payee = JSON.parse(imported.out).wallet
    await world.devnet.faucet(owner, 10n * TON)
    await world.devnet.faucet(payee, TON)
    expect(await client.json('wallet balance')).to.deep.include({ walletNano: (10n * TON).toString(), wallet: owner, network: 'devnet' })
    vault = (await client.json('vault')).vault
    expect((await client.json('vault')).deployed).to.equal(false)
  })

  it('says before it sends that a deposit is too small, or that the chain is another network\'s', async () => {
    const before = world.devnet.snapshot()
    expect((await client.command('vault deposit 0.119999999')).err).to.match(/^deposit_too_small: .*0\.1 TON .*stay in the vault for its rent/)
    for (const line of ['vault deposit 1', 'vault deposit 1 --dry-run', 'vault', 'wallet']) {
      const { code, err } = await client.command(`${line} --devnet-genesis ${'ab'.repeat(32)}`)
      expect([code, err.split(':')[0]], line).to.deep.equal([1, 'wrong_network'])
    }
    expect(world.devnet.snapshot()).to.deep.equal(before)
  })

  it('deploys the vault with its first deposit, and takes more', async () => {
    await dryThenReal('vault deposit 1')
    expect(await client.json('vault')).to.deep.include({ deployed: true, lockedNano: '0', lanes: [] })
    const before = BigInt((await client.json('vault')).balanceNano)
    await dryThenReal('vault deposit 1500000000nano')
    expect((await client.command('vault deposit 1nano')).err).to.match(/^deposit_too_small: /)
    const books = await booksOf(world.client, vault)
    const after = BigInt((await client.json('vault')).balanceNano)
    expect(after).to.equal(books.nano)
    expect(after - before > 1_490_000_000n && after - before <= 1_500_000_000n).to.equal(true)
  })

  it('opens a lane and raises its cap', async () => {
    const opened = await dryThenReal(`vault open ${payee} 0.1`, false)
    expect(opened).to.deep.include({ capNano: '100000000', paidNano: '0', payee })
    expect((await client.command(`vault open ${payee} 0.1`)).err).to.match(/^lane_open: /)
    await dryThenReal(`vault top-up ${payee} 0.050000001`)
    const { lanes, lockedNano } = await client.json('vault lanes')
    expect(lanes).to.have.lengthOf(1)
    expect(lanes[0]).to.deep.include({ payee, capNano: '150000001', paidNano: '0', leftNano: '150000001', unlocksAt: null })
    expect(lockedNano).to.equal('150000001')
  })

  it('refuses what the vault would refuse, before anything is sent', async () => {
    const before = world.devnet.snapshot()
    const stranger = `0:${'ab'.repeat(32)}`
    for (const [line, code, exit] of [
      [`vault open ${stranger} 0.01`, 'lane_cap_too_small', 1],
      [`vault open ${stranger} 1000`, 'insufficient_funds', 1],
      [`vault top-up ${stranger} 1`, 'lane_unknown', 1],
      [`vault unlock ${stranger}`, 'lane_unknown', 1],
      [`vault finish ${payee}`, 'lane_not_unlocked', 1],
      ['vault withdraw 100', 'insufficient_funds', 1],
      ['vault deposit 100', 'insufficient_funds', 1],
      [`wallet send ${stranger} 100`, 'insufficient_funds', 1],
      [`wallet send ${stranger} 1.0000000001`, 'usage', 2],
      ['wallet send nonsense 1', 'usage', 2]
    ] as const) {
      const outcome = await client.command(line)
      expect([outcome.code, outcome.out], line).to.deep.equal([exit, ''])
      expect(outcome.err, line).to.match(new RegExp(`^${code}: [^\n]+\n$`))
    }
    expect(world.devnet.snapshot()).to.deep.equal(before)
  })

  it('does not touch the wallet of a node that runs', async () => {
    const lock = await openKeyValue(join(client.folder, 'peers'))
    try {
      const outcome = await client.command('vault deposit 1')
      // whoever holds the home answers nothing here
      expect(outcome.code).to.equal(3)
      expect(outcome.err).to.match(/^not_running: /)
      expect((await client.command('vault deposit 1 --dry-run')).code).to.equal(0)
    } finally {
      await lock.close()
    }
  })

  it('begins to unlock, and does not end before the time', async () => {
    await payJob({ devnet: world.devnet, client, provider, nowMs, nonce: NONCE, chargeNano: JOB_NANO })
    await dryThenReal(`vault unlock ${payee}`)
    const { lanes } = await client.json('vault')
    expect(Date.parse(lanes[0].unlocksAt) - nowMs()).to.be.within(590_000, 600_000)
    expect((await client.command(`vault unlock ${payee}`)).err).to.match(/^lane_unlocking: /)
    expect((await client.command(`vault finish ${payee}`)).err).to.match(/^lane_not_unlocked: /)
  })

  it('redeems for a provider that does not run, to the nanoTON', async () => {
    const controller = new AbortController()
    const lines: any[] = []
    const before = BigInt((await provider.json('wallet balance')).walletNano)
    const { code } = await provider.command('settle --watch --json', {
      signal: controller.signal,
      out: text => {
        lines.push(JSON.parse(text))
        if (lines.length === 2) {
          controller.abort('SIGTERM')
        }
      }
    })
    expect(code).to.equal(0)
    expect(lines[0]).to.deep.equal({ watching: true, lanes: 1, unredeemedNano: JOB_NANO.toString() })
    expect(lines[1]).to.deep.include({ vault, redeemedNano: JOB_NANO.toString() })
    const { lanes, feeAccruedNano } = await client.json('vault')
    expect(lanes[0]).to.deep.include({ paidNano: JOB_NANO.toString() })
    expect(BigInt(feeAccruedNano)).to.equal(JOB_NANO / 100n)
    const books = await booksOf(world.client, payee)
    const after = BigInt((await provider.json('wallet balance')).walletNano)
    expect(after).to.equal(books.nano)
    expect(after > before).to.equal(true)
  })

  it('keeps the books, also as CSV', async () => {
    const { rows, sums } = await client.json('settle ledger')
    expect(sums).to.deep.equal({ paid: JOB_NANO.toString(), earned: '0', redeemed: '0' })
    expect(rows).to.have.lengthOf(1)
    const earned = await provider.json('settle ledger')
    expect(earned.sums).to.deep.equal({ paid: '0', earned: JOB_NANO.toString(), redeemed: JOB_NANO.toString() })
    expect(earned.rows.map((row: { kind: string }) => row.kind)).to.deep.equal(['earned', 'redeemed'])
    const { out } = await client.command('settle ledger --csv -')
    const [head, row, end] = out.split('\r\n')
    expect(head).to.equal('time,kind,vault,payee,lane_epoch,job,amount_nano,amount_ton')
    expect(row.split(',').slice(1)).to.deep.equal(['paid', vault, payee, rows[0].epoch, '09'.repeat(32), '32345678', '0.032345678'])
    expect(end).to.equal('')
  })

  it('ends the lane when its time is over, and gives everything back', async () => {
    aheadMs = 601_000
    await dryThenReal(`vault finish ${payee}`)
    expect(await client.json('vault')).to.deep.include({ lockedNano: '0', lanes: [] })
    await dryThenReal('vault withdraw 0.5')
    const { freeNano } = await client.json('vault')
    const { messages } = await dryThenReal('vault withdraw all')
    expect(messages[0].movesNano).to.equal((BigInt(freeNano) - 10_000_000n).toString())
    const left = await client.json('vault')
    expect(BigInt(left.balanceNano)).to.equal((await booksOf(world.client, vault)).nano)
    expect(BigInt(left.balanceNano)).to.equal(BigInt(left.feeAccruedNano) + BigInt(left.reserveNano) + BigInt(left.freeNano))
  })

  it('sends coins to a wallet that was never used, to the nanoTON', async () => {
    const to = `0:${'cd'.repeat(32)}`
    await dryThenReal(`wallet send ${to} 0.123456789`)
    expect((await booksOf(world.client, to)).nano).to.equal(123_456_789n)
  })

  it('exports the key that it imported, and prints it nowhere else', async () => {
    expect((await provider.command('wallet export')).err).to.match(/^usage: /)
    expect((await provider.command('wallet export --yes')).out.trim()).to.equal(SEED)
    for (const line of ['wallet', 'wallet address', 'vault', 'settle ledger', 'vault deposit 1 --dry-run', 'doctor']) {
      const { out, err } = await provider.command(line)
      expect(out + err, line).to.not.include(SEED)
    }
  })
})
