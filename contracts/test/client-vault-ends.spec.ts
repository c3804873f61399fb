import { closeHash } from '@cocoon-net/protocol'
import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { CLIENT_VAULT_ERRORS as ERR, clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, START, TON, VaultWorld, accountOf, keyOf } from './vault-world.ts'
import { RealWallet } from './wallets.ts'
import type { WalletVersion } from './wallets.ts'
import type { Cell } from '@ton/core'

const CAP = TON / 10n

async function opened (): Promise<VaultWorld> {
  const world = await VaultWorld.ready()
  expect(world.exitCode(await world.open(CAP))).to.equal(0)
  return world
}

describe('client vault: ends', () => {
  it('unlocks with a paid notice to the payee, and only after its time', async () => {
    const world = await opened()
    const payee = accountOf(world.payee.address)
    await world.refused(async () => world.send(world.stranger, bodies.startUnlock(payee)), ERR.notOperator)
    await world.refused(async () => world.send(world.operator, bodies.startUnlock(payee), 29_999_999n), ERR.lowValue)
    await world.refused(async () => world.send(world.operator, bodies.startUnlock(new Uint8Array(32))), ERR.noLane)
    const result = await world.send(world.operator, bodies.startUnlock(payee))
    expect(world.received(result, world.payee)).to.equal(10_000_000n)
    await world.refused(async () => world.send(world.operator, bodies.startUnlock(payee)), ERR.unlocking)
    world.chain.now = START + 599
    await world.refused(async () => world.send(world.operator, bodies.finishUnlock(payee)), ERR.notUnlocked)
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(40_000_000n)))).to.equal(0)
    world.chain.now = START + 600
    expect(world.exitCode(await world.send(world.stranger, bodies.finishUnlock(payee)))).to.equal(0)
    expect((await world.lane()).exists).to.equal(false)
    expect(await world.info()).to.deep.include({ locked: 0n, lanes: 0 })
  })

  it('does not finish an unlock that was not started', async () => {
    const world = await opened()
    await world.refused(async () => world.send(world.operator, bodies.finishUnlock(accountOf(world.payee.address))), ERR.notUnlocked)
  })

  it('refunds redeems while unlocking: their fees and the wallet\'s, at most what waits and what they redeem', async () => {
    const world = await opened()
    const plain = await world.send(world.payee, world.redeemBody(10_000_000n))
    const value = TON / 20n
    const cost = value + 9_900_000n - world.received(plain, world.payee)
    await world.send(world.operator, bodies.startUnlock(accountOf(world.payee.address)))
    // dust, redeemed by the client itself, uses up dust only
    await world.send(world.stranger, world.redeemBody(10_000_001n))
    expect((await world.lane()).gasLeft).to.equal(9_999_999n)
    const refunded = await world.send(world.payee, world.redeemBody(40_000_001n))
    const { gasLeft } = await world.lane()
    const refund = 9_999_999n - gasLeft
    expect(refund > cost + 3_000_000n && refund < cost + 6_000_000n).to.equal(true)
    expect(world.received(refunded, world.payee) > value + 29_700_000n).to.equal(true)
    // the second takes what is left, no more
    const second = await world.send(world.payee, world.redeemBody(80_000_001n))
    expect((await world.lane()).gasLeft).to.equal(0n)
    const third = await world.send(world.payee, world.redeemBody(90_000_001n))
    expect(world.exitCode(second)).to.equal(0)
    expect(world.received(third, world.payee) < value + 9_900_000n).to.equal(true)
    expect((await world.info()).locked).to.equal(9_999_999n)
  })

  it('refunds nothing before an unlock', async () => {
    const world = await opened()
    const result = await world.send(world.payee, world.redeemBody(40_000_000n))
    expect(world.received(result, world.payee) < TON / 20n + 39_600_000n).to.equal(true)
  })

  it('sends the notice with the least value that starts an unlock, in a full vault too', async () => {
    const world = await VaultWorld.ready({}, 50n * TON)
    await world.fill(105)
    const payee = accountOf(world.payee.address)
    const result = await world.send(world.operator, bodies.startUnlock(payee), 30_000_000n)
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, world.payee)).to.equal(10_000_000n)
    expect((await world.lane()).unlockAt).to.equal(START + 600)
  })

  it('opens an ended lane again in a higher epoch only, with nothing paid', async () => {
    const world = await opened()
    await world.send(world.payee, world.redeemBody(40_000_000n))
    await world.send(world.payee, bodies.releaseLane())
    await world.refused(async () => world.open(CAP), ERR.epoch)
    expect(world.exitCode(await world.open(CAP, { epoch: EPOCH + 1n }))).to.equal(0)
    expect(await world.lane()).to.deep.include({ cap: CAP, paid: 0n, epoch: EPOCH + 1n, unlockAt: 0 })
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(1_000n, { epoch: EPOCH + 1n })))).to.equal(0)
  })

  it('makes a voucher of an ended lane worthless in the next epoch', async () => {
    const world = await opened()
    await world.send(world.payee, bodies.releaseLane())
    world.chain.now = START + 10
    await world.open(CAP, { epoch: EPOCH + 10_000n })
    await world.refused(async () => world.send(world.payee, world.redeemBody(40_000_000n)), ERR.signature)
  })

  it('ends at once when the payee gives the lane back, and only its own', async () => {
    const world = await opened()
    await world.refused(async () => world.send(world.stranger, bodies.releaseLane()), ERR.notPayee)
    expect(world.exitCode(await world.send(world.payee, bodies.releaseLane()))).to.equal(0)
    expect((await world.lane()).exists).to.equal(false)
  })

  it('lets the owner, and nobody else, take all that is free and not a nanoTON more', async () => {
    const world = await opened()
    const { free } = await world.info()
    await world.refused(async () => world.send(world.operator, bodies.withdraw(1n)), ERR.notOwner)
    await world.refused(async () => world.send(world.owner, bodies.withdraw(free + 1n)), ERR.solvency)
    const result = await world.send(world.owner, bodies.withdraw(free))
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, world.owner) > free).to.equal(true)
    expect((await world.info()).free).to.equal(0n)
    expect(world.exitCode(await world.send(world.payee, world.redeemBody(CAP)))).to.equal(0)
  })
})

for (const version of ['v4r2', 'v5r1'] as const satisfies readonly WalletVersion[]) {
  describe(`client vault: cooperative close with a payee's wallet ${version}`, () => {
    interface Changes { networkId?: Uint8Array, vault?: Uint8Array, epoch?: bigint, claim?: bigint, signer?: number, payee?: number, key?: number, walletId?: number }

    async function start (): Promise<{ world: VaultWorld, payee: RealWallet, close(cumulative: bigint, changes?: Changes): Cell }> {
      const world = await VaultWorld.ready()
      const payee = new RealWallet(world.chain, version, 9)
      await world.open(CAP, { payees: [payee.account] })
      return {
        world,
        payee,
        close: (cumulative, changes = {}) => {
          const hash = closeHash({
            networkId: changes.networkId ?? world.parameters.networkId,
            vault: changes.vault ?? accountOf(world.address),
            payee: payee.account,
            epoch: changes.epoch ?? EPOCH,
            cumulative
          })
          return bodies.closeLane({
            payee: payee.account,
            cumulativeNano: changes.claim ?? cumulative,
            wallet: { version, walletId: changes.walletId ?? payee.walletId, publicKey: keyOf(changes.key ?? 9).publicKey },
            signerSignature: keyOf(changes.signer ?? 1).sign(hash),
            payeeSignature: keyOf(changes.payee ?? 9).sign(hash)
          })
        }
      }
    }

    it('pays the last sum and ends the lane at once, whoever brings both signatures', async () => {
      const { world, payee, close } = await start()
      const free = (await world.info()).free
      const result = await world.send(world.stranger, close(40_000_000n))
      expect(world.exitCode(result)).to.equal(0)
      expect(world.receivedBy(result, payee.address)).to.equal(39_600_000n)
      expect(await world.info()).to.deep.include({ locked: 0n, lanes: 0, feeAccrued: 400_000n })
      // the rest of the cap and the lane's part of the reserve are the client's again
      expect((await world.info()).free - free > 61_900_000n).to.equal(true)
      expect((await world.lane(payee.account)).exists).to.equal(false)
      await world.refused(async () => world.send(world.stranger, close(40_000_000n)), ERR.noLane)
    })

    it('pays no more than the cap, and nothing where all was paid', async () => {
      const { world, payee, close } = await start()
      const result = await world.send(world.stranger, close(CAP * 2n))
      expect(world.receivedBy(result, payee.address)).to.equal(99_000_000n)
      const paid = await start()
      await paid.world.send(paid.world.stranger, bodies.redeem({ payee: payee.account, cumulativeNano: 50_000_000n, signature: keyOf(1).sign(paid.world.promise(payee.account, 50_000_000n)) }))
      const last = await paid.world.send(paid.world.stranger, paid.close(40_000_000n))
      expect(paid.world.exitCode(last)).to.equal(0)
      expect(paid.world.receivedBy(last, payee.address)).to.equal(0n)
    })

    it('takes what waited for a refund back into what is free', async () => {
      const { world, payee, close } = await start()
      await world.send(world.operator, bodies.startUnlock(payee.account))
      await world.send(world.stranger, close(40_000_000n))
      expect((await world.info()).locked).to.equal(0n)
    })

    it('needs both signatures over this network, vault, epoch and sum, and the key that the payee\'s address commits to', async () => {
      const { world, close } = await start()
      const other = new Uint8Array(32).fill(9)
      for (const changes of [{ networkId: other }, { vault: other }, { epoch: EPOCH + 1n }, { claim: 1n }, { signer: 9 }, { payee: 1 }] satisfies Changes[]) {
        await world.refused(async () => world.send(world.payee, close(40_000_000n, changes)), ERR.signature)
      }
      // the client's own key in the payee's place, with everything signed by it
      await world.refused(async () => world.send(world.payee, close(1n, { key: 1, payee: 1 })), ERR.badWallet)
      await world.refused(async () => world.send(world.payee, close(1n, { walletId: 7 })), ERR.badWallet)
    })

    it('is no voucher, and a voucher is no close', async () => {
      const { world, payee, close } = await start()
      const hash = closeHash({ networkId: world.parameters.networkId, vault: accountOf(world.address), payee: payee.account, epoch: EPOCH, cumulative: 5n })
      await world.refused(async () => world.send(world.stranger, bodies.redeem({ payee: payee.account, cumulativeNano: 5n, signature: world.signer.sign(hash) })), ERR.signature)
      const voucher = world.promise(payee.account, 5n)
      const wallet = { version, walletId: payee.walletId, publicKey: keyOf(9).publicKey }
      await world.refused(async () => world.send(world.stranger, bodies.closeLane({ payee: payee.account, cumulativeNano: 5n, wallet, signerSignature: world.signer.sign(voucher), payeeSignature: keyOf(9).sign(voucher) })), ERR.signature)
      expect(world.exitCode(await world.send(world.stranger, close(5n)))).to.equal(0)
    })
  })
}

describe('client vault: cooperative close', () => {
  it('refuses a wallet that it does not know', async () => {
    const world = await opened()
    const wallet = { version: 'v4r2' as const, walletId: 1, publicKey: keyOf(9).publicKey }
    const signature = new Uint8Array(64)
    const body = bodies.closeLane({ payee: accountOf(world.payee.address), cumulativeNano: 1n, wallet, signerSignature: signature, payeeSignature: signature })
    const s = body.beginParse()
    const changed = beginCell().storeBits(s.loadBits(32 + 256 + 4 + 8)).storeUint(6, 8).storeSlice(s.skip(8)).endCell()
    await world.refused(async () => world.send(world.stranger, changed), ERR.badWallet)
  })
})
