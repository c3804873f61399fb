import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { createCommandHome } from './home.ts'
import { payJob } from './pay-job.ts'
import { rehearse } from './rehearse.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'

const KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
/** One of no order that keeps a signature safe, and one that is no point of the curve. */
const NO_KEYS = ['00'.repeat(32), 'ab'.repeat(32)]
const OPERATOR = `0:${'ef'.repeat(32)}`

describe('roles and fee of a vault on a devnet', function () {
  this.timeout(60_000)
  let world: World
  let home: CommandHome
  let vault = ''

  before(async () => {
    world = await createWorld()
    home = await createCommandHome(world.devnet, () => Date.now())
    const { wallet } = await home.json('wallet create')
    await world.devnet.faucet(wallet, 10n * TON)
    await home.json('vault deposit 2')
    vault = (await home.json('vault')).vault
  })

  after(async () => {
    await home.remove()
    await world.close()
  })

  const dryThenReal = async (line: string, givenAwayNano = 0n): Promise<any> =>
    rehearse({ world, home, line, receiver: { account: vault, read: async () => home.json('vault status') }, givenAwayNano })
  const refusal = async (line: string, exit = 1): Promise<string> => {
    const { code, out, err } = await home.command(line)
    expect([code, out], line).to.deep.equal([exit, ''])
    return err.split(':')[0]
  }

  it('writes a signer once, and retires it', async () => {
    await dryThenReal(`vault add-signer 7 ${KEY}`)
    expect((await home.json('vault signers')).signers.at(-1)).to.deep.equal({ index: 7, key: KEY, retired: false })
    expect(await refusal(`vault add-signer 7 ${KEY}`)).to.equal('signer_exists')
    await dryThenReal('vault retire-signer 7')
    expect((await home.json('vault signers')).signers.at(-1).retired).to.equal(true)
    expect(await refusal('vault retire-signer 7')).to.equal('signer_missing')
    expect(await refusal('vault retire-signer 8')).to.equal('signer_missing')
    for (const line of ['vault add-signer 256 '.concat(KEY), 'vault add-signer -1 '.concat(KEY), 'vault add-signer 1 12', ...NO_KEYS.map(key => `vault add-signer 1 ${key}`), 'vault retire-signer x']) {
      expect(await refusal(line, 2)).to.equal('usage')
    }
  })

  it('names an operator with its budget, and none', async () => {
    const owner = (await home.json('wallet address')).wallet
    expect((await home.json('vault signers')).operator).to.equal(owner)
    await dryThenReal(`vault operator ${OPERATOR} 0.25`)
    expect(await home.json('vault signers')).to.deep.include({ operator: OPERATOR, dailyBudgetNano: '250000000', spentTodayNano: '0' })
    await dryThenReal('vault operator none')
    expect(await home.json('vault signers')).to.deep.include({ operator: null, dailyBudgetNano: '0' })
    expect(await refusal('vault operator none 1', 2)).to.equal('usage')
  })

  it('pays the fee out when there is one', async () => {
    expect(await refusal('vault flush-fee')).to.equal('nothing_due')
    const provider = await createCommandHome(world.devnet, () => Date.now())
    try {
      const payee = (await provider.json('wallet create')).wallet
      await world.devnet.faucet(payee, TON)
      await home.json(`vault open ${payee} 0.1`)
      await payJob({ devnet: world.devnet, client: home, provider, nowMs: () => Date.now(), nonce: new Uint8Array(32).fill(1), chargeNano: 50_000_000n })
      await provider.json(`settle release ${vault}`)
      expect((await home.json('vault')).feeAccruedNano).to.equal('500000')
      await dryThenReal('vault flush-fee')
      expect((await home.json('vault')).feeAccruedNano).to.equal('0')
    } finally {
      await provider.remove()
    }
  })

  it('plans for a wallet whose key is elsewhere, and sends nothing for it', async () => {
    const other = await createCommandHome(world.devnet, () => Date.now())
    try {
      const owner = (await home.json('wallet address')).wallet
      const shown = await other.json(`vault withdraw 0.5 --dry-run --as ${owner}`)
      expect(shown).to.deep.include({ sent: false, wallet: owner })
      expect(shown.messages[0]).to.deep.equal((await home.json('vault withdraw 0.5 --dry-run')).messages[0])
      const outcome = await other.command(`vault withdraw 0.5 --as ${owner}`)
      expect([outcome.code, outcome.err.split(':')[0]]).to.deep.equal([2, 'usage'])
    } finally {
      await other.remove()
    }
  })
})
