import { devnetPreset, voucherHash } from '@cocoon-net/protocol'
import { beginCell } from '@ton/core'
import { ed25519Signer } from '../src/signer.ts'
import type { Clock } from '../src/clock.ts'
import type { TonPort } from '../src/ton-port.ts'
import type { LaneId, LaneOnChain } from '../src/types.ts'
import type { VaultContract } from '../src/vault-contract.ts'
import type { PayFrame } from '@cocoon-net/protocol'

export const network = devnetPreset(new Uint8Array(32).fill(9))
export const signer = ed25519Signer(new Uint8Array(32).fill(1))
export const payee = new Uint8Array(32).fill(3)
export const nonce = (n: number): Uint8Array => new Uint8Array(32).fill(n)

export function frame (id: LaneId, cumulative: bigint, jobs: Array<[Uint8Array, bigint]>, by = signer): PayFrame {
  const voucher = { networkId: network.networkId, ...id, cumulative }
  return { t: 'pay', voucher, signature: by.sign(voucherHash(voucher)), jobs }
}

/** A clock that only moves when told, except that immediate polls may run through it. */
export function manualClock (): Clock & { advance(ms: number): void } {
  let now = 1_000_000
  const timers = new Map<() => void, number>()
  return {
    nowMs: () => now,
    schedule: (ms, action) => {
      timers.set(action, now + ms)
      return () => { timers.delete(action) }
    },
    advance: (ms) => {
      now += ms
      for (const [action, at] of [...timers]) {
        if (at <= now) {
          timers.delete(action)
          action()
        }
      }
    }
  }
}

/** A ledger that does what the vault contract is specified to do, without a VM. */
export class LedgerChain {
  lanes = new Map<string, LaneOnChain>()
  active = new Set<string>()
  clock: Clock

  constructor (clock: Clock) {
    this.clock = clock
  }

  readonly vaults: VaultContract = {
    account: (owner) => owner.map((b) => b ^ 0xff),
    stateInit: () => ({ code: beginCell().endCell(), data: beginCell().endCell() }),
    deployBody: () => beginCell().endCell(),
    openLanesBody: ({ epoch, keyIdx, lanes }) => {
      for (const lane of lanes) {
        const key = Buffer.from(lane.payee).toString('hex')
        const known = this.lanes.get(key)
        if (known?.epoch === epoch) {
          this.lanes.set(key, { ...known, capNano: known.capNano + lane.capNano })
          continue
        }
        this.lanes.set(key, { capNano: lane.capNano, paidNano: 0n, epoch, keyIdx, unlockAt: 0, gasLeftNano: 0n })
      }
      return beginCell().endCell()
    },
    redeemBody: ({ payee, cumulativeNano }) => {
      const key = Buffer.from(payee).toString('hex')
      const lane = this.lanes.get(key)
      if (lane != null) {
        this.lanes.set(key, { ...lane, paidNano: cumulativeNano < lane.capNano ? cumulativeNano : lane.capNano })
      }
      return beginCell().endCell()
    },
    closeLaneBody: ({ payee }) => {
      this.lanes.delete(Buffer.from(payee).toString('hex'))
      return beginCell().endCell()
    }
  }

  port (): TonPort {
    return {
      nowMs: () => this.clock.nowMs(),
      balance: async () => 10_000_000_000n,
      isActive: async () => true,
      readLane: async (_vault, payee) => this.lanes.get(Buffer.from(payee).toString('hex')) ?? null,
      readSigner: async () => signer.publicKey,
      walletSeqno: async () => 1,
      sendBoc: async () => {}
    }
  }
}
