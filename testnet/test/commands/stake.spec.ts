import { createPublicKey, verify } from 'node:crypto'
import { PROVIDER_STAKE_LIMITS } from '@cocoon-net/contracts'
import { delegationHash, devnetPreset, fromHex, parseDelegation, toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import { rehearse } from './rehearse.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'

/** SubjectPublicKeyInfo prefix of an Ed25519 public key (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

describe('stake commands on a devnet', function () {
  this.timeout(60_000)
  let world: World
  let home: CommandHome
  let aheadMs = 0
  const nowMs = (): number => Date.now() + aheadMs
  let owner = ''
  let stake = ''

  before(async () => {
    world = await createWorld({ now: nowMs })
    home = await createCommandHome(world.devnet, nowMs)
    owner = (await home.json('wallet create')).wallet
    await world.devnet.faucet(owner, 10n * TON)
    stake = (await home.json('stake')).stake
  })

  after(async () => {
    await home.remove()
    await world.close()
  })

  const dryThenReal = async (line: string): Promise<any> =>
    rehearse({ world, home, line, receiver: { account: stake, read: async () => home.json('stake status') } })
  const refusal = async (line: string): Promise<string> => {
    const { code, out, err } = await home.command(line)
    expect([code, out], line).to.deep.equal([1, ''])
    return err.split(':')[0]
  }

  it('deploys the stake with its first deposit, exactly', async () => {
    expect(await home.json('stake')).to.deep.include({ deployed: false, bondedNano: '0', withdrawableNano: '0', slashed: false })
    expect(await refusal('stake unbond 1')).to.equal('stake_missing')
    await dryThenReal('stake deposit 3')
    const balanceNano = (3n * TON + PROVIDER_STAKE_LIMITS.reserveNano).toString()
    expect(await home.json('stake')).to.deep.include({ deployed: true, bondedNano: '3000000000', unbondingNano: '0', balanceNano, readyAt: null })
    await dryThenReal('stake deposit 1000000001nano')
    expect((await home.json('stake')).bondedNano).to.equal('4000000001')
  })

  it('signs for a receipt key, without a chain', async () => {
    const receiptKey = 'ef'.repeat(32)
    const before = world.devnet.snapshot()
    const signed = await home.json(`stake delegate --receipt-key ${receiptKey} --days 2`)
    expect(world.devnet.snapshot()).to.deep.equal(before)
    const delegation = parseDelegation(fromHex(signed.delegation))
    expect(toHex(delegation.networkId)).to.equal(toHex(devnetPreset(world.devnet.genesis).networkId))
    expect(`0:${toHex(delegation.stake)}`).to.equal(stake)
    expect(toHex(delegation.receiptKey)).to.equal(receiptKey)
    expect(Number(delegation.notAfter) - nowMs() / 1_000).to.be.within(2 * 86_400 - 60, 2 * 86_400)
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, Buffer.from(signed.ownerKey, 'hex')]), format: 'der', type: 'spki' })
    expect(verify(null, delegationHash(delegation), key, Buffer.from(signed.signature, 'hex'))).to.equal(true)
    for (const line of ['stake delegate --receipt-key 12', `stake delegate --receipt-key ${receiptKey} --days 0`, `stake delegate --receipt-key ${receiptKey} --days 1.5`]) {
      expect((await home.command(line)).code, line).to.equal(2)
    }
  })

  it('unbonds, changes its mind, and takes out what is ready and no sooner', async () => {
    expect(await refusal('stake withdraw')).to.equal('stake_not_ready')
    expect(await refusal('stake rebond')).to.equal('nothing_due')
    expect(await refusal('stake unbond 5')).to.equal('insufficient_funds')
    await dryThenReal('stake unbond 1')
    expect(await home.json('stake')).to.deep.include({ bondedNano: '3000000001', unbondingNano: '1000000000', withdrawableNano: '0' })
    await dryThenReal('stake rebond')
    expect(await home.json('stake')).to.deep.include({ bondedNano: '4000000001', unbondingNano: '0', readyAt: null })
    await dryThenReal('stake unbond all')
    expect(await refusal('stake withdraw')).to.equal('stake_not_ready')
    aheadMs = 1_201_000
    const { messages } = await dryThenReal('stake withdraw')
    // rent came off the reserve meanwhile, not off the stake
    const { balanceNano, bondedNano, unbondingNano } = await home.json('stake')
    expect([bondedNano, unbondingNano]).to.deep.equal(['0', '0'])
    expect(BigInt(messages[0].movesNano) <= 4_000_000_001n).to.equal(true)
    expect(BigInt(balanceNano)).to.equal((await booksOf(world.client, stake)).nano)
  })

  it('leaves the whole sum accounted for', async () => {
    const { walletNano } = await home.json('wallet balance')
    expect(BigInt(walletNano)).to.equal((await booksOf(world.client, owner)).nano)
  })
})
