import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createClientPayments } from '../src/client-payments.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { decodeValue } from '../src/store.ts'
import { hex, laneKeyOf } from '../src/types.ts'
import { OWNER, PEERS, payee, payeeSigner } from './closing-sides.ts'
import { manualClock, network, nonce, signer } from './fixtures.ts'
import { Mortal } from './mortal.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { ClientPayments } from '../src/client-payments.ts'
import type { AgreedClose } from '../src/lane-close.ts'
import type { PayerLane } from '../src/payer-lane.ts'
import type { ProviderPayments } from '../src/provider-payments.ts'
import type { PayClose } from '@cocoon-net/protocol'

const VOUCHED_AHEAD_NANO = 3_000_000n
/** Turns of the clock until a wait counts as vain. */
const MAX_TURNS = 2_000

/** What outlives both processes. */
class World {
  readonly clock = manualClock()
  readonly ledger = new VaultLedger(this.clock, OWNER)
  readonly disks = { client: new MemoryLevel<string, string>(), provider: new MemoryLevel<string, string>() }

  client (life: Mortal): ClientPayments {
    const { vaults } = this.ledger
    return createClientPayments({
      network, vaults, port: life.port(this.ledger.port()), wallet: life.wallet(this.ledger.wallet(OWNER)), voucherSigner: signer, kv: life.kv(this.disks.client), clock: this.clock
    })
  }

  provider (life: Mortal): ProviderPayments {
    const { vaults } = this.ledger
    return createProviderPayments({
      network, payee, vaults, port: life.port(this.ledger.port()), wallet: life.wallet(this.ledger.wallet(payee)), payeeSigner, kv: life.kv(this.disks.provider), clock: this.clock
    })
  }

  get isLaneOpen (): boolean {
    return this.ledger.lane(this.ledger.vault, payee) !== undefined
  }

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

  async onDisk<T> (side: 'client' | 'provider', key: string): Promise<T | undefined> {
    return decodeValue(await this.disks[side].get(key) ?? 'null') as T | undefined
  }
}

async function payJob (client: ClientPayments, provider: ProviderPayments, chargeNano: bigint): Promise<void> {
  const lane = await client.lane(payee)
  await lane.ready()
  const { laneKey, frame } = await provider.openLane(lane.open(PEERS), PEERS)
  await lane.adopt(frame)
  const clientNonce = nonce(1)
  const maxChargeNano = chargeNano + VOUCHED_AHEAD_NANO
  const job = lane.beginJob({ clientNonce, maxChargeNano })
  const meter = await provider.beginJob({ laneKey, clientNonce, maxChargeNano, windowNano: maxChargeNano })
  const voucher = await job.voucherUpTo(maxChargeNano)
  if (voucher != null) {
    await provider.pay(laneKey, voucher)
  }
  await meter.waitFor(chargeNano)
  await job.finish(chargeNano)
  await meter.finish(chargeNano)
}

/** One request over the wire, held to what must be on disk before either frame leaves. */
async function ask (world: World, provider: ProviderPayments, frame: PayClose): Promise<AgreedClose> {
  const lane = await world.onDisk<PayerLane>('client', `lane/${hex(payee)}`)
  expect([lane?.status, lane?.jobs.size], 'the payer has ended the lane\'s use on disk').to.deep.equal(['ending', 0])
  const agreed = await provider.closeLane(frame, PEERS)
  const kept = await world.onDisk<AgreedClose>('provider', `closing/${laneKeyOf({ ...frame, payee })}`)
  expect(kept, 'the payee has its word on disk').to.deep.equal(agreed)
  return agreed
}

/** What `cocoon vault close` does, again and again until the lane has ended. */
async function close (world: World, client: ClientPayments, provider: ProviderPayments): Promise<void> {
  try {
    const closing = await client.close(payee)
    if (!closing.isAgreed) {
      const { wallet: { publicKey }, payeeSignature, isPayeeSending } = await ask(world, provider, closing.frame(PEERS))
      await closing.accept({ publicKey, signature: payeeSignature, isSending: isPayeeSending })
    }
    await closing.finish()
  } catch (error: unknown) {
    // it has ended meanwhile, by what an earlier life sent
    if (!(error instanceof CocoonError) || error.code !== 'lane_unknown' || world.isLaneOpen) {
      throw error
    }
  }
}

async function survive (chargeNano: bigint, lives: { client: Mortal, provider: Mortal }): Promise<void> {
  const world = new World()
  const before = { client: world.client(new Mortal()), provider: world.provider(new Mortal()) }
  await before.client.start()
  await before.provider.start()
  await world.until(payJob(before.client, before.provider, chargeNano))
  await before.client.stop()
  await before.provider.stop()

  const [client, provider] = [world.client(lives.client), world.provider(lives.provider)]
  const ending = (async () => {
    await client.start()
    await provider.start()
    await close(world, client, provider)
  })()
  await world.until(Promise.race([ending, lives.client.died, lives.provider.died]))
  lives.client.end()
  lives.provider.end()

  const again = { client: world.client(new Mortal()), provider: world.provider(new Mortal()) }
  await world.until((async () => {
    await again.provider.start()
    await again.client.start()
    await close(world, again.client, again.provider)
  })())
  expect(world.isLaneOpen).to.equal(false)
  expect(world.ledger.paidNano, 'the exact sum, once').to.equal(chargeNano)
  // the payee's books follow when it next looks at the chain
  await world.until((async () => {
    while ((await again.provider.ledger()).every(({ kind }) => kind !== 'redeemed')) {
      await new Promise(resolve => { setImmediate(resolve) })
    }
  })())
  const rows = await again.provider.ledger()
  expect(rows.map(({ kind, paidNano }) => [kind, paidNano])).to.deep.equal([['earned', chargeNano], ['redeemed', chargeNano]])
  expect((await again.client.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)).to.equal(chargeNano)
  expect(again.provider.summary().unredeemedNano).to.equal(0n)
  // nothing was promised that a new lane would have to pay
  const lane = await again.client.lane(payee)
  await world.until(lane.ready())
  expect(world.ledger.lane(world.ledger.vault, payee)).to.deep.include({ paidNano: 0n, epoch: lane.epoch })
  await again.client.stop()
  await again.provider.stop()
}

describe('a process that is killed while a lane is closed together', () => {
  for (const [what, chargeNano] of [['the payee sends the close', 15_000_000n], ['the payer sends the close', 5_000_000n]] as const) {
    for (const side of ['client', 'provider'] as const) {
      it(`after any one write of the ${side} pays the exact sum once, and ends the lane: ${what}`, async function () {
        this.timeout(30_000)
        const whole = { client: new Mortal(), provider: new Mortal() }
        await survive(chargeNano, whole)
        const { writes } = whole[side]
        expect(writes).to.be.above(0)
        for (let lifetime = 1; lifetime <= writes; lifetime++) {
          await survive(chargeNano, { client: new Mortal(), provider: new Mortal(), [side]: new Mortal(lifetime) })
        }
      })
    }
  }
})
