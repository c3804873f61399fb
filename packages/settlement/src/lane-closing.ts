import { CocoonError, closeHash } from '@cocoon-net/protocol'
import { debtNano, unallocatedNano } from './lane.ts'
import { verifyEd25519 } from './signer.ts'
import { laneKeyOf } from './types.ts'
import type { ProviderLanes } from './provider-lanes.ts'
import type { Signer } from './signer.ts'
import type { Store } from './store.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** A payer's word to end a lane at once: the last sum that it pays in this epoch, nanoTON. */
export interface CloseOffer {
  readonly vault: Uint8Array
  readonly epoch: bigint
  readonly sumNano: bigint
  /** of the lane's signer over the hash of the protocol's close cell, 64 bytes */
  readonly signerSignature: Uint8Array
}

export interface LaneClosingInit {
  readonly network: NetworkPreset
  readonly payee: Uint8Array
  readonly store: Store
  readonly lanes: ProviderLanes
  /** of the payee's wallet */
  readonly payeeSigner?: Signer
}

const PREFIX = 'closing/'

/**
 * The lanes whose close the payee has signed: "a signed close is a promise to take no further voucher". On disk before the
 * signature leaves, and for as long as the epoch lasts, since nobody knows who holds it.
 */
export class LaneClosing {
  readonly #init: LaneClosingInit
  readonly #lanes = new Set<string>()

  constructor (init: LaneClosingInit) {
    this.#init = init
  }

  async load (): Promise<void> {
    this.#lanes.clear()
    for (const [key] of await this.#init.store.list(PREFIX)) {
      this.#lanes.add(key.slice(PREFIX.length))
    }
  }

  /** @throws {CocoonError} lane_unlocking */
  assertOpen (laneKey: string): void {
    if (this.#lanes.has(laneKey)) {
      throw new CocoonError('lane_unlocking', 'the payee has signed the end of the lane')
    }
  }

  /**
   * Signs the end of a lane that pays at least what its jobs have cost, and takes nothing more on it.
   *
   * @returns the signature of the payee's wallet, 64 bytes
   * @throws {CocoonError} usage without the wallet's key, lane_unknown, voucher_bad_signature, lane_in_use, close_refused, chain_unavailable
   */
  async agree (offer: CloseOffer): Promise<Uint8Array> {
    const { network, payee, store, lanes, payeeSigner } = this.#init
    if (payeeSigner === undefined) {
      throw new CocoonError('usage', 'the key of the payee\'s wallet is not here')
    }
    const laneKey = laneKeyOf({ ...offer, payee })
    const entry = lanes.entry(laneKey)
    await lanes.refresh(entry)
    const { signerKey, chain } = entry.state
    if (chain !== 'confirmed') {
      throw new CocoonError('lane_unknown', 'the vault has no such lane')
    }
    const hash = closeHash({ networkId: network.networkId, vault: offer.vault, payee, epoch: offer.epoch, cumulative: offer.sumNano })
    if (!verifyEd25519(signerKey, hash, offer.signerSignature)) {
      throw new CocoonError('voucher_bad_signature', 'the close is not signed by the lane\'s signer')
    }
    // no await from here to the mark: a job that begins meanwhile would be one that the sum does not cover
    if ([...entry.ahead.jobs.values()].some(job => job.begun)) {
      throw new CocoonError('lane_in_use')
    }
    const owedNano = entry.ahead.cumulativeNano - unallocatedNano(entry.ahead) + debtNano(entry.ahead)
    if (offer.sumNano < owedNano) {
      throw new CocoonError('close_refused', `the lane's jobs have cost ${owedNano} nanoTON, and the close pays ${offer.sumNano}`, { details: { owedNano, sumNano: offer.sumNano } })
    }
    this.#lanes.add(laneKey)
    await store.commit([{ key: `${PREFIX}${laneKey}`, value: offer.sumNano }])
    return payeeSigner.sign(hash)
  }
}
