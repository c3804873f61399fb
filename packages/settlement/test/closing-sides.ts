import { closeHash } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createClientPayments } from '../src/client-payments.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { ed25519Signer } from '../src/signer.ts'
import { walletAccount } from '../src/wallet.ts'
import { manualClock, network, nonce, signer } from './fixtures.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { ClientLane } from '../src/client-lane.ts'
import type { ClientPayments } from '../src/client-payments.ts'
import type { CloseOffer } from '../src/lane-closing.ts'
import type { ProviderPayments, ProviderPaymentsInit } from '../src/provider-payments.ts'
import type { KeyValue } from '../src/store.ts'
import type { PayClose } from '@cocoon-net/protocol'

export const OWNER = nonce(7)
export const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(2) }
export const payeeSigner = ed25519Signer(nonce(42))
export const payee = walletAccount(payeeSigner.publicKey, network.tonGlobalId)
/** Of the first job, whose vouchers go 3,000,000 ahead; all of it is worth more than a close's gas. */
export const CHARGE_NANO = 15_000_000n
export const VOUCHED_NANO = 18_000_000n

/** A payer and its payee on one chain, with their disks. */
export class Sides {
  readonly clock = manualClock()
  readonly chain = new VaultLedger(this.clock, OWNER)
  readonly disk = new MemoryLevel<string, string>()
  readonly clientDisk = new MemoryLevel<string, string>()
  client = this.makeClient()
  provider = this.makeProvider()
  lane!: ClientLane
  laneKey = ''

  makeClient (kv: KeyValue = this.clientDisk): ClientPayments {
    return createClientPayments({ network, vaults: this.chain.vaults, port: this.chain.port(), wallet: this.chain.wallet(OWNER), voucherSigner: signer, kv, clock: this.clock })
  }

  makeProvider (init: Partial<ProviderPaymentsInit> = {}): ProviderPayments {
    return createProviderPayments({
      network, payee, vaults: this.chain.vaults, port: this.chain.port(), wallet: this.chain.wallet(payee), payeeSigner, kv: this.disk, clock: this.clock, ...init
    })
  }

  async start (): Promise<void> {
    await this.client.start()
    await this.provider.start()
    await this.open()
  }

  async open (): Promise<void> {
    this.lane = await this.client.lane(payee)
    await this.lane.ready()
    const { laneKey, frame } = await this.provider.openLane(this.lane.open(PEERS), PEERS)
    this.laneKey = laneKey
    await this.lane.adopt(frame)
  }

  async stop (): Promise<void> {
    await this.client.stop()
    await this.provider.stop()
  }

  async job (seed: number, chargeNano: bigint, vouchedNano: bigint): Promise<void> {
    const clientNonce = nonce(seed)
    const job = this.lane.beginJob({ clientNonce, maxChargeNano: vouchedNano })
    const meter = await this.provider.beginJob({ laneKey: this.laneKey, clientNonce, maxChargeNano: vouchedNano, windowNano: vouchedNano })
    const voucher = await job.voucherUpTo(vouchedNano)
    if (voucher != null) {
      await this.provider.pay(this.laneKey, voucher)
    }
    await meter.waitFor(chargeNano)
    await job.finish(chargeNano)
    await meter.finish(chargeNano)
  }

  /** A frame that asks for this sum, and what `change` makes of it. */
  close (sumNano: bigint, change: Partial<PayClose> = {}): PayClose {
    const { epoch } = this.lane
    const hash = closeHash({ networkId: network.networkId, vault: this.chain.vault, payee, epoch, cumulative: sumNano })
    return { ...this.lane.open(PEERS), t: 'close', cumulative: sumNano, closeSignature: signer.sign(hash), ...change }
  }

  offer (sumNano: bigint): CloseOffer {
    const { vault, epoch, closeSignature } = this.close(sumNano)
    return { vault, epoch, sumNano, signerSignature: closeSignature }
  }

  async refuses (code: string, close: PayClose, peers = PEERS): Promise<void> {
    await expect(this.provider.closeLane(close, peers)).to.eventually.be.rejected.with.property('code', code)
  }

  /** Lets the clock run until it is so. */
  async until (isSo: () => boolean): Promise<void> {
    for (let turn = 0; !isSo(); turn++) {
      if (turn > 500) {
        throw new Error('waits in vain')
      }
      await new Promise(resolve => { setImmediate(resolve) })
      this.clock.advance(500)
    }
  }

  async run<T> (work: Promise<T>): Promise<T> {
    const progress = { isDone: false }
    const ended = work.finally(() => { progress.isDone = true })
    ended.catch(() => {})
    await this.until(() => progress.isDone)
    return ended
  }
}
