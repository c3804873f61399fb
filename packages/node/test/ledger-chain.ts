import { clientVault } from '@cocoon-net/contracts'
import { closeHash, fromHex, toHex } from '@cocoon-net/protocol'
import { verifyEd25519, walletAccount } from '@cocoon-net/settlement'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { LaneOnChain, TonPort, VaultContract, Wallet } from '@cocoon-net/settlement'

interface Vault { signer: Uint8Array, lanes: Map<string, LaneOnChain> }

/** Addresses and bodies are the real contract's; the chain does at once what the contract is specified to do, without a VM. */
export interface LedgerChain {
  readonly port: TonPort
  readonly vaults: VaultContract
  wallet(account: Uint8Array): Wallet
  lane(vault: Uint8Array, payee: Uint8Array): LaneOnChain | undefined
  /** Makes the chain show this lane. */
  show(vault: Uint8Array, payee: Uint8Array, lane: LaneOnChain): void
  /** The sums at which lanes were closed together. */
  readonly closed: readonly bigint[]
  /** While held, messages to vaults wait. */
  hold(): void
  release(): void
}

const RICH_NANO = 10_000_000_000n

export function createLedgerChain (network: NetworkPreset): LedgerChain {
  const contract = clientVault({ networkId: network.networkId, ...network.vault })
  const known = new Map<string, Vault>()
  const effects = new Map<string, (vault: string) => void>()
  const closed: bigint[] = []
  let held: Array<() => void> | undefined

  const lanesOf = (vault: string): Map<string, LaneOnChain> => known.get(vault)?.lanes ?? new Map<string, LaneOnChain>()
  const when = (body: ReturnType<VaultContract['deployBody']>, effect: (vault: string) => void): typeof body => {
    effects.set(body.hash().toString('hex'), effect)
    return body
  }
  return {
    port: {
      nowMs: Date.now,
      balance: async () => RICH_NANO,
      isActive: async (account) => known.has(toHex(account)),
      readLane: async (vault, payee) => lanesOf(toHex(vault)).get(toHex(payee)) ?? null,
      readSigner: async (vault) => known.get(toHex(vault))?.signer ?? null,
      walletSeqno: async () => 1,
      sendBoc: async () => {}
    },
    vaults: {
      account: (owner) => contract.account(owner),
      stateInit: (owner) => contract.stateInit(owner),
      deployBody: (init) => when(contract.deployBody(init), (vault) => { known.set(vault, { signer: init.signerKey, lanes: new Map() }) }),
      openLanesBody: (init) => when(contract.openLanesBody(init), (vault) => {
        for (const { payee, capNano } of init.lanes) {
          const old = lanesOf(vault).get(toHex(payee))
          lanesOf(vault).set(toHex(payee), old?.epoch === init.epoch
            ? { ...old, capNano: old.capNano + capNano }
            : { capNano, paidNano: 0n, epoch: init.epoch, keyIdx: init.keyIdx, unlockAt: 0, gasLeftNano: 0n })
        }
      }),
      redeemBody: (init) => when(contract.redeemBody(init), (vault) => {
        const lane = lanesOf(vault).get(toHex(init.payee))
        if (lane != null) {
          lanesOf(vault).set(toHex(init.payee), { ...lane, paidNano: init.cumulativeNano < lane.capNano ? init.cumulativeNano : lane.capNano })
        }
      }),
      closeLaneBody: (init) => when(contract.closeLaneBody(init), (vault) => {
        const lane = lanesOf(vault).get(toHex(init.payee))
        const signer = known.get(vault)?.signer
        if (lane == null || signer == null || toHex(walletAccount(init.wallet.publicKey, network.tonGlobalId)) !== toHex(init.payee)) {
          return
        }
        const hash = closeHash({ networkId: network.networkId, vault: fromHex(vault), payee: init.payee, epoch: lane.epoch, cumulative: init.cumulativeNano })
        if (verifyEd25519(signer, hash, init.signerSignature) && verifyEd25519(init.wallet.publicKey, hash, init.payeeSignature)) {
          closed.push(init.cumulativeNano)
          lanesOf(vault).delete(toHex(init.payee))
        }
      })
    },
    wallet: (account) => ({
      account,
      balance: async () => RICH_NANO,
      send: async (messages) => {
        for (const { to, body } of messages) {
          const effect = body == null ? undefined : effects.get(body.hash().toString('hex'))
          if (held == null) {
            effect?.(toHex(to))
          } else {
            held.push(() => { effect?.(toHex(to)) })
          }
        }
      }
    }),
    lane: (vault, payee) => lanesOf(toHex(vault)).get(toHex(payee)),
    show: (vault, payee, lane) => { lanesOf(toHex(vault)).set(toHex(payee), lane) },
    closed,
    hold: () => { held ??= [] },
    release: () => {
      const waiting = held ?? []
      held = undefined
      waiting.forEach(land => { land() })
    }
  }
}
