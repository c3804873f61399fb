import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createClientPayments } from '../src/client-payments.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { ed25519Signer } from '../src/signer.ts'
import { LedgerChain, frame, manualClock, network, nonce, payee, signer } from './fixtures.ts'
import type { ClientPayments } from '../src/client-payments.ts'
import type { ProviderPayments } from '../src/provider-payments.ts'
import type { LaneOnChain } from '../src/types.ts'
import type { Wallet } from '../src/wallet.ts'
import type { CocoonError, LaneFrame, PayFrame } from '@cocoon-net/protocol'

const walletOf = (account: Uint8Array): Wallet => ({ account, balance: async () => 10_000_000_000n, send: async () => {} })

/** Peer ids as multihash bytes; what matters is that both sides name the same two. */
const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(2) }

interface Setup {
  clock: ReturnType<typeof manualClock>
  chain: LedgerChain
  client: ClientPayments
  provider: ProviderPayments
  kv: { client: MemoryLevel<string, string>, provider: MemoryLevel<string, string> }
}

function setup (kv = { client: new MemoryLevel<string, string>(), provider: new MemoryLevel<string, string>() }): Setup {
  const clock = manualClock()
  const chain = new LedgerChain(clock)
  const common = { network, vaults: chain.vaults, port: chain.port(), clock }
  const client = createClientPayments({ ...common, wallet: walletOf(nonce(7)), voucherSigner: signer, kv: kv.client })
  const provider = createProviderPayments({ ...common, payee, wallet: walletOf(payee), kv: kv.provider })
  return { clock, chain, client, provider, kv }
}

describe('payments', () => {
  it('opens a pay stream only for the lane signer and only between the two peers it names', async () => {
    const { client, provider } = setup()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const elsewhere = { ...PEERS, client: new Uint8Array(34).fill(3) }
    const refused = [
      provider.openLane(lane.open(PEERS), elsewhere),
      provider.openLane({ ...lane.open(PEERS), signer: ed25519Signer(nonce(77)).publicKey }, PEERS),
      provider.openLane({ ...lane.open(PEERS), signature: new Uint8Array(64) }, PEERS)
    ]
    for (const attempt of refused) {
      await expect(attempt).to.eventually.be.rejected().with.property('code', 'bad_signature')
    }
    expect(provider.summary().lanes).to.equal(0)
    await provider.openLane(lane.open(PEERS), PEERS)
    expect(provider.summary().lanes).to.equal(1)
    await client.stop()
    await provider.stop()
  })

  it('pays a job to the nanoTON and redeems it', async () => {
    const { client, provider } = setup()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const { laneKey, frame } = await provider.openLane(lane.open(PEERS), PEERS)
    expect(frame.state).to.equal('confirmed')
    await lane.adopt(frame)
    const job = lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 50_000_000n })
    const meter = await provider.beginJob({ laneKey, clientNonce: nonce(1), maxChargeNano: 50_000_000n, windowNano: 1_000n })
    // the begin is not on disk yet: nothing may leave
    expect(meter.mayLeave(1n)).to.equal(false)
    await meter.waitFor(3_000_000n)
    expect(meter.mayLeave(3_000_000n)).to.equal(true)
    expect(meter.mayLeave(3_000_001n)).to.equal(false)
    const waiting = meter.waitFor(9_000_000n)
    const first = await job.voucherUpTo(10_000_000n)
    expect(first).to.not.equal(null)
    if (first != null) {
      await provider.pay(laneKey, first)
    }
    await waiting
    const last = await job.finish(9_876_543n)
    if (last != null) {
      await provider.pay(laneKey, last)
    }
    expect(await meter.finish(9_876_543n)).to.deep.equal({ paidNano: 9_876_543n, debtNano: 0n })
    expect(job.paidNano).to.equal(9_876_543n)
    const [settled] = await provider.settle()
    expect(settled.redeemedNano).to.equal(10_000_000n)
    expect(await client.ledger()).to.have.lengthOf(1)
    await client.stop()
    await provider.stop()
  })

  it('keeps every acknowledged voucher over a restart', async () => {
    const kv = { client: new MemoryLevel<string, string>(), provider: new MemoryLevel<string, string>() }
    const one = setup(kv)
    await one.client.start()
    await one.provider.start()
    const lane = await one.client.lane(payee)
    await lane.ready()
    const { laneKey } = await one.provider.openLane(lane.open(PEERS), PEERS)
    const voucher = await lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 5_000n }).voucherUpTo(4_000n)
    if (voucher != null) {
      await one.provider.pay(laneKey, voucher)
    }
    await one.client.stop()
    await one.provider.stop()
    const two = createProviderPayments({ network, payee, vaults: one.chain.vaults, port: one.chain.port(), wallet: walletOf(payee), kv: kv.provider, clock: one.clock })
    await two.start()
    expect(two.summary().unredeemedNano).to.equal(4_000n)
    await two.stop()
  })

  it('begins no job on a lane that is about to end, and opens it anew when the vault has ended it', async () => {
    const { client, chain } = setup()
    await client.start()
    const key = Buffer.from(payee).toString('hex')
    const lane = await client.lane(payee, { capNano: 70_000_000n })
    await lane.ready()
    expect(chain.lanes.get(key)?.capNano).to.equal(70_000_000n)
    const job = lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 5_000n })
    await client.retire(payee)
    await job.voucherUpTo(4_000n)
    await job.finish(3_000n)
    expect(lane.status()).to.equal('ending')
    expect(() => lane.beginJob({ clientNonce: nonce(2), maxChargeNano: 5_000n })).to.throw().with.property('code', 'lane_unlocking')
    await expect(client.lane(payee)).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
    chain.lanes.delete(key)
    const next = await client.lane(payee)
    await next.ready()
    expect(next.epoch > lane.epoch).to.equal(true)
    expect(next.status()).to.equal('open')
    await client.retire(nonce(50))
    expect(await client.openedLane(nonce(50))).to.equal(null)
    await client.stop()
  })

  it('goes on with a lane that is topped up instead of ended', async () => {
    const { client } = setup()
    await client.start()
    const lane = await client.lane(payee, { capNano: 70_000_000n })
    await lane.ready()
    await client.retire(payee)
    expect(await client.topUp(payee, 30_000_000n)).to.equal(100_000_000n)
    expect((await client.lane(payee)).status()).to.equal('open')
    await expect(client.topUp(nonce(50), 1n)).to.eventually.be.rejected.with.property('code', 'lane_unknown')
    await client.stop()
  })

  it('looks at a lane that its payee denies, and keeps it while the vault has it', async () => {
    const { client, chain } = setup()
    await client.start()
    const key = Buffer.from(payee).toString('hex')
    const lane = await client.lane(payee)
    await lane.ready()
    await client.review(payee)
    expect(lane.status()).to.equal('open')
    for (const change of [null, { unlockAt: 9 }, { epoch: 1n }]) {
      const seen = chain.lanes.get(key)
      if (change == null) {
        chain.lanes.delete(key)
      } else {
        chain.lanes.set(key, { ...seen as LaneOnChain, ...change })
      }
      await client.review(payee)
      expect(lane.status()).to.equal('ending')
      chain.lanes.set(key, seen as LaneOnChain)
      await client.topUp(payee, 1n)
    }
    await client.stop()
  })

  it('records a debt when the last voucher does not come, and signs nothing above a limit', async () => {
    const { client, provider, clock } = setup()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const { laneKey } = await provider.openLane(lane.open(PEERS), PEERS)
    const meter = await provider.beginJob({ laneKey, clientNonce: nonce(1), maxChargeNano: 5_000n, windowNano: 1_000n })
    meter.mayLeave(2_000n)
    const end = meter.finish(2_000n, { timeoutMs: 10 })
    clock.advance(10)
    expect(await end).to.deep.equal({ paidNano: 0n, debtNano: 2_000n })
    await expect(provider.beginJob({ laneKey, clientNonce: nonce(2), maxChargeNano: 5_000n, windowNano: 1_000n })).to.eventually.be.rejected.with.property('code', 'vault_in_debt')
    expect(() => lane.beginJob({ clientNonce: nonce(3), maxChargeNano: 10n ** 12n })).to.throw().with.property('code', 'spending_limit')
    await client.stop()
    await provider.stop()
  })

  it('pays a debt of its own job once, within the limits, and no other that a provider claims', async () => {
    const { client, provider, clock } = setup()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const { laneKey } = await provider.openLane(lane.open(PEERS), PEERS)
    const job = lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 5_000n })
    const meter = await provider.beginJob({ laneKey, clientNonce: nonce(1), maxChargeNano: 5_000n, windowNano: 1_000n })
    await meter.waitFor(2_000n)
    const end = meter.finish(2_000n, { timeoutMs: 10 })
    clock.advance(10)
    await end
    const { frame } = await provider.openLane(lane.open(PEERS), PEERS)
    expect([frame.debts, frame.usedNano]).to.deep.equal([[[nonce(1), 2_000n]], 0n])
    await lane.adopt(frame)
    const refused = async (change: Partial<LaneFrame>, limitNano = 2_000n): Promise<string> =>
      lane.payDebts({ ...frame, ...change }, limitNano).then(() => 'paid', (error: CocoonError) => error.code)
    // the job runs still: only what has ended can be owed for
    expect(await refused({})).to.equal('debt_refused')
    await job.finish(0n)
    expect(await refused({}, 1_999n)).to.equal('debt_refused')
    expect(await refused({ debts: [[nonce(2), 1n]] })).to.equal('debt_refused')
    expect(await refused({ debts: [[nonce(1), 1n], [nonce(1), 1n]] })).to.equal('debt_refused')
    expect(await refused({ debts: [[nonce(1), 10n ** 9n]] }, 10n ** 10n)).to.equal('debt_refused')
    const paying = await lane.payDebts(frame, 2_000n)
    expect(await refused({ debts: [[nonce(1), 1n]] })).to.equal('debt_refused')
    // lost on the way: what is shown again is paid out of what is free
    const again = (await provider.openLane(lane.open(PEERS), PEERS)).frame
    await lane.adopt(again)
    const repeated = await lane.payDebts(again, 2_000n)
    expect([paying?.voucher.cumulative, repeated?.voucher.cumulative]).to.deep.equal([2_000n, 2_000n])
    if (repeated != null) {
      await provider.pay(laneKey, repeated)
    }
    expect(provider.summary()).to.include({ debtNano: 0n, earnedNano: 2_000n })
    const after = (await provider.openLane(lane.open(PEERS), PEERS)).frame
    expect(after.debts).to.deep.equal([])
    await lane.adopt(after)
    expect(await lane.payDebts(after, 2_000n)).to.equal(null)
    expect((await client.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)).to.equal(2_000n)
    await client.stop()
    await provider.stop()
  })

  it('adopts a higher voucher only when it signed it, for this lane, and within its limits', async () => {
    const { client, provider } = setup()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const { frame: shown } = await provider.openLane(lane.open(PEERS), PEERS)
    const id = { vault: client.vault.account, payee, epoch: lane.epoch }
    const adopted = async (pay: PayFrame): Promise<string> =>
      lane.adopt({ ...shown, highest: { voucher: pay.voucher, signature: pay.signature }, usedNano: pay.voucher.cumulative }).then(() => 'adopted', (error: CocoonError) => error.code)
    expect(await adopted(frame(id, 10n, [], ed25519Signer(nonce(77))))).to.equal('voucher_bad_signature')
    expect(await adopted(frame({ ...id, epoch: lane.epoch + 1n }, 10n, []))).to.equal('voucher_wrong_lane')
    const { voucher, signature } = frame(id, 10n, [])
    expect(await adopted({ t: 'pay', voucher: { ...voucher, networkId: nonce(5) }, signature, jobs: [] })).to.equal('voucher_wrong_lane')
    expect(await adopted(frame(id, 10n ** 10n, []))).to.equal('spending_limit')
    expect(await adopted(frame(id, 10n, []))).to.equal('adopted')
    // what was adopted is spent: the next job is promised on top
    const paying = await lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 100n }).voucherUpTo(7n)
    expect(paying?.voucher.cumulative).to.equal(17n)
    expect((await client.ledger()).map(({ paidNano }) => paidNano)).to.deep.equal([10n])
    await client.stop()
    await provider.stop()
  })

  it('tops up a lane before jobs run into its end', async () => {
    const { client, provider } = setup()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const { laneKey } = await provider.openLane(lane.open(PEERS), PEERS)
    for (const [n, amount] of [[1, 90_000_000n], [2, 60_000_000n]] as const) {
      const job = lane.beginJob({ clientNonce: nonce(n), maxChargeNano: amount })
      const voucher = await job.voucherUpTo(amount)
      if (voucher != null) {
        await provider.pay(laneKey, voucher)
      }
      await job.finish(amount)
      // the chain of this test answers at once: its turns end before the next macrotask
      await new Promise(resolve => { setImmediate(resolve) })
    }
    expect(provider.summary().unredeemedNano <= 150_000_000n).to.equal(true)
    await client.stop()
    await provider.stop()
  })

  it('loses nothing it acknowledged when it is killed after any one write', async () => {
    for (let survive = 0; survive < 8; survive++) {
      const kv = { client: new MemoryLevel<string, string>(), provider: new MemoryLevel<string, string>() }
      const { client, provider, chain, clock } = setup(kv)
      await client.start()
      await provider.start()
      const lane = await client.lane(payee)
      await lane.ready()
      const batch = kv.provider.batch.bind(kv.provider) as any
      let writes = 0
      kv.provider.batch = (async (...args: any[]) => {
        if (writes++ >= survive) {
          throw new Error('killed')
        }
        return batch(...args)
      }) as any
      let acknowledged = 0n
      try {
        const { laneKey } = await provider.openLane(lane.open(PEERS), PEERS)
        const job = lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 10_000n })
        for (const nano of [1_000n, 2_000n, 3_000n, 4_000n]) {
          const voucher = await job.voucherUpTo(nano)
          if (voucher != null) {
            acknowledged = (await provider.pay(laneKey, voucher)).cumulative
          }
        }
      } catch (err: any) {
        expect(err.message).to.equal('killed')
      }
      kv.provider.batch = batch
      const again = createProviderPayments({ network, payee, vaults: chain.vaults, port: chain.port(), wallet: walletOf(payee), kv: kv.provider, clock })
      await again.start()
      expect(again.summary().unredeemedNano >= acknowledged).to.equal(true)
      await again.stop()
      await client.stop()
    }
  })
})
