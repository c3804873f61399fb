import { beginCell } from '@ton/core'
import { createShardAccount, internal } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { CLIENT_VAULT_ERRORS as ERR, CLIENT_VAULT_LIMITS as LIMITS, clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, START, TON, VaultWorld, accountOf, keyOf, somePayees } from './vault-world.ts'
import { RealWallet } from './wallets.ts'
import type { Cell } from '@ton/core'

const CAP = TON / 10n

async function opened (): Promise<VaultWorld> {
  const world = await VaultWorld.ready()
  expect(world.exitCode(await world.open(CAP))).to.equal(0)
  return world
}

/** One good body for every message, of a vault with one open lane. */
function everyBody (world: VaultWorld): Record<string, Cell> {
  const payee = accountOf(world.payee.address)
  const key = keyOf(3).publicKey
  const signature = world.signer.sign(world.promise(payee, 1_000n))
  return {
    setUp: bodies.setUp({ signerKey: key, operator: payee }),
    addSigner: bodies.addSigner({ idx: 1, key }),
    retireSigner: bodies.retireSigner(0),
    setOperator: bodies.setOperator(payee, TON),
    openLanes: bodies.openLanes({ epoch: EPOCH, keyIdx: 0, lanes: [{ payee, capNano: TON }, ...somePayees(4).map(p => ({ payee: p, capNano: TON }))] }),
    redeem: bodies.redeem({ payee, cumulativeNano: 1_000n, signature }),
    redeemOwn: bodies.redeem({ cumulativeNano: 1_000n, signature }),
    startUnlock: bodies.startUnlock(payee),
    finishUnlock: bodies.finishUnlock(payee),
    releaseLane: bodies.releaseLane(),
    closeLane: bodies.closeLane({ payee, cumulativeNano: 1n, wallet: { version: 'v4r2', walletId: 1, publicKey: key }, signerSignature: signature, payeeSignature: signature }),
    withdraw: bodies.withdraw(1n),
    flushFee: bodies.flushFee(),
    topUp: bodies.topUp()
  }
}

describe('client vault: wrong senders', () => {
  const allowed: Record<string, readonly string[]> = {
    setUp: ['owner'],
    addSigner: ['owner'],
    retireSigner: ['owner'],
    setOperator: ['owner'],
    openLanes: ['owner', 'operator'],
    redeemOwn: ['payee'],
    startUnlock: ['owner', 'operator'],
    releaseLane: ['payee'],
    withdraw: ['owner']
  }
  const codes: Record<string, number> = { openLanes: ERR.notOperator, startUnlock: ERR.notOperator, redeemOwn: ERR.noLane, releaseLane: ERR.notPayee }

  for (const [name, senders] of Object.entries(allowed)) {
    it(`takes ${name} from ${senders.join(' and ')} only`, async () => {
      const world = await opened()
      const body = everyBody(world)[name]
      for (const from of ['owner', 'operator', 'payee', 'stranger', 'treasury'] as const) {
        if (!senders.includes(from)) {
          await world.refused(async () => world.send(world[from], body), codes[name] ?? ERR.notOwner)
        }
      }
    })
  }
})

describe('client vault: malformed bodies', () => {
  it('refuses every message that is a bit short, and every one with a bit or a reference too many', async () => {
    const world = await opened()
    await world.send(world.payee, world.redeemBody(50_000_000n))
    for (const [name, body] of Object.entries(everyBody(world))) {
      const s = body.beginParse()
      const bits = s.remainingBits
      const refs = Array.from({ length: s.remainingRefs }, () => s.loadRef())
      const build = (take: number, extraBits: number, keep: readonly Cell[]): Cell => {
        const b = beginCell().storeBits(body.beginParse().loadBits(take))
        for (let i = 0; i < extraBits; i++) {
          b.storeBit(true)
        }
        return keep.reduce((out, ref) => out.storeRef(ref), b).endCell()
      }
      const wrong = [build(bits - 1, 0, refs), build(bits, 0, [...refs, beginCell().endCell()])]
      if (bits < 1_023) {
        wrong.push(build(bits, 1, refs))
      }
      if (refs.length > 0) {
        wrong.push(build(bits, 0, refs.slice(1)))
      }
      for (const [i, cell] of wrong.entries()) {
        const before = await world.state()
        for (const from of [world.owner, world.payee]) {
          const code = world.exitCode(await world.send(from, cell))
          expect(code, `${name} ${i}`).to.not.equal(0)
        }
        expect(await world.state(), name).to.deep.equal(before)
      }
    }
  })

  it('refuses what has no opcode, an unknown one, or text', async () => {
    const world = await opened()
    for (const body of [beginCell().storeUint(0, 32).endCell(), beginCell().storeUint(0x43560011, 32).endCell(), beginCell().storeUint(0, 32).storeStringTail('hello').endCell(), beginCell().storeUint(1, 1).endCell()]) {
      await world.refused(async () => world.send(world.owner, body), ERR.unknownOp)
    }
  })

  it('takes amounts that fit only', async () => {
    const world = await opened()
    expect(() => bodies.openLanes({ epoch: EPOCH, keyIdx: 0, lanes: [{ payee: accountOf(world.payee.address), capNano: LIMITS.maxCapNano + 1n }] })).to.throw()
    await world.refused(async () => world.open(LIMITS.maxCapNano), ERR.badLane)
    await world.refused(async () => world.open(0n, { epoch: EPOCH + 1n, payees: somePayees(1) }), ERR.badLane)
    const huge = bodies.redeem({ payee: accountOf(world.payee.address), cumulativeNano: 2n ** 64n, signature: new Uint8Array(64) })
    await world.refused(async () => world.send(world.payee, huge), 5)
  })
})

describe('client vault: money that comes back or does not suffice', () => {
  it('pays a payee without code, and one whose code throws: nothing bounces, nothing is paid twice', async () => {
    for (const throws of [false, true]) {
      const world = await VaultWorld.ready()
      const bare = new RealWallet(world.chain, 'v4r2', 40)
      if (throws) {
        // THROW 42
        const code = beginCell().storeUint(0xf22a, 16).endCell()
        await world.chain.setShardAccount(bare.address, createShardAccount({ address: bare.address, code, data: beginCell().endCell(), balance: 0n }))
      }
      await world.open(CAP, { payees: [bare.account] })
      const body = bodies.redeem({ payee: bare.account, cumulativeNano: 50_000_000n, signature: world.signer.sign(world.promise(bare.account, 50_000_000n)) })
      const result = await world.send(world.stranger, body)
      expect(world.receivedBy(result, bare.address)).to.equal(49_500_000n)
      expect(await bare.balance() > 49_000_000n).to.equal(true)
      expect(result.transactions.some(t => t.inMessage?.info.type === 'internal' && t.inMessage.info.bounced)).to.equal(false)
      await world.refused(async () => world.send(world.stranger, body), ERR.nothingDue)
      // nor does an unlock's notice
      expect(world.exitCode(await world.send(world.operator, bodies.startUnlock(bare.account)))).to.equal(0)
      expect((await world.lane(bare.account)).unlockAt).to.equal(START + 600)
    }
  })

  it('counts what comes back all the same as its own coins, and as nothing else', async () => {
    const world = await opened()
    const before = await world.state()
    const balance = await world.balance()
    const body = beginCell().storeUint(0xffffffff, 32).storeUint(0x43560010, 32).endCell()
    const message = internal({ from: world.payee.address, to: world.address, value: TON, body, bounce: false })
    if (message.info.type !== 'internal') {
      throw new Error('an internal message is one')
    }
    message.info.bounced = true
    expect(world.exitCode(await world.chain.sendMessage(message))).to.equal(0)
    expect(await world.state()).to.deep.equal(before)
    expect(await world.balance() - balance > TON * 9n / 10n).to.equal(true)
  })

  it('leaves its own coins alone when a message cannot pay for itself', async () => {
    const world = await opened()
    for (const body of Object.values(everyBody(world))) {
      for (const value of [1n, 1_000_000n, 3_000_000n]) {
        const before = await world.balance()
        await world.send(world.stranger, body, value)
        expect(before - await world.balance() <= 100_000n).to.equal(true)
      }
    }
  })

  it('gives a stranger that redeems for another with too little the whole refusal, not half a payout', async () => {
    const world = await opened()
    const before = await world.state()
    const balance = await world.balance()
    // enough for the gas, not for both messages
    const result = await world.send(world.stranger, world.redeemBody(40_000_000n), 4_000_000n)
    expect(world.received(result, world.payee)).to.equal(0n)
    expect(await world.state()).to.deep.equal(before)
    expect(balance - await world.balance() <= 100_000n).to.equal(true)
  })

  it('redeems a single nanoTON, and takes no fee that rounds to nothing', async () => {
    const world = await opened()
    const result = await world.send(world.stranger, world.redeemBody(1n))
    expect(world.received(result, world.payee)).to.equal(1n)
    expect(await world.info()).to.deep.include({ locked: CAP - 1n, feeAccrued: 0n })
  })

  it('makes the smallest lane that providers take worth redeeming once it unlocks', async () => {
    const world = await VaultWorld.ready()
    const payee = new RealWallet(world.chain, 'v4r2', 41)
    await payee.fund(TON)
    await world.open(20_000_000n, { payees: [payee.account] })
    await world.send(world.operator, bodies.startUnlock(payee.account))
    const before = await payee.balance()
    const cumulativeNano = 20_000_000n
    await payee.send({ to: world.address, value: TON / 20n, body: bodies.redeem({ cumulativeNano, signature: world.signer.sign(world.promise(payee.account, cumulativeNano)) }) })
    // all that was earned, less the fee, and nearly all of the gas back
    expect(await payee.balance() - before > 18_000_000n).to.equal(true)
  })
})

describe('client vault: races', () => {
  it('pays a redeem that an unlock or a withdrawal ran ahead of', async () => {
    const world = await opened()
    await world.send(world.operator, bodies.startUnlock(accountOf(world.payee.address)))
    await world.send(world.owner, bodies.withdraw((await world.info()).free))
    world.chain.now = START + 599
    const result = await world.send(world.payee, world.redeemBody(CAP))
    expect(world.exitCode(result)).to.equal(0)
    expect((await world.lane()).paid).to.equal(CAP)
  })

  it('pays the payee when a stranger copies its redeem and is faster', async () => {
    const world = await opened()
    const body = world.redeemBody(CAP)
    const first = await world.send(world.stranger, body)
    expect(world.received(first, world.payee)).to.equal(99_000_000n)
    await world.refused(async () => world.send(world.payee, body), ERR.nothingDue)
  })

  it('pays the sum of the highest voucher in whatever order they come', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.bigInt({ min: 1n, max: CAP * 2n }), { minLength: 1, maxLength: 5 }), async (vouchers) => {
      const world = await opened()
      let paid = 0n
      for (const voucher of vouchers) {
        paid += world.received(await world.send(world.stranger, world.redeemBody(voucher)), world.payee)
      }
      const most = vouchers.reduce((a, b) => a > b ? a : b)
      const due = most < CAP ? most : CAP
      expect(paid).to.equal(due - due / 100n)
      expect((await world.lane()).paid).to.equal(due)
    }), { numRuns: 6, seed: 3 })
  })
})

describe('client vault: two processes of one client', () => {
  it('opens the lanes of one of them only when both chose the same epoch', async () => {
    const world = await VaultWorld.ready()
    const [mine, yours] = somePayees(2)
    expect(world.exitCode(await world.open(CAP, { payees: [mine] }))).to.equal(0)
    await world.refused(async () => world.open(CAP, { payees: [yours] }), ERR.epoch)
    // the same lane is topped up, not opened twice
    expect(world.exitCode(await world.open(CAP, { payees: [mine] }))).to.equal(0)
    expect(await world.info()).to.deep.include({ lanes: 1, locked: 2n * CAP })
  })

  it('pays no more than the higher of two vouchers that neither knew the other of', async () => {
    const world = await opened()
    const first = await world.send(world.stranger, world.redeemBody(30_000_000n))
    const second = await world.send(world.stranger, world.redeemBody(40_000_000n))
    expect(world.received(first, world.payee) + world.received(second, world.payee)).to.equal(39_600_000n)
    await world.refused(async () => world.send(world.stranger, world.redeemBody(30_000_000n)), ERR.nothingDue)
  })
})

describe('client vault: a full table', () => {
  it('takes 105 lanes and no more, and gives a freed place to the next lane with nothing paid', async () => {
    const world = await VaultWorld.ready({}, 50n * TON)
    await world.fill(LIMITS.maxLanes)
    const another = { epoch: EPOCH + 1_000n, payees: [new Uint8Array(32).fill(0xee)] }
    await world.refused(async () => world.open(CAP, another), ERR.tooManyLanes)
    await world.send(world.payee, world.redeemBody(CAP))
    await world.send(world.payee, bodies.releaseLane())
    expect(world.exitCode(await world.open(CAP, another))).to.equal(0)
    expect(await world.lane(another.payees[0])).to.deep.include({ cap: CAP, paid: 0n })
    await world.refused(async () => world.open(CAP, { epoch: EPOCH + 1_001n }), ERR.tooManyLanes)
  })

  it('keeps 105 sums apart, from the first to the last of each cell', async function () {
    this.timeout(30_000)
    const world = await VaultWorld.ready({}, 50n * TON)
    await world.fill(LIMITS.maxLanes)
    const { lanes } = await world.state()
    expect(new Set(lanes.map(lane => lane.slot)).size).to.equal(LIMITS.maxLanes)
    const edges = lanes.filter(lane => lane.slot % 21 === 0 || lane.slot % 21 === 20)
    expect(edges).to.have.lengthOf(10)
    for (const { payee, slot, epoch } of edges) {
      const cumulativeNano = 1_000n + BigInt(slot)
      await world.send(world.stranger, bodies.redeem({ payee, cumulativeNano, signature: world.signer.sign(world.promise(payee, cumulativeNano, epoch)) }))
      expect((await world.lane(payee)).paid).to.equal(cumulativeNano)
    }
    for (const lane of (await world.state()).lanes) {
      expect(lane.paidNano).to.equal(edges.some(({ slot }) => slot === lane.slot) ? 1_000n + BigInt(lane.slot) : 0n)
    }
  })
})
