import { closeHash } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { ed25519Signer, verifyEd25519 } from '../src/signer.ts'
import { CHARGE_NANO, PEERS, Sides, VOUCHED_NANO, payee, payeeSigner } from './closing-sides.ts'
import { network, nonce } from './fixtures.ts'
import type { ProviderPayments } from '../src/provider-payments.ts'

describe('a close that the payee signs', () => {
  let sides: Sides

  beforeEach(async () => {
    sides = new Sides()
    await sides.start()
  })

  afterEach(async () => {
    await sides.stop()
  })

  const bound = async (payments: ProviderPayments): Promise<void> => {
    const { lane, laneKey } = sides
    await expect(payments.openLane(lane.open(PEERS), PEERS)).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
    await expect(payments.beginJob({ laneKey, clientNonce: nonce(2), maxChargeNano: 1n, windowNano: 1n })).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
  }

  it('as a file covers what the jobs have cost, is kept over a restart, and leaves the sending to others', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const { provider } = sides
    await expect(provider.agreeToClose(sides.offer(CHARGE_NANO - 1n))).to.eventually.be.rejected.with.property('code', 'close_refused')
    await expect(provider.agreeToClose({ ...sides.offer(CHARGE_NANO), sumNano: CHARGE_NANO + 1n })).to.eventually.be.rejected.with.property('code', 'voucher_bad_signature')
    await expect(provider.agreeToClose({ ...sides.offer(CHARGE_NANO), epoch: sides.lane.epoch + 1n })).to.eventually.be.rejected.with.property('code', 'lane_unknown')
    // nothing of that has bound the lane
    expect((await provider.openLane(sides.lane.open(PEERS), PEERS)).laneKey).to.equal(sides.laneKey)
    const agreed = await provider.agreeToClose(sides.offer(CHARGE_NANO))
    const hash = closeHash({ networkId: network.networkId, vault: sides.chain.vault, payee, epoch: sides.lane.epoch, cumulative: CHARGE_NANO })
    expect(verifyEd25519(payeeSigner.publicKey, hash, agreed.payeeSignature)).to.equal(true)
    expect(agreed.isPayeeSending).to.equal(false)
    await bound(provider)
    await provider.stop()
    sides.provider = sides.makeProvider({ payeeSigner: undefined })
    await sides.provider.start()
    await bound(sides.provider)
    await expect(sides.provider.agreeToClose(sides.offer(CHARGE_NANO))).to.eventually.be.rejected.with.property('code', 'payee_key_absent')
    expect(sides.chain.sent).to.not.include('close')
  })

  it('over the wire is refused while a job runs, below what the jobs have cost, or when another sum is agreed', async () => {
    const job = sides.lane.beginJob({ clientNonce: nonce(1), maxChargeNano: VOUCHED_NANO })
    const meter = await sides.provider.beginJob({ laneKey: sides.laneKey, clientNonce: nonce(1), maxChargeNano: VOUCHED_NANO, windowNano: 1_000n })
    const voucher = await job.voucherUpTo(VOUCHED_NANO)
    if (voucher != null) {
      await sides.provider.pay(sides.laneKey, voucher)
    }
    await sides.refuses('lane_in_use', sides.close(VOUCHED_NANO))
    await meter.waitFor(CHARGE_NANO)
    await job.finish(CHARGE_NANO)
    await meter.finish(CHARGE_NANO)
    await sides.refuses('close_refused', sides.close(CHARGE_NANO - 1n))
    await sides.provider.closeLane(sides.close(CHARGE_NANO), PEERS)
    await sides.refuses('close_refused', sides.close(CHARGE_NANO + 1n))
    await bound(sides.provider)
  })

  it('over the wire is refused to whoever is not the lane\'s signer, for another epoch, and to a payee without its wallet\'s key', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const good = sides.close(CHARGE_NANO)
    const other = ed25519Signer(nonce(9))
    await sides.refuses('bad_signature', good, { ...PEERS, client: PEERS.provider })
    await sides.refuses('bad_signature', { ...good, epoch: good.epoch + 1n })
    await sides.refuses('bad_signature', { ...good, signer: other.publicKey })
    await sides.refuses('vault_not_accepted', { ...good, vault: nonce(8) })
    await sides.refuses('voucher_bad_signature', { ...good, closeSignature: other.sign(nonce(1)) })
    await sides.refuses('voucher_bad_signature', { ...good, cumulative: CHARGE_NANO + 1n })
    // a lane that the chain has opened anew since
    sides.chain.show(sides.chain.vault, payee, { epoch: sides.lane.epoch + 1n })
    await sides.refuses('lane_unknown', good)
    const elsewhere = sides.makeProvider({ kv: new MemoryLevel<string, string>(), payeeSigner: other })
    await elsewhere.start()
    sides.chain.show(sides.chain.vault, payee, { epoch: sides.lane.epoch })
    await expect(elsewhere.closeLane(good, PEERS)).to.eventually.be.rejected.with.property('code', 'payee_key_absent')
    await elsewhere.stop()
  })

  it('over the wire is refused once an unlock would end first, and goes through before', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const { unlockSeconds } = network.vault
    sides.chain.weather.down = true
    await sides.refuses('chain_unavailable', sides.close(CHARGE_NANO))
    sides.chain.weather.down = false
    sides.chain.startUnlock(sides.chain.vault, payee, unlockSeconds / 8)
    await sides.refuses('lane_unlocking', sides.close(CHARGE_NANO))
    sides.chain.show(sides.chain.vault, payee, { ...sides.chain.lane(sides.chain.vault, payee), epoch: sides.lane.epoch, unlockAt: Math.floor(sides.clock.nowMs() / 1_000) + unlockSeconds })
    const again = sides.makeProvider({ kv: new MemoryLevel<string, string>() })
    await again.start()
    expect((await again.closeLane(sides.close(CHARGE_NANO), PEERS)).sumNano).to.equal(CHARGE_NANO)
    await again.stop()
  })

  it('is sent by the payee where that is worth its gas, pays the exact sum, and stands in its books', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const closing = await sides.client.close(payee)
    expect(closing.sumNano).to.equal(CHARGE_NANO)
    const agreed = await sides.provider.closeLane(closing.frame(PEERS), PEERS)
    expect(agreed.isPayeeSending).to.equal(true)
    await closing.accept({ publicKey: agreed.wallet.publicKey, signature: agreed.payeeSignature, isSending: true })
    expect(await sides.run(closing.finish())).to.equal('payee')
    expect(sides.chain.sent.filter(name => name === 'close' || name === 'redeem')).to.deep.equal(['close'])
    expect(sides.chain.paidNano).to.equal(CHARGE_NANO)
    await sides.until(() => sides.provider.summary().unredeemedNano === 0n)
    const books = await sides.provider.ledger()
    expect(books.map(({ kind, paidNano }) => [kind, paidNano])).to.deep.equal([['earned', CHARGE_NANO], ['redeemed', CHARGE_NANO]])
    expect((await sides.client.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)).to.equal(CHARGE_NANO)
    // and both go on with a new lane
    await sides.run(sides.open())
    await sides.job(3, 1_000n, 2_000n)
    expect(sides.chain.lane(sides.chain.vault, payee)?.paidNano).to.equal(0n)
  })

  it('is left to the payer to send where it is not worth the payee\'s gas, or the payee has none', async () => {
    await sides.job(1, 5_000n, 9_000n)
    const closing = await sides.client.close(payee)
    const agreed = await sides.provider.closeLane(closing.frame(PEERS), PEERS)
    expect(agreed.isPayeeSending).to.equal(false)
    await expect(closing.finish()).to.eventually.be.rejected.with.property('code', 'usage')
    await closing.accept({ publicKey: agreed.wallet.publicKey, signature: agreed.payeeSignature, isSending: false })
    expect(await sides.run(closing.finish())).to.equal('payer')
    expect([sides.chain.paidNano, sides.chain.refused]).to.deep.equal([5_000n, 0])
    await sides.run(sides.open())
    await sides.job(3, CHARGE_NANO, CHARGE_NANO)
    sides.chain.walletNano = 1_000_000n
    expect((await sides.provider.closeLane(sides.close(CHARGE_NANO), PEERS)).isPayeeSending).to.equal(false)
  })

  it('is sent by the payer when the payee does not do what it said, and by the payee when the payer unlocks instead', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const closing = await sides.client.close(payee)
    const agreed = await sides.provider.closeLane(closing.frame(PEERS), PEERS)
    await sides.provider.stop()
    await closing.accept({ publicKey: agreed.wallet.publicKey, signature: agreed.payeeSignature, isSending: true })
    expect(await sides.run(closing.finish())).to.equal('payer')
    expect(sides.chain.paidNano).to.equal(CHARGE_NANO)
    sides.provider = sides.makeProvider()
    await sides.provider.start()

    await sides.run(sides.open())
    await sides.job(3, CHARGE_NANO, VOUCHED_NANO)
    await sides.provider.agreeToClose(sides.offer(CHARGE_NANO))
    sides.chain.startUnlock(sides.chain.vault, payee)
    await sides.until(() => sides.chain.lane(sides.chain.vault, payee) === undefined)
    expect(sides.chain.paidNano).to.equal(2n * CHARGE_NANO)
    expect(sides.chain.sent).to.not.include('redeem')
  })

  it('whose payer unlocks over a sum that is not worth a close is redeemed by voucher', async () => {
    await sides.job(1, 9_000_000n, 9_000_000n)
    await sides.provider.agreeToClose(sides.offer(9_000_000n))
    sides.chain.startUnlock(sides.chain.vault, payee)
    await sides.until(() => sides.chain.paidNano === 9_000_000n)
    expect(sides.chain.sent).to.include('redeem')
  })

  it('that an earlier version signed still binds, and its lane is redeemed by voucher', async () => {
    await sides.job(1, CHARGE_NANO, 70_000_000n)
    await sides.provider.stop()
    await sides.disk.open()
    await sides.disk.put(`closing/${sides.laneKey}`, '{"$n":"15000000"}')
    sides.provider = sides.makeProvider()
    await sides.provider.start()
    await bound(sides.provider)
    await sides.until(() => sides.chain.paidNano === 70_000_000n)
  })

  it('pays the debts that it covers', async () => {
    await sides.job(1, 14_000_000n, 14_000_000n)
    const clientNonce = nonce(5)
    const job = sides.lane.beginJob({ clientNonce, maxChargeNano: 2_000_000n })
    const meter = await sides.provider.beginJob({ laneKey: sides.laneKey, clientNonce, maxChargeNano: 2_000_000n, windowNano: 2_000_000n })
    await job.finish(0n)
    await sides.run(meter.finish(900_000n))
    expect(sides.provider.summary().debtNano).to.equal(900_000n)
    await sides.refuses('close_refused', sides.close(14_899_999n))
    await sides.provider.closeLane(sides.close(14_900_000n), PEERS)
    await sides.until(() => sides.provider.summary().debtNano === 0n)
    expect(sides.provider.summary().earnedNano).to.equal(14_900_000n)
    const books = await sides.provider.ledger()
    const sumOf = (kind: string): bigint => books.filter(row => row.kind === kind).reduce((sum, { paidNano }) => sum + paidNano, 0n)
    expect([sumOf('earned'), sumOf('redeemed'), sides.chain.paidNano]).to.deep.equal([14_900_000n, 14_900_000n, 14_900_000n])
  })

  it('is asked again with the same answer, whatever was lost of it, and without another look at the chain', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const first = await sides.client.close(payee)
    const answer = await sides.provider.closeLane(first.frame(PEERS), PEERS)
    sides.chain.weather.down = true
    expect(await sides.provider.closeLane(first.frame(PEERS), PEERS)).to.deep.equal(answer)
    sides.chain.weather.down = false
    await sides.client.stop()
    sides.client = sides.makeClient()
    await sides.client.start()
    const again = await sides.client.close(payee)
    expect([again.sumNano, again.isAgreed]).to.deep.equal([CHARGE_NANO, false])
    expect((await sides.provider.closeLane(again.frame(PEERS), PEERS)).payeeSignature).to.deep.equal(answer.payeeSignature)
  })

  it('is believed by the payer only from the payee\'s wallet', async () => {
    await sides.job(1, CHARGE_NANO, VOUCHED_NANO)
    const closing = await sides.client.close(payee)
    const hash = closeHash({ networkId: network.networkId, vault: sides.chain.vault, payee, epoch: sides.lane.epoch, cumulative: CHARGE_NANO })
    const stranger = ed25519Signer(nonce(9))
    const answers = [
      { publicKey: stranger.publicKey, signature: stranger.sign(hash), isSending: true },
      { publicKey: payeeSigner.publicKey, signature: stranger.sign(hash), isSending: true },
      { publicKey: payeeSigner.publicKey, signature: payeeSigner.sign(nonce(1)), isSending: true }
    ]
    for (const answer of answers) {
      await expect(closing.accept(answer)).to.eventually.be.rejected.with.property('code', 'bad_signature')
      expect(closing.isAgreed).to.equal(false)
    }
  })

  it('is signed by the payer within its cap and its limits, not while a job runs, and of a lane that the vault has', async () => {
    const job = sides.lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 10_000n })
    await job.voucherUpTo(5_000n)
    await expect(sides.client.close(payee)).to.eventually.be.rejected.with.property('code', 'lane_in_use')
    await job.finish(2_000n)
    await expect(sides.client.close(payee, { sumNano: 100_000_001n })).to.eventually.be.rejected.with.property('code', 'voucher_above_cap')
    expect(sides.lane.status()).to.equal('open')
    expect((await sides.client.close(payee, { sumNano: 2_500n })).sumNano).to.equal(2_500n)
    expect(sides.lane.status()).to.equal('ending')
    // what the close pays beyond the jobs is booked, once
    await sides.client.close(payee)
    expect((await sides.client.ledger()).map(({ paidNano }) => paidNano)).to.deep.equal([2_000n, 500n])
    expect(await sides.client.openedLane(payee)).to.equal(null)
    await expect(sides.client.close(nonce(77))).to.eventually.be.rejected.with.property('code', 'lane_unknown')
    sides.chain.lanes.clear()
    await expect(sides.client.close(payee)).to.eventually.be.rejected.with.property('code', 'lane_unknown')
  })
})
