import { verify, createPublicKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS, decodeWith, encodeWith, payOpenBytes, payRequestCodec, voucherHash } from '@cocoon-net/protocol'
import { createClientPayments, createProviderPayments, ed25519Signer, openKeyValue } from '@cocoon-net/settlement'
import type { NetworkPreset, PayFrame } from '@cocoon-net/protocol'
import type { ProviderPayments, ProviderPaymentsInit, Signer } from '@cocoon-net/settlement'

/** CPU of one voucher on either side, the provider's beside that of one bare Ed25519 check in the same process, microseconds. */
export interface VoucherCost {
  readonly verifyUs: number
  /** Decoding, signature, state and the durable write, which the vouchers of a round share. */
  readonly voucherUs: number
  readonly ratio: number
  /** The payer's side of a voucher: limits, state, the durable write, and the signature. */
  readonly signUs: number
}

const LANES = 64
/** Jobs that each lane has behind it: a lane is used for days. */
const FINISHED_JOBS = 32
const ROUNDS = 150
/** A provider runs for days: what the compiler does in its first seconds is not counted. */
const WARM_UP_ROUNDS = 150
const CAP_NANO = 1_000_000_000_000n

const OWNER = new Uint8Array(32).fill(7)
const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(2) }

function cpuUs (): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** A chain on which every lane is open: a voucher is checked without asking it. */
function openLanes (epochOf: (vault: Uint8Array) => bigint, signer: Signer): Pick<ProviderPaymentsInit, 'vaults' | 'port' | 'wallet'> {
  const never = (): never => { throw new Error('a voucher must not need the chain') }
  return {
    vaults: { account: (owner) => owner, stateInit: never, deployBody: never, openLanesBody: never, redeemBody: never, closeLaneBody: never },
    port: {
      nowMs: () => Date.now(),
      balance: async () => 0n,
      isActive: async () => true,
      readLane: async (vault) => ({ epoch: epochOf(vault), capNano: CAP_NANO, paidNano: 0n, keyIdx: 0, unlockAt: 0, gasLeftNano: 0n }),
      readSigner: async () => signer.publicKey,
      walletSeqno: async () => 0,
      sendBoc: async () => {}
    },
    wallet: { account: OWNER, balance: async () => 0n, send: async () => {} }
  }
}

interface VoucherFrame { readonly bytes: Uint8Array, readonly hash: Uint8Array, readonly signature: Uint8Array }

async function open (payments: ProviderPayments, network: NetworkPreset, signer: Signer, payee: Uint8Array): Promise<Array<{ laneKey: string, frame(round: number): VoucherFrame }>> {
  return Promise.all(Array.from({ length: LANES }, async (_, i) => {
    const vault = new Uint8Array(32).fill(i + 1)
    const id = { vault, payee, epoch: 1n }
    const signature = signer.sign(payOpenBytes({ networkId: network.networkId, ...id, ...PEERS }))
    const { laneKey } = await payments.openLane({ t: 'open', vault, vaultOwner: vault, epoch: 1n, signer: signer.publicKey, signature }, PEERS)
    for (let job = 0; job < FINISHED_JOBS; job++) {
      const meter = await payments.beginJob({ laneKey, clientNonce: new Uint8Array(32).fill(128 + job), maxChargeNano: CAP_NANO / 2n, windowNano: 1_000_000n })
      await meter.finish(0n)
    }
    const clientNonce = new Uint8Array(32).fill(i)
    await payments.beginJob({ laneKey, clientNonce, maxChargeNano: CAP_NANO / 2n, windowNano: 1_000_000n })
    return {
      laneKey,
      frame: (round: number) => {
        const voucher = { networkId: network.networkId, ...id, cumulative: BigInt(round + 1) * 1_000n }
        const hash = voucherHash(voucher)
        const signature = signer.sign(hash)
        return { hash, signature, bytes: encodeWith(payRequestCodec, { t: 'pay', voucher, signature, jobs: [[clientNonce, voucher.cumulative]] }) }
      }
    }
  }))
}

/** Promises more on each of 64 lanes, round after round, in a level store with disk sync on; microseconds a voucher. */
async function measureSigning (network: NetworkPreset, folder: string, signer: Signer): Promise<number> {
  const unlimited = { perRequestNano: CAP_NANO, perProviderDayNano: CAP_NANO * 100n, perDayNano: CAP_NANO * 100n }
  const payments = createClientPayments({ network, ...openLanes(() => 1n, signer), voucherSigner: signer, kv: await openKeyValue(join(folder, 'client')), limits: unlimited })
  try {
    await payments.start()
    const jobs = await Promise.all(Array.from({ length: LANES }, async (_, i) => {
      const lane = await payments.lane(new Uint8Array(32).fill(i + 1))
      await lane.ready()
      return lane.beginJob({ clientNonce: new Uint8Array(32).fill(i), maxChargeNano: CAP_NANO / 2n })
    }))
    let spentUs = 0
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      const start = cpuUs()
      await Promise.all(jobs.map(async (job) => job.voucherUpTo(BigInt(round + 1) * 1_000n)))
      spentUs += round < WARM_UP_ROUNDS ? 0 : cpuUs() - start
    }
    return spentUs / (LANES * ROUNDS)
  } finally {
    await payments.stop()
  }
}

/** Runs rounds of one voucher on each of 64 lanes that have served jobs before, in a level store with disk sync on, in turn with bare checks of the same signatures. */
export async function measureVoucher (network: NetworkPreset): Promise<VoucherCost> {
  const folder = await mkdtemp(join(tmpdir(), 'cocoon-voucher-'))
  const signer = ed25519Signer(new Uint8Array(32).fill(9))
  const payee = new Uint8Array(32).fill(8)
  const payments = createProviderPayments({ network, payee, ...openLanes(() => 1n, signer), kv: await openKeyValue(join(folder, 'payments')), redeemThresholdNano: CAP_NANO, pollMs: 600_000 })
  try {
    await payments.start()
    const lanes = await open(payments, network, signer, payee)
    const key = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), signer.publicKey]), format: 'der', type: 'spki' })
    const spent = { verify: 0, voucher: 0 }
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      const frames = lanes.map(({ frame }) => frame(round))
      const start = cpuUs()
      for (const { hash, signature } of frames) {
        verify(null, hash, key, signature)
      }
      const middle = cpuUs()
      await Promise.all(lanes.map(async ({ laneKey }, i) => payments.pay(laneKey, decodeWith(payRequestCodec, frames[i].bytes, LIMITS.payFrameBytes, 'pay') as PayFrame)))
      const end = cpuUs()
      if (round >= WARM_UP_ROUNDS) {
        spent.verify += middle - start
        spent.voucher += end - middle
      }
    }
    const each = LANES * ROUNDS
    return { verifyUs: spent.verify / each, voucherUs: spent.voucher / each, ratio: spent.voucher / spent.verify, signUs: await measureSigning(network, folder, signer) }
  } finally {
    await payments.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
