import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createClientPayments } from '../src/client-payments.ts'
import { readLedger } from '../src/ledger.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { decodeValue } from '../src/store.ts'
import { hex } from '../src/types.ts'
import { manualClock, network, nonce, payee, signer } from './fixtures.ts'
import { Mortal } from './mortal.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { ClientLane } from '../src/client-lane.ts'
import type { ClientPayments } from '../src/client-payments.ts'
import type { JobMeter } from '../src/job-meter.ts'
import type { PayerLane } from '../src/payer-lane.ts'
import type { ProviderPayments } from '../src/provider-payments.ts'
import type { DayBook } from '../src/spending.ts'
import type { VaultContract } from '../src/vault-contract.ts'
import type { Wallet } from '../src/wallet.ts'
import type { PayFrame } from '@cocoon-net/protocol'

const OWNER = nonce(7)
const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(2) }
const LIMITS = { perRequestNano: 10_000_000n, perProviderDayNano: 40_000_000n, perDayNano: 40_000_000n }
/** Turns of the clock until a wait counts as vain. */
const MAX_TURNS = 2_000

/** What outlives both processes: disks, chain, clock, and what the test has seen leave one of them. */
class World {
  readonly clock = manualClock()
  readonly ledger = new VaultLedger(this.clock, OWNER)
  readonly disks = { client: new MemoryLevel<string, string>(), provider: new MemoryLevel<string, string>() }
  /** the highest counter that a voucher which left the client carries, by lane epoch */
  readonly released = new Map<bigint, bigint>()
  /** the highest counter that the provider acknowledged, by lane epoch */
  readonly acknowledged = new Map<bigint, bigint>()
  /** what the provider was told to charge and was paid */
  earnedNano = 0n
  /** jobs that the provider serves, and what it has let out for them */
  readonly running = new Set<{ readonly meter: JobMeter, vestedNano: bigint }>()
  /** lanes that an open message named before the client's disk knew them */
  readonly unrecorded: string[] = []
  #jobs = 0

  /** The client's wallet, and the contract that its messages are for: an open message may only name lanes that are on disk. */
  #opening (): { vaults: VaultContract, wallet: Wallet } {
    const { vaults } = this.ledger
    const wallet = this.ledger.wallet(OWNER)
    const opens = new Map<string, Parameters<VaultContract['openLanesBody']>[0]>()
    return {
      vaults: {
        ...vaults,
        openLanesBody: (init) => {
          const body = vaults.openLanesBody(init)
          opens.set(body.hash().toString('hex'), init)
          return body
        }
      },
      wallet: {
        ...wallet,
        send: async (messages) => {
          for (const { body } of messages) {
            const open = opens.get(body?.hash().toString('hex') ?? '')
            for (const lane of open?.lanes ?? []) {
              const stored = decodeValue(await this.disks.client.get(`lane/${hex(lane.payee)}`) ?? 'null') as PayerLane | null
              if (stored?.id.epoch !== open?.epoch) {
                this.unrecorded.push(hex(lane.payee))
              }
            }
          }
          await wallet.send(messages)
        }
      }
    }
  }

  client (life: Mortal): ClientPayments {
    const { vaults, wallet } = this.#opening()
    return createClientPayments({
      network, vaults, port: life.port(this.ledger.port()), wallet: life.wallet(wallet), voucherSigner: signer, kv: life.kv(this.disks.client), clock: this.clock, limits: LIMITS
    })
  }

  provider (life: Mortal): ProviderPayments {
    return createProviderPayments({
      network, payee, vaults: this.ledger.vaults, port: life.port(this.ledger.port()), wallet: life.wallet(this.ledger.wallet(payee)), kv: life.kv(this.disks.provider), clock: this.clock
    })
  }

  /** Moves time on until `work` ends; fails when it never does. */
  async until<T> (work: Promise<T>): Promise<T> {
    const progress = { isDone: false }
    const ended = work.finally(() => { progress.isDone = true })
    ended.catch(() => {})
    for (let turn = 0; !progress.isDone; turn++) {
      if (turn > MAX_TURNS) {
        throw new Error('waits in vain')
      }
      await new Promise(resolve => { setImmediate(resolve) })
      this.clock.advance(500)
    }
    return ended
  }

  /** What leaves is written: the counter, and its part of the day's limit. */
  async #expectOnDisk (epoch: bigint, cumulative: bigint): Promise<void> {
    const [lane, book] = await Promise.all([`lane/${hex(payee)}`, 'dayBook'].map(async key => decodeValue(await this.disks.client.get(key) ?? 'null')))
    expect((lane as PayerLane).id.epoch).to.equal(epoch)
    expect((lane as PayerLane).cumulativeNano >= cumulative, 'the voucher is on disk').to.equal(true)
    expect((book as DayBook).allNano >= cumulative, 'the limit is on disk').to.equal(true)
  }

  /** A job that leaves the client, as a request or with a voucher, is one that it will know as its own. */
  async expectKnown (clientNonce: Uint8Array): Promise<void> {
    const [text, rows] = await Promise.all([this.disks.client.get(`lane/${hex(payee)}`), readLedger(this.disks.client)])
    const { jobs } = decodeValue(text ?? 'null') as PayerLane
    expect(jobs.has(hex(clientNonce)) || rows.some(row => row.clientNonce === hex(clientNonce)), 'the job is on disk').to.equal(true)
  }

  nextNonce (): Uint8Array {
    return nonce(++this.#jobs)
  }

  async send (provider: ProviderPayments, laneKey: string, frame: PayFrame | null): Promise<void> {
    if (frame != null) {
      const { epoch, cumulative } = frame.voucher
      await this.#expectOnDisk(epoch, cumulative)
      await Promise.all(frame.jobs.map(async ([clientNonce]) => this.expectKnown(clientNonce)))
      // a counter never goes back, and the signer never goes above the day's limit
      expect(cumulative >= (this.released.get(epoch) ?? 0n)).to.equal(true)
      this.released.set(epoch, cumulative)
      expect([...this.released.values()].reduce((sum, nano) => sum + nano, 0n) <= LIMITS.perDayNano).to.equal(true)
      const { cumulative: taken } = await provider.pay(laneKey, frame)
      this.acknowledged.set(epoch, taken)
    }
  }
}

async function openLane (world: World, client: ClientPayments, provider: ProviderPayments): Promise<{ lane: ClientLane, laneKey: string }> {
  let lane = await client.lane(payee)
  await lane.ready().catch(async () => {
    // an open that never reached the chain
    lane = await client.lane(payee)
    await lane.ready()
  })
  const { laneKey, frame } = await provider.openLane(lane.open(PEERS), PEERS)
  await lane.adopt(frame)
  await world.send(provider, laneKey, await lane.payDebts(frame, network.firstContactCredit.perVaultNano))
  return { lane, laneKey }
}

interface JobScript {
  readonly steps: readonly bigint[]
  readonly chargeNano: bigint
  readonly end: 'paid' | 'aborted' | 'owed'
  /** vouchers follow what was let out on credit, instead of going before it */
  readonly inArrears?: boolean
  /** the request does not wait for the disk: its first voucher has to */
  readonly isHasty?: boolean
}

async function runJob (world: World, { lane, laneKey }: { lane: ClientLane, laneKey: string }, provider: ProviderPayments, { steps, chargeNano, end, inArrears = false, isHasty = false }: JobScript): Promise<void> {
  const clientNonce = world.nextNonce()
  const job = lane.beginJob({ clientNonce, maxChargeNano: 9_000_000n })
  if (!isHasty) {
    await job.recorded()
    await world.expectKnown(clientNonce)
  }
  const meter = await provider.beginJob({ laneKey, clientNonce, maxChargeNano: 9_000_000n, windowNano: 1_000_000n })
  const running = { meter, vestedNano: 0n }
  world.running.add(running)
  for (const nano of steps) {
    if (!inArrears) {
      await world.send(provider, laneKey, await job.voucherUpTo(nano))
    }
    await meter.waitFor(nano)
    running.vestedNano = nano
    if (inArrears) {
      await world.send(provider, laneKey, await job.voucherUpTo(nano))
    }
  }
  if (end === 'aborted') {
    world.running.delete(running)
    await meter.abort()
    await job.finish(0n)
    return
  }
  const last = await job.finish(end === 'paid' ? chargeNano : job.paidNano)
  if (end === 'paid') {
    await world.send(provider, laneKey, last)
  }
  world.running.delete(running)
  const { paidNano } = await meter.finish(chargeNano)
  world.earnedNano += paidNano
}

/** A day of both sides: jobs one after the other and at once, one that fails, one that leaves a debt, a redeem. */
async function script (world: World, client: ClientPayments, provider: ProviderPayments): Promise<void> {
  await client.start()
  await provider.start()
  const first = await openLane(world, client, provider)
  await runJob(world, first, provider, { steps: [1_000_000n, 2_500_000n], chargeNano: 2_200_000n, end: 'paid' })
  await Promise.all([
    runJob(world, first, provider, { steps: [1_500_000n, 2_000_000n], chargeNano: 1_900_000n, end: 'paid' }),
    runJob(world, first, provider, { steps: [400_000n], chargeNano: 0n, end: 'aborted' }),
    runJob(world, first, provider, { steps: [700_000n, 800_000n], chargeNano: 800_000n, end: 'paid' })
  ])
  // out of what the failed job left free: no voucher of these is a new promise
  await runJob(world, first, provider, { steps: [200_000n, 300_000n], chargeNano: 250_000n, end: 'paid', isHasty: true })
  await runJob(world, first, provider, { steps: [100_000n], chargeNano: 100_000n, end: 'paid', inArrears: true })
  await runJob(world, first, provider, { steps: [600_000n, 1_200_000n], chargeNano: 1_100_000n, end: 'paid', inArrears: true })
  await runJob(world, first, provider, { steps: [500_000n], chargeNano: 900_000n, end: 'owed' })
  const second = await openLane(world, client, provider)
  await provider.settle()
  await runJob(world, second, provider, { steps: [600_000n], chargeNano: 600_000n, end: 'paid' })
}

/**
 * Runs the script with lives that end after so many writes, starts again what has ended, and holds what is left to what
 * was seen. The provider may live on when the client's process ends.
 */
async function survive (lives: { client: Mortal, provider: Mortal }, ends: 'both' | 'client' = 'both'): Promise<void> {
  const world = new World()
  const [client, provider] = [world.client(lives.client), world.provider(lives.provider)]
  await world.until(Promise.race([script(world, client, provider), lives.client.died, lives.provider.died]))
  lives.client.end()
  if (ends === 'both') {
    // what it has not written is lost as well
    lives.provider.end()
  } else {
    // no voucher comes any more: the jobs end at what was let out
    for (const { meter, vestedNano } of [...world.running]) {
      const { paidNano } = await world.until(meter.finish(vestedNano))
      world.earnedNano += paidNano
    }
  }
  const [released, acknowledged] = [new Map(world.released), new Map(world.acknowledged)]

  const again = { client: world.client(new Mortal()), provider: ends === 'both' ? world.provider(new Mortal()) : provider }
  if (ends === 'both') {
    await again.provider.start()
  }
  const held = again.provider.summary().unredeemedNano + world.ledger.paidNano
  expect(held >= [...acknowledged.values()].reduce((sum, nano) => sum + nano, 0n), 'never less than was acknowledged').to.equal(true)
  await world.until((async () => {
    await again.client.start()
    const lane = await openLane(world, again.client, again.provider)
    const before = released.get(lane.lane.epoch) ?? 0n
    await runJob(world, lane, again.provider, { steps: [300_000n], chargeNano: 300_000n, end: 'paid' })
    expect((world.released.get(lane.lane.epoch) ?? before) >= before, 'a counter never goes back').to.equal(true)
    expect(again.provider.summary().debtNano).to.equal(0n)
    await again.provider.settle()
  })())
  expect(world.unrecorded, 'no lane is opened that is not on disk').to.deep.equal([])
  const promised = [...world.released.values()].reduce((sum, nano) => sum + nano, 0n)
  expect(world.ledger.paidNano <= promised, 'never more than was authorised').to.equal(true)
  expect(world.ledger.paidNano >= world.earnedNano, 'all that was earned is paid').to.equal(true)
  // no voucher pays for two jobs: what the provider's books say that jobs brought is within what was promised
  const earned = (await again.provider.ledger()).filter(({ kind }) => kind === 'earned')
  const booked = earned.reduce((sum, { paidNano }) => sum + paidNano, 0n)
  expect(booked >= world.earnedNano && booked <= promised, 'each job is paid for once').to.equal(true)
  // and both sides agree on what was used
  expect((await again.client.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)).to.equal(booked)
  await again.client.stop()
  await again.provider.stop()
}

describe('a process that is killed', () => {
  for (const side of ['client', 'provider'] as const) {
    it(`after any one write of the ${side} loses nothing acknowledged, promises nothing twice and goes on`, async function () {
      this.timeout(60_000)
      const whole = { client: new Mortal(), provider: new Mortal() }
      await survive(whole)
      const writes = whole[side].writes
      expect(writes).to.be.above(10)
      for (let lifetime = 1; lifetime <= writes; lifetime++) {
        await survive({ client: new Mortal(), provider: new Mortal(), [side]: new Mortal(lifetime) })
      }
    })
  }

  it('after any one write of the client leaves a provider that lives on with debts that the client knows and pays', async function () {
    this.timeout(60_000)
    const whole = new Mortal()
    await survive({ client: whole, provider: new Mortal() }, 'client')
    for (let lifetime = 1; lifetime <= whole.writes; lifetime++) {
      await survive({ client: new Mortal(lifetime), provider: new Mortal() }, 'client')
    }
  })
})
