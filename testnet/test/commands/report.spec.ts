import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { providerStakeBodies } from '@cocoon-net/contracts'
import { accountFromText, devnetPreset, fromHex, receiptHash } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'
import type { SignedReceipt } from '@cocoon-net/contracts'
import type { Receipt } from '@cocoon-net/protocol'
import type { Cell } from '@ton/core'

const ZERO = new Uint8Array(32)
const JOB = new Uint8Array(32).fill(5)
const receiptSigner = ed25519Signer(new Uint8Array(32).fill(7))

describe('reporting a contradiction on a devnet', function () {
  this.timeout(60_000)
  let world: World
  let provider: CommandHome
  let reporter: CommandHome
  let stake = ''
  let body: Cell

  before(async () => {
    world = await createWorld()
    provider = await createCommandHome(world.devnet, () => Date.now())
    reporter = await createCommandHome(world.devnet, () => Date.now())
    for (const home of [provider, reporter]) {
      await world.devnet.faucet((await home.json('wallet create')).wallet, 10n * TON)
    }
    stake = (await provider.json('stake')).stake
    await provider.json('stake deposit 3')
    const receiptKey = Buffer.from(receiptSigner.publicKey).toString('hex')
    const delegated = await provider.json(`stake delegate --receipt-key ${receiptKey}`)
    const notAfter = BigInt(Date.parse(delegated.notAfter) / 1_000)
    const receipt: Receipt = {
      networkId: devnetPreset(world.devnet.genesis).networkId,
      stake: accountFromText(stake),
      vault: ZERO,
      payee: ZERO,
      laneEpoch: 1n,
      jobId: JOB,
      seq: 1,
      bindingHash: ZERO,
      tier: 'open',
      tokens: { prompt: 1, cached: 0, completion: 1, reasoning: 0 },
      chargeNano: 10n,
      quoteHash: ZERO,
      mcSeqno: 1,
      reqCommit: ZERO,
      ansCommit: ZERO,
      auditRoot: ZERO
    }
    const signed = (one: Receipt): SignedReceipt => ({ receipt: one, signature: receiptSigner.sign(receiptHash(one)) })
    body = providerStakeBodies.slashContradiction({
      delegation: { receiptKey: receiptSigner.publicKey, notAfter, signature: fromHex(delegated.signature) },
      first: signed(receipt),
      second: signed({ ...receipt, chargeNano: 11n })
    })
  })

  after(async () => {
    await provider.remove()
    await reporter.remove()
    await world.close()
  })

  const evidence = async (name: string, change: object = {}): Promise<string> => {
    const folder = join(reporter.folder, 'slash-evidence')
    await mkdir(folder, { recursive: true })
    const file = join(folder, `${name}.json`)
    await writeFile(file, JSON.stringify({ version: 1, kind: 'E1', stake, bodyBoc: body.toBoc().toString('base64'), provider: '12D3KooWProvider', foundAt: 1_700_000_000_000, ...change }))
    return file
  }
  const refusal = async (line: string, exit = 1): Promise<string> => {
    const { code, out, err } = await reporter.command(line)
    expect([code, out], line).to.deep.equal([exit, ''])
    return err.split(':')[0]
  }

  it('lists what was found', async () => {
    expect((await reporter.json('stake evidence')).evidence).to.deep.equal([])
    expect((await reporter.command('stake evidence')).out).to.match(/^None in /)
    const file = await evidence('job')
    await evidence('torn', { version: 2 })
    expect((await reporter.json('stake evidence')).evidence).to.deep.equal([
      { file, kind: 'E1', stake, provider: '12D3KooWProvider', foundAt: '2023-11-14T22:13:20.000Z' },
      { file: file.replace('job', 'torn'), kind: 'unreadable', stake: '', provider: '', foundAt: '' }
    ])
  })

  it('refuses what is no evidence, before anything is sent', async () => {
    await provider.json('vault deposit 1')
    const { vault } = await provider.json('vault')
    const before = world.devnet.snapshot()
    for (const change of [{ kind: 'E2' }, { kind: 'E3' }, { bodyBoc: 'AA==' }, { stake: 'x' }, { more: 1 }]) {
      expect(await refusal(`stake report ${await evidence('bad', change)}`, 2), JSON.stringify(change)).to.equal('file_unusable')
    }
    expect(await refusal('stake report /nowhere.json', 2)).to.equal('file_unusable')
    expect(await refusal(`stake report ${await evidence('none', { stake: `0:${'99'.repeat(32)}` })}`)).to.equal('stake_missing')
    expect(await refusal(`stake report ${await evidence('other', { stake: vault })}`)).to.equal('evidence_unusable')
    expect(world.devnet.snapshot()).to.deep.equal(before)
  })

  it('shows what it costs and brings, then takes the stake and a tenth of it', async () => {
    const file = await evidence('job')
    const dry = await reporter.json(`stake report ${file} --dry-run`)
    expect(dry.messages[0]).to.deep.include({ to: stake, bringsNano: '300000000', movesNano: '0', body: body.toBoc().toString('base64') })
    const before = BigInt((await reporter.json('wallet balance')).walletNano)
    const done = await reporter.json(`stake report ${file}`)
    const gainNano = BigInt(done.balanceAfterNano) - before
    expect(gainNano >= 300_000_000n - BigInt(dry.messages[0].costAtMostNano) && gainNano < 300_000_000n, `gained ${gainNano}`).to.equal(true)
    expect(await provider.json('stake')).to.deep.include({ slashed: true, bondedNano: '0' })
    expect((await provider.command('stake')).out).to.include('SLASHED')
    const { wallet } = await reporter.json('wallet address')
    expect(BigInt(done.balanceAfterNano)).to.equal((await booksOf(world.client, wallet)).nano)
    expect(await refusal(`stake report ${file}`)).to.equal('stake_slashed')
  })
})
