import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { PROVIDER_STAKE_ERRORS as ERR, providerStakeBodies as bodies } from '../src/index.ts'
import { NOBODY, PENALTY, StakeWorld, UNBOND_SECONDS } from './stake-world.ts'
import { START, TON, accountOf, keyOf } from './vault-world.ts'
import { RealWallet } from './wallets.ts'
import type { Cell } from '@ton/core'

const STAKE = 100n * TON
const OTHER = new Uint8Array(32).fill(99)

/** One good body for every message, of a stake that unbonds a part. */
function everyBody (world: StakeWorld): Record<string, Cell> {
  return {
    deposit: bodies.deposit(TON / 100n),
    unbond: bodies.unbond(TON),
    rebond: bodies.rebond(),
    withdraw: bodies.withdraw(),
    slashContradiction: world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n })),
    slashOvercharge: world.overcharge(world.receipt({ chargeNano: TON }))
  }
}

async function withUnbonding (): Promise<StakeWorld> {
  const world = await StakeWorld.ready(STAKE)
  await world.send(world.owner, bodies.unbond(TON))
  world.chain.now = START + UNBOND_SECONDS
  return world
}

describe('provider stake: wrong senders', () => {
  it('takes deposits, unbonding and withdrawals from the owner\'s wallet only', async () => {
    const world = await withUnbonding()
    const all = everyBody(world)
    for (const name of ['deposit', 'unbond', 'rebond', 'withdraw']) {
      for (const from of [world.reporter, world.stranger]) {
        await world.refused(async () => world.send(from, all[name]), ERR.notOwner)
      }
    }
    for (const name of ['unbond', 'rebond', 'deposit', 'withdraw']) {
      expect(world.exitCode(await world.send(world.owner, all[name])), name).to.equal(name === 'withdraw' ? ERR.nothingDue : 0)
    }
  })

  it('takes evidence from anyone, the owner too', async () => {
    for (const from of ['owner', 'reporter', 'stranger'] as const) {
      const world = await withUnbonding()
      expect(world.exitCode(await world.send(world[from], everyBody(world).slashOvercharge))).to.equal(0)
      expect(world.exitCode(await world.send(world[from], everyBody(world).slashContradiction))).to.equal(0)
    }
  })
})

describe('provider stake: malformed bodies', () => {
  it('refuses every message that is a bit short, and every one with a bit or a reference too many or too few', async function () {
    this.timeout(30_000)
    const world = await withUnbonding()
    for (const [name, body] of Object.entries(everyBody(world))) {
      const s = body.beginParse()
      const bits = s.remainingBits
      const refs = Array.from({ length: s.remainingRefs }, () => s.loadRef())
      const build = (take: number, extraBits: number, keep: readonly Cell[]): Cell => {
        const b = beginCell().storeBits(body.beginParse().loadBits(take)).storeUint(0, extraBits)
        return keep.reduce((out, ref) => out.storeRef(ref), b).endCell()
      }
      const wrong = [build(bits - 1, 0, refs), build(bits, 1, refs), build(bits, 0, [...refs, beginCell().endCell()])]
      if (refs.length > 0) {
        wrong.push(build(bits, 0, refs.slice(1)))
      }
      for (const [i, cell] of wrong.entries()) {
        const before = await world.state()
        expect(world.exitCode(await world.send(world.owner, cell)), `${name} ${i}`).to.not.equal(0)
        expect(await world.state(), name).to.deep.equal(before)
      }
    }
  })

  it('refuses evidence whose parts are empty, cut or exchanged', async function () {
    this.timeout(30_000)
    const world = await StakeWorld.ready(STAKE)
    for (const name of ['slashContradiction', 'slashOvercharge']) {
      const s = everyBody(world)[name].beginParse()
      const refs = Array.from({ length: 3 }, () => s.loadRef())
      const head = s.loadBits(s.remainingBits)
      const build = (parts: readonly Cell[]): Cell => parts.reduce((out, ref) => out.storeRef(ref), beginCell().storeBits(head)).endCell()
      const empty = beginCell().endCell()
      const cut = (cell: Cell): Cell => beginCell().storeBits(cell.beginParse().loadBits(cell.bits.length - 8)).endCell()
      const wrong = [
        ...refs.map((_, i) => build(refs.map((ref, j) => i === j ? empty : ref))),
        ...refs.map((_, i) => build(refs.map((ref, j) => i === j ? cut(ref) : ref))),
        build([refs[1], refs[0], refs[2]]),
        build([refs[2], refs[1], refs[0]])
      ]
      for (const [i, cell] of wrong.entries()) {
        const before = await world.state()
        expect(world.exitCode(await world.send(world.stranger, cell)), `${name} ${i}`).to.not.equal(0)
        expect(await world.state(), name).to.deep.equal(before)
      }
    }
  })

  it('refuses what has no opcode, an unknown one, or text', async () => {
    const world = await StakeWorld.ready(STAKE)
    for (const body of [beginCell().storeUint(0, 32).endCell(), beginCell().storeUint(0x43530007, 32).endCell(), beginCell().storeUint(0, 32).storeStringTail('hello').endCell(), beginCell().storeUint(1, 1).endCell()]) {
      await world.refused(async () => world.send(world.owner, body), ERR.unknownOp)
    }
  })
})

describe('provider stake: slashing a provider that did nothing wrong', () => {
  it('does not take one honest receipt, shown twice, for a contradiction', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.refused(async () => world.send(world.reporter, world.contradiction(world.receipt(), world.receipt())), ERR.noContradiction)
  })

  it('does not take checkpoints that grow, or two jobs, for a contradiction', async () => {
    const world = await StakeWorld.ready(STAKE)
    const first = world.sign(world.receipt())
    // the message names one job and checkpoint for both: the second receipt's signature is over another
    for (const changes of [{ seq: 4, chargeNano: 1n }, { jobId: OTHER, chargeNano: 1n }]) {
      const second = world.sign(world.receipt(changes))
      await world.refused(async () => world.send(world.reporter, bodies.slashContradiction({ delegation: world.delegation(), first, second })), ERR.signature)
    }
  })

  it('does not take what another key signed, whoever delegated it', async () => {
    const world = await StakeWorld.ready(STAKE)
    const second = world.sign(world.receipt({ chargeNano: 1n }), keyOf(60))
    const first = world.sign(world.receipt())
    await world.refused(async () => world.send(world.reporter, bodies.slashContradiction({ delegation: world.delegation(), first, second })), ERR.signature)
    // a reporter's own key contradicts itself at will, but nobody delegated it
    const mine = keyOf(60)
    for (const by of [mine, world.receiptKey]) {
      const delegation = world.delegation({ receiptKey: mine.publicKey, by })
      const body = bodies.slashContradiction({ delegation, first: world.sign(world.receipt(), mine), second: world.sign(world.receipt({ chargeNano: 1n }), mine) })
      await world.refused(async () => world.send(world.reporter, body), ERR.delegation)
    }
  })

  it('does not take two guests of one owner for one key', async () => {
    const world = await StakeWorld.ready(STAKE)
    const second = keyOf(61)
    for (const key of [world.receiptKey, second]) {
      const body = bodies.slashContradiction({
        delegation: world.delegation({ receiptKey: key.publicKey }),
        first: world.sign(world.receipt()),
        second: world.sign(world.receipt({ chargeNano: 1n }), second)
      })
      await world.refused(async () => world.send(world.reporter, body), ERR.signature)
    }
  })

  it('does not take receipts, quotes or delegations of another network or another stake', async () => {
    const world = await StakeWorld.ready(STAKE)
    for (const changes of [{ networkId: OTHER }, { stake: OTHER }]) {
      const first = world.receipt(changes)
      const second = world.receipt({ ...changes, chargeNano: 1n })
      await world.refused(async () => world.send(world.reporter, world.contradiction(first, second)), ERR.signature)
      await world.refused(async () => world.send(world.reporter, world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n }), world.delegation(changes))), ERR.delegation)
      const quote = world.quote({ ...changes, prices: { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n } })
      await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({}, quote), quote)), ERR.otherQuote)
      await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({ ...changes, chargeNano: TON }))), ERR.signature)
    }
  })

  it('does not take evidence of which one bit was changed', async function () {
    this.timeout(30_000)
    const world = await StakeWorld.ready(STAKE)
    const honest = world.receipt()
    // each field of a signed receipt, changed after it was signed
    const forged = [{ tier: 'gold' as const }, { chargeNano: honest.chargeNano ^ 1n }, { mcSeqno: 98 }, { quoteHash: OTHER }, { ansCommit: OTHER }, { vault: OTHER }, { laneEpoch: 1n }, { auditRoot: OTHER }, { tokens: { ...honest.tokens, prompt: 1 } }]
    for (const changes of forged) {
      const second = { receipt: { ...honest, ...changes }, signature: world.sign(honest).signature }
      await world.refused(async () => world.send(world.reporter, bodies.slashContradiction({ delegation: world.delegation(), first: world.sign(honest), second })), ERR.signature)
    }
  })
})

describe('provider stake: evidence in any order', () => {
  it('takes a contradiction whichever of the two comes first, and no second time either way', async () => {
    for (const turned of [false, true]) {
      const world = await StakeWorld.ready(STAKE)
      const pair = [world.receipt(), world.receipt({ chargeNano: 1n })]
      const [first, second] = turned ? pair.reverse() : pair
      expect(world.exitCode(await world.send(world.reporter, world.contradiction(first, second)))).to.equal(0)
      await world.refused(async () => world.send(world.stranger, world.contradiction(first, second)), ERR.slashed)
      await world.refused(async () => world.send(world.stranger, world.contradiction(second, first)), ERR.slashed)
    }
  })

  it('takes all of the stake, whether an overcharge was reported before or not', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: TON })))
    const result = await world.send(world.reporter, world.contradiction(world.receipt({ chargeNano: TON }), world.receipt()))
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, accountOf(world.reporter.address))).to.equal((STAKE - PENALTY) / 10n + 50_000_000n - 400_000n)
  })
})

describe('provider stake: what it does not pay for', () => {
  it('pays an owner that reports itself a tenth, of what it had in full after the delay', async () => {
    const world = await StakeWorld.ready(STAKE)
    const result = await world.send(world.owner, everyBody(world).slashContradiction)
    expect(world.received(result, accountOf(world.owner.address)) <= STAKE / 10n + 50_000_000n).to.equal(true)
    expect(await world.withdrawable() < TON / 1_000n).to.equal(true)
  })

  it('lets no owner that sees the evidence coming get its stake out first', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.send(world.owner, bodies.unbond(STAKE))
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
    expect(world.exitCode(await world.send(world.reporter, everyBody(world).slashContradiction))).to.equal(0)
    world.chain.now = START + UNBOND_SECONDS
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
  })

  it('pays a reporter without code, and nothing bounces', async () => {
    const world = await StakeWorld.ready(STAKE)
    const bare = new RealWallet(world.chain, 'v4r2', 70)
    const result = await world.send({ ...world.reporter, address: bare.address } as typeof world.reporter, everyBody(world).slashContradiction)
    expect(await bare.balance()).to.equal(10n * TON + 50_000_000n - 400_000n)
    expect(result.transactions.some(t => t.inMessage?.info.type === 'internal' && t.inMessage.info.bounced)).to.equal(false)
    expect(world.received(result, NOBODY) > 89n * TON).to.equal(true)
  })

  it('leaves its coins alone when a message cannot pay for itself', async function () {
    this.timeout(30_000)
    const world = await withUnbonding()
    for (const [name, body] of Object.entries(everyBody(world))) {
      for (const value of [1n, 500_000n, 1_500_000n]) {
        const before = { state: await world.state(), balance: await world.balance() }
        await world.send(world.owner, body, value)
        expect(await world.state(), name).to.deep.equal(before.state)
        expect(before.balance - await world.balance() < 1_000_000n).to.equal(true)
      }
    }
  })

  it('keeps what was slashed in mind when all of it is gone and rent ate the reserve', async () => {
    const world = await StakeWorld.ready(STAKE)
    const evidence = everyBody(world).slashContradiction
    await world.send(world.reporter, evidence)
    // ten years
    world.chain.now = START + 3_650 * 86_400
    await world.refused(async () => world.deposit(TON, 3n * TON), ERR.slashed)
    await world.refused(async () => world.send(world.stranger, evidence), ERR.slashed)
  })
})
