import { closeHash } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createClientPayments } from '../src/client-payments.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { ed25519Signer, verifyEd25519 } from '../src/signer.ts'
import { LedgerChain, manualClock, network, nonce, payee, signer } from './fixtures.ts'
import type { ProviderPayments } from '../src/provider-payments.ts'
import type { Wallet } from '../src/wallet.ts'

const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(2) }
const payeeSigner = ed25519Signer(nonce(42))
const walletOf = (account: Uint8Array): Wallet => ({ account, balance: async () => 10_000_000_000n, send: async () => {} })

describe('a close that the payee signs', () => {
  it('covers what the jobs have cost, waits for those that run, and is kept over a restart', async () => {
    const clock = manualClock()
    const chain = new LedgerChain(clock)
    const common = { network, vaults: chain.vaults, port: chain.port(), clock }
    const kv = new MemoryLevel<string, string>()
    const providerOf = (signs = true): ProviderPayments =>
      createProviderPayments({ ...common, payee, wallet: walletOf(payee), kv, payeeSigner: signs ? payeeSigner : undefined })
    const client = createClientPayments({ ...common, wallet: walletOf(nonce(7)), voucherSigner: signer, kv: new MemoryLevel<string, string>() })
    const provider = providerOf()
    await client.start()
    await provider.start()
    const lane = await client.lane(payee)
    await lane.ready()
    const { laneKey } = await provider.openLane(lane.open(PEERS), PEERS)
    const { vault } = client
    const close = (sumNano: bigint): { hash: Uint8Array, offer: Parameters<ProviderPayments['agreeToClose']>[0] } => {
      const hash = closeHash({ networkId: network.networkId, vault: vault.account, payee, epoch: lane.epoch, cumulative: sumNano })
      return { hash, offer: { vault: vault.account, epoch: lane.epoch, sumNano, signerSignature: signer.sign(hash) } }
    }
    const refused = async (sumNano: bigint, code: string, from = provider): Promise<void> => {
      await expect(from.agreeToClose(close(sumNano).offer)).to.eventually.be.rejected.with.property('code', code)
    }

    const job = lane.beginJob({ clientNonce: nonce(1), maxChargeNano: 9_000n })
    const meter = await provider.beginJob({ laneKey, clientNonce: nonce(1), maxChargeNano: 9_000n, windowNano: 1_000n })
    const voucher = await job.voucherUpTo(8_000n)
    if (voucher != null) {
      await provider.pay(laneKey, voucher)
    }
    await refused(8_000n, 'lane_in_use')
    await meter.waitFor(5_000n)
    const last = await job.finish(5_000n)
    if (last != null) {
      await provider.pay(laneKey, last)
    }
    await meter.finish(5_000n)

    await refused(4_999n, 'close_refused')
    await expect(provider.agreeToClose({ ...close(5_000n).offer, sumNano: 5_001n })).to.eventually.be.rejected.with.property('code', 'voucher_bad_signature')
    await expect(provider.agreeToClose({ ...close(5_000n).offer, epoch: lane.epoch + 1n })).to.eventually.be.rejected.with.property('code', 'lane_unknown')
    // nothing of that has bound the lane
    expect((await provider.openLane(lane.open(PEERS), PEERS)).laneKey).to.equal(laneKey)
    const { hash, offer } = close(5_000n)
    expect(verifyEd25519(payeeSigner.publicKey, hash, await provider.agreeToClose(offer))).to.equal(true)

    const bound = async (payments: ProviderPayments): Promise<void> => {
      await expect(payments.openLane(lane.open(PEERS), PEERS)).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
      await expect(payments.beginJob({ laneKey, clientNonce: nonce(2), maxChargeNano: 1n, windowNano: 1n })).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
      if (voucher != null) {
        await expect(payments.pay(laneKey, voucher)).to.eventually.be.rejected.with.property('code', 'lane_unlocking')
      }
    }
    await bound(provider)
    await provider.stop()
    const again = providerOf(false)
    await again.start()
    await bound(again)
    await refused(5_000n, 'usage', again)
    // the highest voucher stays good: the close may never land
    expect(again.summary().unredeemedNano).to.equal(8_000n)
    await again.stop()
    await client.stop()
  })
})
