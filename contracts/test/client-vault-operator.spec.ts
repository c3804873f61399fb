import { expect } from 'aegir/chai'
import { CLIENT_VAULT_ERRORS as ERR, clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, START, TON, VaultWorld, accountOf, keyOf, somePayees } from './vault-world.ts'

const DAY = 86_400

async function withBudget (dailyBudgetNano: bigint): Promise<{ world: VaultWorld, open(capNano: bigint, payee?: number): ReturnType<VaultWorld['open']> }> {
  const world = await VaultWorld.ready()
  await world.send(world.owner, bodies.setOperator(accountOf(world.operator.address), dailyBudgetNano))
  let opened = 0n
  return {
    world,
    open: async (capNano, payee = Number(opened)) => {
      opened += 1n
      return world.open(capNano, { epoch: BigInt(world.chain.now ?? START) * 1_000n + opened, payees: somePayees(1, payee) })
    }
  }
}

describe('client vault: operator', () => {
  it('promises no more than its budget from midnight to midnight, and all of it again the next day', async () => {
    const { world, open } = await withBudget(TON)
    expect(world.exitCode(await open(TON - 1n))).to.equal(0)
    await world.refused(async () => open(2n), ERR.budget)
    expect(world.exitCode(await open(1n))).to.equal(0)
    const left = DAY - START % DAY
    world.chain.now = START + left - 1
    await world.refused(async () => open(1n), ERR.budget)
    world.chain.now = START + left
    expect(world.exitCode(await open(TON))).to.equal(0)
    await world.refused(async () => open(1n), ERR.budget)
  })

  it('spends its budget on top-ups as on new lanes', async () => {
    const { world } = await withBudget(TON)
    expect(world.exitCode(await world.open(TON / 2n))).to.equal(0)
    expect(world.exitCode(await world.open(TON / 2n))).to.equal(0)
    await world.refused(async () => world.open(1n), ERR.budget)
  })

  it('gets no second budget when the owner writes it anew or gives the role to another', async () => {
    const { world, open } = await withBudget(TON)
    await open(TON)
    await world.send(world.owner, bodies.setOperator(accountOf(world.stranger.address), TON))
    await world.refused(async () => world.open(1n, { from: world.stranger, epoch: EPOCH + 5n }), ERR.budget)
    await world.send(world.owner, bodies.setOperator(accountOf(world.stranger.address), TON + 1n))
    expect(world.exitCode(await world.open(1n, { from: world.stranger, epoch: EPOCH + 5n }))).to.equal(0)
    await world.refused(async () => world.open(1n, { epoch: EPOCH + 6n }), ERR.notOperator)
  })

  it('does not bind the owner', async () => {
    const { world } = await withBudget(0n)
    await world.refused(async () => world.open(1n), ERR.budget)
    expect(world.exitCode(await world.open(TON, { from: world.owner }))).to.equal(0)
    expect((await world.operatorRole()).leftNano).to.equal(0n)
  })

  it('neither withdraws nor writes signers, budgets or itself', async () => {
    const { world } = await withBudget(TON)
    const me = accountOf(world.operator.address)
    const key = keyOf(2).publicKey
    for (const body of [bodies.withdraw(1n), bodies.addSigner({ idx: 1, key }), bodies.retireSigner(0), bodies.setOperator(me, 2n * TON)]) {
      await world.refused(async () => world.send(world.operator, body), ERR.notOwner)
    }
  })
})

describe('client vault: signers', () => {
  it('keeps vouchers good whose signer was retired before they were redeemed', async () => {
    const world = await VaultWorld.ready()
    await world.open(TON)
    await world.send(world.owner, bodies.addSigner({ idx: 1, key: keyOf(2).publicKey }))
    expect(world.exitCode(await world.send(world.owner, bodies.retireSigner(0)))).to.equal(0)
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(40_000_000n)))).to.equal(0)
    // also while the lane unlocks, and the new signer does not speak for the old lane
    await world.send(world.operator, bodies.startUnlock(accountOf(world.payee.address)))
    await world.refused(async () => world.send(world.payee, world.redeemBody(50_000_000n, { key: keyOf(2) })), ERR.signature)
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(50_000_000n)))).to.equal(0)
  })

  it('opens and tops up nothing with a retired signer, whose index is never written again', async () => {
    const world = await VaultWorld.ready()
    await world.open(TON)
    await world.refused(async () => world.send(world.owner, bodies.retireSigner(1)), ERR.noSigner)
    await world.send(world.owner, bodies.retireSigner(0))
    await world.refused(async () => world.open(TON), ERR.noSigner)
    await world.refused(async () => world.open(TON, { epoch: EPOCH + 1n, payees: somePayees(1) }), ERR.noSigner)
    await world.refused(async () => world.send(world.owner, bodies.addSigner({ idx: 0, key: keyOf(2).publicKey })), ERR.signerExists)
  })

  it('bounds what a stolen signer can lose by the caps that are open', async () => {
    const world = await VaultWorld.ready()
    await world.open(TON)
    const result = await world.send(world.payee, world.redeemBody(1_000n * TON))
    expect(world.exitCode(result)).to.equal(0)
    expect((await world.lane()).paid).to.equal(TON)
    expect((await world.info()).locked).to.equal(0n)
  })
})
