import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { CLIENT_VAULT_ERRORS as ERR, clientVaultAddress, clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, TON, VaultWorld, accountOf, keyOf } from './vault-world.ts'

const CAP = TON / 10n

async function opened (): Promise<VaultWorld> {
  const world = await VaultWorld.ready()
  expect(world.exitCode(await world.open(CAP))).to.equal(0)
  return world
}

describe('client vault: address', () => {
  it('follows from owner and every parameter', async () => {
    const { parameters, owner } = await VaultWorld.create()
    const account = accountOf(owner.address)
    const base = clientVaultAddress(account, parameters).toString()
    for (const changed of [
      { ...parameters, networkId: new Uint8Array(32).fill(6) },
      { ...parameters, feeBps: 99 },
      { ...parameters, treasury: new Uint8Array(32) },
      { ...parameters, unlockSeconds: 1 }
    ]) {
      expect(clientVaultAddress(account, changed).toString()).to.not.equal(base)
    }
    expect(clientVaultAddress(new Uint8Array(32), parameters).toString()).to.not.equal(base)
  })

  it('refuses a fee above one per cent at set-up', async () => {
    const world = await VaultWorld.create({ feeBps: 101 })
    const result = await world.send(world.owner, bodies.setUp({ signerKey: world.signer.publicKey, operator: new Uint8Array(32) }), TON, true)
    expect(world.exitCode(result)).to.equal(ERR.badConfig)
    const allowed = await VaultWorld.create({ feeBps: 100 })
    expect(allowed.exitCode(await allowed.send(allowed.owner, bodies.setUp({ signerKey: allowed.signer.publicKey, operator: new Uint8Array(32) }), TON, true))).to.equal(0)
  })
})

describe('client vault: roles', () => {
  it('takes signers from the owner only, each index once', async () => {
    const world = await VaultWorld.ready()
    const key = keyOf(2).publicKey
    await world.refused(async () => world.send(world.stranger, bodies.addSigner({ idx: 1, key })), ERR.notOwner)
    await world.refused(async () => world.send(world.operator, bodies.addSigner({ idx: 1, key })), ERR.notOwner)
    expect(world.exitCode(await world.send(world.owner, bodies.addSigner({ idx: 1, key })))).to.equal(0)
    await world.refused(async () => world.send(world.owner, bodies.addSigner({ idx: 1, key: keyOf(3).publicKey })), ERR.signerExists)
    await world.refused(async () => world.send(world.owner, bodies.setUp({ signerKey: key, operator: new Uint8Array(32) })), ERR.signerExists)
  })

  it('opens lanes for owner and operator, for nobody else, not for one who was the operator', async () => {
    const world = await VaultWorld.ready()
    await world.refused(async () => world.open(CAP, { from: world.stranger }), ERR.notOperator)
    await world.refused(async () => world.open(CAP, { from: world.payee }), ERR.notOperator)
    expect(world.exitCode(await world.open(CAP))).to.equal(0)
    expect(world.exitCode(await world.open(CAP, { from: world.owner, epoch: EPOCH + 1n, payees: [new Uint8Array(32).fill(1)] }))).to.equal(0)
    await world.refused(async () => world.send(world.operator, bodies.setOperator(accountOf(world.stranger.address))), ERR.notOwner)
    await world.send(world.owner, bodies.setOperator(accountOf(world.stranger.address)))
    await world.refused(async () => world.open(CAP, { epoch: EPOCH + 2n, payees: [new Uint8Array(32).fill(2)] }), ERR.notOperator)
  })

  it('refuses unknown and malformed bodies and takes plain coins', async () => {
    const world = await opened()
    await world.refused(async () => world.send(world.owner, beginCell().storeUint(0xdeadbeef, 32).endCell()), ERR.unknownOp)
    const truncated = beginCell().storeUint(0x43560005, 32).storeUint(1, 100).endCell()
    await world.refused(async () => world.send(world.stranger, truncated), 9)
    const before = await world.balance()
    await world.send(world.stranger, beginCell().endCell(), TON)
    expect(await world.balance() > before + TON * 9n / 10n).to.equal(true)
  })
})

describe('client vault: lanes', () => {
  it('opens only with an epoch above the last and within an hour of the chain\'s time', async () => {
    const world = await VaultWorld.ready()
    const hour = 3_600_000n
    await world.refused(async () => world.open(CAP, { epoch: EPOCH + hour + 1n }), ERR.epoch)
    await world.refused(async () => world.open(CAP, { epoch: EPOCH - hour - 1n }), ERR.epoch)
    expect(world.exitCode(await world.open(CAP, { epoch: EPOCH + hour }))).to.equal(0)
    await world.refused(async () => world.open(CAP, { epoch: EPOCH + hour, payees: [new Uint8Array(32).fill(1)] }), ERR.epoch)
    await world.refused(async () => world.open(CAP, { epoch: EPOCH, payees: [new Uint8Array(32).fill(1)] }), ERR.epoch)
  })

  it('pins a written signer only', async () => {
    const world = await VaultWorld.ready()
    await world.refused(async () => world.open(CAP, { keyIdx: 1 }), ERR.noSigner)
  })

  it('adds to the cap of a lane in its own epoch, with its own signer, while it is not unlocking', async () => {
    const world = await opened()
    await world.open(CAP)
    expect((await world.lane()).cap).to.equal(2n * CAP)
    await world.refused(async () => world.open(CAP, { epoch: EPOCH + 5n }), ERR.epoch)
    await world.send(world.owner, bodies.addSigner({ idx: 1, key: keyOf(2).publicKey }))
    await world.refused(async () => world.open(CAP, { keyIdx: 1 }), ERR.epoch)
    await world.send(world.operator, bodies.startUnlock(accountOf(world.payee.address)))
    await world.refused(async () => world.open(CAP), ERR.unlocking)
  })

  it('never promises more than it holds beyond reserve and fees, with what the opening brings', async () => {
    const world = await VaultWorld.ready({}, TON)
    const { free } = await world.info()
    // a lane's own part of the reserve comes off what is free; the message brings 0.03 TON more than it needs for gas
    const most = free - 2_000_000n + 30_000_000n
    await world.refused(async () => world.open(most + 1n), ERR.solvency)
    const before = await world.balance()
    expect(world.exitCode(await world.open(most))).to.equal(0)
    expect(await world.balance() - before >= 29_900_000n).to.equal(true)
    await world.refused(async () => world.open(31_000_000n), ERR.solvency)
    // redeemed money is no more owed, what was free stays free
    expect((await world.info()).free <= 0n).to.equal(true)
  })
})

describe('client vault: redeem', () => {
  it('pays min(cumulative, cap) − paid to the payee, whoever sends it, and gives the sender its change', async () => {
    const world = await opened()
    const first = await world.send(world.stranger, world.redeemBody(40_000_000n))
    expect(world.received(first, world.payee)).to.equal(39_600_000n)
    expect(world.received(first, world.stranger) > 40_000_000n).to.equal(true)
    expect(await world.lane()).to.deep.include({ paid: 40_000_000n })
    const second = await world.send(world.payee, world.redeemBody(50_000_000n))
    expect(world.received(second, world.payee) > 9_900_000n).to.equal(true)
    const above = await world.send(world.stranger, world.redeemBody(CAP * 3n))
    expect(world.received(above, world.payee)).to.equal(49_500_000n)
    expect(await world.lane()).to.deep.include({ paid: CAP })
    expect(await world.info()).to.deep.include({ locked: 0n, feeAccrued: 1_000_000n })
  })

  it('pays nothing twice and nothing less', async () => {
    const world = await opened()
    await world.send(world.stranger, world.redeemBody(40_000_000n))
    await world.refused(async () => world.send(world.stranger, world.redeemBody(40_000_000n)), ERR.nothingDue)
    await world.refused(async () => world.send(world.stranger, world.redeemBody(39_999_999n)), ERR.nothingDue)
    const next = await world.send(world.stranger, world.redeemBody(40_000_001n))
    expect(world.exitCode(next)).to.equal(0)
  })

  it('accepts only the pinned signer\'s voucher for this network, vault, payee, epoch and amount', async () => {
    const world = await opened()
    const other = new Uint8Array(32).fill(9)
    for (const changes of [{ networkId: other }, { vault: other }, { payee: other }, { epoch: EPOCH + 1n }, { claim: 41_000_000n }, { key: keyOf(2) }]) {
      await world.refused(async () => world.send(world.payee, world.redeemBody(40_000_000n, changes)), ERR.signature)
    }
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(40_000_000n)))).to.equal(0)
  })

  it('keeps an earned voucher good when signers are added and the operator changes', async () => {
    const world = await opened()
    await world.send(world.owner, bodies.addSigner({ idx: 1, key: keyOf(2).publicKey }))
    await world.send(world.owner, bodies.setOperator(new Uint8Array(32)))
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(40_000_000n)))).to.equal(0)
  })

  it('takes the fee cumulatively, so that splitting redeems saves nothing', async () => {
    const world = await opened()
    for (const cumulative of [33n, 66n, 99n, 100n, 199n, 200n]) {
      await world.send(world.stranger, world.redeemBody(cumulative))
    }
    // ⌊200 · 100 / 10⁴⌋
    expect((await world.info()).feeAccrued).to.equal(2n)
  })

  it('flushes accrued fees to the treasury at the caller\'s own gas', async () => {
    const world = await opened()
    await world.refused(async () => world.send(world.stranger, bodies.flushFee()), ERR.nothingDue)
    await world.send(world.stranger, world.redeemBody(CAP))
    const before = await world.balance()
    const result = await world.send(world.stranger, bodies.flushFee())
    expect(world.received(result, world.treasury)).to.equal(1_000_000n)
    expect(before - await world.balance() - 1_000_000n <= 100_000n).to.equal(true)
    expect((await world.info()).feeAccrued).to.equal(0n)
  })
})
