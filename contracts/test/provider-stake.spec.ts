import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { PROVIDER_STAKE_ERRORS as ERR, PROVIDER_STAKE_LIMITS as LIMITS, parseProviderStakeState, providerStakeAddress, providerStakeBodies as bodies, providerStakeStateInit } from '../src/index.ts'
import { DAY, NOBODY, PENALTY, StakeWorld, UNBOND_SECONDS } from './stake-world.ts'
import { START, TON, accountOf, keyOf } from './vault-world.ts'

const STAKE = 100n * TON

describe('provider stake: address', () => {
  it('follows from owner, owner key and every parameter, and from no receipt key', async () => {
    const { parameters, stakeOwner } = await StakeWorld.create()
    const base = providerStakeAddress(stakeOwner, parameters).toString()
    for (const changed of [
      { ...parameters, networkId: new Uint8Array(32).fill(6) },
      { ...parameters, unbondSeconds: 1 },
      { ...parameters, penaltyNano: 1n }
    ]) {
      expect(providerStakeAddress(stakeOwner, changed).toString()).to.not.equal(base)
    }
    expect(providerStakeAddress({ ...stakeOwner, account: NOBODY }, parameters).toString()).to.not.equal(base)
    expect(providerStakeAddress({ ...stakeOwner, ownerKey: keyOf(9).publicKey }, parameters).toString()).to.not.equal(base)
    expect(parseProviderStakeState(providerStakeStateInit(stakeOwner, parameters).data!)).to.deep.include({ bondedNano: 0n, slashed: false, ...parameters })
  })

  it('takes no deposit under a penalty that is less than its check costs', async () => {
    const world = await StakeWorld.create({ penaltyNano: LIMITS.leastPenaltyNano - 1n })
    expect(world.exitCode(await world.deposit(STAKE))).to.equal(ERR.badConfig)
    const least = await StakeWorld.create({ penaltyNano: LIMITS.leastPenaltyNano })
    expect(least.exitCode(await least.deposit(STAKE))).to.equal(0)
  })
})

describe('provider stake: deposit', () => {
  it('bonds the amount to the nanoTON, keeps the reserve, gives the rest back', async () => {
    const world = await StakeWorld.create()
    const result = await world.deposit(STAKE, STAKE + 2n * TON)
    expect(await world.state()).to.deep.include({ bondedNano: STAKE, unbondingNano: 0n })
    expect(await world.balance()).to.equal(STAKE + LIMITS.reserveNano)
    expect(world.received(result, accountOf(world.owner.address)) > 1_880_000_000n).to.equal(true)
    await world.deposit(7n, TON)
    expect(await world.state()).to.deep.include({ bondedNano: STAKE + 7n })
  })

  it('takes none that the message does not bring, none of nothing, none from another', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.refused(async () => world.deposit(TON, TON + LIMITS.depositGasNano - 1n), ERR.lowValue)
    await world.refused(async () => world.deposit(0n, TON), ERR.badAmount)
    await world.refused(async () => world.send(world.stranger, bodies.deposit(TON), 2n * TON), ERR.notOwner)
    // rent since the last message is made up for as well
    expect(world.exitCode(await world.deposit(TON, TON + LIMITS.depositGasNano + 100_000n))).to.equal(0)
  })

  it('must be brought while a part unbonds, too: no coin is stake twice', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.send(world.owner, bodies.unbond(40n * TON))
    await world.refused(async () => world.deposit(TON, TON / 2n), ERR.lowValue)
    await world.deposit(TON)
    expect(await world.balance()).to.equal(STAKE + TON + LIMITS.reserveNano)
    expect(await world.state()).to.deep.include({ bondedNano: 61n * TON, unbondingNano: 40n * TON })
  })

  it('takes plain coins for rent, which bond nothing and are the owner\'s', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.send(world.stranger, beginCell().endCell(), TON)
    expect(await world.state()).to.deep.include({ bondedNano: STAKE })
    const result = await world.send(world.owner, bodies.withdraw())
    expect(world.received(result, accountOf(world.owner.address)) > 1_040_000_000n).to.equal(true)
    expect(await world.balance()).to.equal(STAKE + LIMITS.reserveNano)
  })
})

describe('provider stake: unbonding', () => {
  it('stops counting at once and is paid out after the delay, not before, to the owner only', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.refused(async () => world.send(world.stranger, bodies.unbond(TON)), ERR.notOwner)
    await world.refused(async () => world.send(world.owner, bodies.unbond(STAKE + 1n)), ERR.badAmount)
    await world.refused(async () => world.send(world.owner, bodies.unbond(0n)), ERR.badAmount)
    await world.send(world.owner, bodies.unbond(40n * TON))
    expect(await world.state()).to.deep.include({ bondedNano: 60n * TON, unbondingNano: 40n * TON, readyAt: START + UNBOND_SECONDS })
    world.chain.now = START + UNBOND_SECONDS - 1
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
    world.chain.now = START + UNBOND_SECONDS
    await world.refused(async () => world.send(world.stranger, bodies.withdraw()), ERR.notOwner)
    const due = await world.withdrawable()
    const result = await world.send(world.owner, bodies.withdraw(), TON)
    expect(world.exitCode(result)).to.equal(0)
    expect(await world.state()).to.deep.include({ bondedNano: 60n * TON, unbondingNano: 0n })
    const got = world.received(result, accountOf(world.owner.address))
    expect(got > due + 990_000_000n && got < due + TON).to.equal(true)
    // forty, less the rent of two weeks
    expect(due > 39_990_000_000n && due <= 40n * TON).to.equal(true)
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
  })

  it('starts its delay anew with every unbonding, so that none comes out early', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.send(world.owner, bodies.unbond(TON))
    world.chain.now = START + UNBOND_SECONDS
    await world.send(world.owner, bodies.unbond(99n * TON))
    expect(await world.withdrawable()).to.equal(0n)
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
  })

  it('can be taken back, and then waits again in full', async () => {
    const world = await StakeWorld.ready(STAKE)
    await world.refused(async () => world.send(world.owner, bodies.rebond()), ERR.nothingDue)
    await world.send(world.owner, bodies.unbond(STAKE))
    await world.refused(async () => world.send(world.stranger, bodies.rebond()), ERR.notOwner)
    world.chain.now = START + UNBOND_SECONDS
    await world.send(world.owner, bodies.rebond())
    expect(await world.state()).to.deep.include({ bondedNano: STAKE, unbondingNano: 0n })
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
    await world.send(world.owner, bodies.unbond(STAKE))
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
    expect((await world.state()).readyAt).to.equal(START + 2 * UNBOND_SECONDS)
  })
})

describe('provider stake: a contradiction', () => {
  const other = new Uint8Array(32).fill(99)

  it('takes all of the stake: ten hundredths and the message\'s value to the reporter, the rest to nobody', async () => {
    const world = await StakeWorld.ready(STAKE)
    const value = 50_000_000n
    const result = await world.send(world.reporter, world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n })), value)
    expect(world.exitCode(result)).to.equal(0)
    // the message to the reporter pays its own way
    expect(world.received(result, accountOf(world.reporter.address))).to.equal(10n * TON + value - 400_000n)
    const burned = world.received(result, NOBODY)
    expect(burned > 89_990_000_000n && burned < 90n * TON).to.equal(true)
    expect(await world.state()).to.deep.include({ bondedNano: 0n, unbondingNano: 0n, slashed: true })
    expect(await world.balance() >= LIMITS.reserveNano - 10_000n).to.equal(true)
  })

  it('is one in tokens, charge or answer, and in nothing else', async function () {
    this.timeout(30_000)
    const same = [{}, { mcSeqno: 1 }, { quoteHash: other }, { tier: 'open' as const }, { vault: other }, { payee: other }, { bindingHash: other }, { reqCommit: other }, { auditRoot: other }]
    const world = await StakeWorld.ready(STAKE)
    for (const changes of same) {
      await world.refused(async () => world.send(world.reporter, world.contradiction(world.receipt(), world.receipt(changes))), ERR.noContradiction)
    }
    const tokens = { prompt: 1_001, cached: 17, completion: 321, reasoning: 5 }
    for (const changes of [{ chargeNano: 1n }, { ansCommit: other }, ...Object.keys(tokens).map(name => ({ tokens: { ...tokens, [name]: 1 }, chargeNano: world.receipt().chargeNano }))]) {
      const one = await StakeWorld.ready(STAKE)
      expect(one.exitCode(await one.send(one.reporter, one.contradiction(one.receipt(), one.receipt(changes))))).to.equal(0)
    }
  })

  it('takes what is unbonding too, however old the evidence and the delegation', async () => {
    const world = await StakeWorld.ready(STAKE)
    const evidence = world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n }), world.delegation({ notAfter: 1n }))
    await world.send(world.owner, bodies.unbond(40n * TON))
    world.chain.now = START + UNBOND_SECONDS + 365 * DAY
    const result = await world.send(world.reporter, evidence)
    expect(world.received(result, accountOf(world.reporter.address)) > 9n * TON).to.equal(true)
    expect(await world.state()).to.deep.include({ bondedNano: 0n, unbondingNano: 0n, slashed: true })
    await world.refused(async () => world.send(world.owner, bodies.withdraw()), ERR.nothingDue)
  })

  it('ends the stake: it bonds nothing any more and is never slashed again', async () => {
    const world = await StakeWorld.ready(STAKE)
    const evidence = world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n }))
    await world.send(world.reporter, evidence)
    await world.refused(async () => world.deposit(TON, 2n * TON), ERR.slashed)
    await world.refused(async () => world.send(world.reporter, evidence), ERR.slashed)
    await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: TON }))), ERR.nothingDue)
  })

  it('only marks a stake that holds less than its check costs', async () => {
    const world = await StakeWorld.ready(LIMITS.leastTakenNano - 1n)
    const result = await world.send(world.reporter, world.contradiction(world.receipt(), world.receipt({ chargeNano: 1n })))
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, NOBODY)).to.equal(0n)
    expect(world.received(result, accountOf(world.reporter.address)) < 50_000_000n).to.equal(true)
    expect(await world.state()).to.deep.include({ bondedNano: 0n, slashed: true })
    const least = await StakeWorld.ready(LIMITS.leastTakenNano)
    const taken = await least.send(least.reporter, least.contradiction(least.receipt(), least.receipt({ chargeNano: 1n })))
    expect(least.received(taken, accountOf(least.reporter.address))).to.equal(50_000_000n + LIMITS.leastTakenNano / 10n - 400_000n)
  })
})

describe('provider stake: an overcharge', () => {
  it('costs the penalty, once for each job, and the stake goes on', async () => {
    const world = await StakeWorld.ready(STAKE)
    const above = world.receipt().chargeNano + 1n
    const result = await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: above })))
    expect(world.exitCode(result)).to.equal(0)
    expect(world.received(result, accountOf(world.reporter.address))).to.equal(PENALTY / 10n + 50_000_000n - 400_000n)
    expect(await world.state()).to.deep.include({ bondedNano: STAKE - PENALTY, slashed: false })
    await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: above }))), ERR.punished)
    await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: above, seq: 4 }))), ERR.punished)
    expect(world.exitCode(await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: above, jobId: NOBODY }))))).to.equal(0)
    expect(await world.state()).to.deep.include({ bondedNano: STAKE - 2n * PENALTY })
    expect((await world.state()).punishedJobs).to.have.lengthOf(2)
  })

  it('is a charge above the quote\'s own arithmetic, rounded up once, or its hedge fee when that is more', async function () {
    this.timeout(30_000)
    const world = await StakeWorld.ready(STAKE)
    const exact = world.receipt()
    await world.refused(async () => world.send(world.reporter, world.overcharge(exact)), ERR.notOvercharged)
    const hedged = world.quote({ hedgeFeeNano: exact.chargeNano + 10n })
    await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: exact.chargeNano + 10n }, hedged), hedged)), ERR.notOvercharged)
    expect(world.exitCode(await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: exact.chargeNano + 11n }, hedged), hedged)))).to.equal(0)
    const most = 2 ** 32 - 1
    const dear = world.quote({ prices: { prompt: 2n ** 64n - 1n, cached: 2n ** 64n - 1n, completion: 2n ** 64n - 1n, reasoning: 2n ** 64n - 1n } })
    const all = world.receipt({ tokens: { prompt: most, cached: most, completion: most, reasoning: most }, chargeNano: 2n ** 64n - 1n, jobId: NOBODY }, dear)
    await world.refused(async () => world.send(world.reporter, world.overcharge(all, dear)), ERR.notOvercharged)
  })

  it('takes from what is unbonding when less is bonded, and no more than there is', async () => {
    const world = await StakeWorld.ready(6n * TON)
    await world.send(world.owner, bodies.unbond(4n * TON))
    await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: TON })))
    expect(await world.state()).to.deep.include({ bondedNano: 0n, unbondingNano: TON })
    const last = await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: TON, jobId: NOBODY })))
    expect(world.received(last, accountOf(world.reporter.address))).to.equal(TON / 10n + 50_000_000n - 400_000n)
    await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: TON, jobId: new Uint8Array(32).fill(1) }))), ERR.nothingDue)
    expect(await world.balance() >= LIMITS.reserveNano - 10_000n).to.equal(true)
  })

  it('needs the quote that the receipt names, signed by the same key', async () => {
    const world = await StakeWorld.ready(STAKE)
    const cheap = world.quote({ prices: { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n } })
    // a receipt under the real quote, held against a cheaper one
    await world.refused(async () => world.send(world.reporter, world.overcharge(world.receipt(), cheap)), ERR.otherQuote)
    const claim = world.sign(world.receipt({}, cheap))
    const forged = bodies.slashOvercharge({ delegation: world.delegation(), claim, quote: world.signQuote(cheap, keyOf(77)) })
    await world.refused(async () => world.send(world.reporter, forged), ERR.signature)
    expect(world.exitCode(await world.send(world.reporter, world.overcharge(world.receipt({ chargeNano: TON }, cheap), cheap)))).to.equal(0)
  })
})
