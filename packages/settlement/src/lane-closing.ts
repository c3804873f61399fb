import { CocoonError, closeHash } from '@cocoon-net/protocol'
import { CLOSE_COST_NANO, MAX_CLOSES, REDEEM_VALUE_NANO } from './constants.ts'
import { readLane } from './lane-rows.ts'
import { debtNano, unallocatedNano } from './lane.ts'
import { closeGainNano } from './redeem-policy.ts'
import { verifyEd25519 } from './signer.ts'
import { hex } from './types.ts'
import { walletAccount, walletIdOf } from './wallet.ts'
import type { Clock } from './clock.ts'
import type { CloseBook } from './close-book.ts'
import type { AgreedClose } from './lane-close.ts'
import type { ProviderEntry, ProviderLanes } from './provider-lanes.ts'
import type { Signer } from './signer.ts'
import type { KeyValue } from './store.ts'
import type { Wallet } from './wallet.ts'
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
  readonly kv: KeyValue
  readonly clock: Clock
  readonly lanes: ProviderLanes
  readonly closes: CloseBook
  readonly wallet: Pick<Wallet, 'balance'>
  /** of the payee's wallet */
  readonly payeeSigner?: Signer
}

/** A close must land before an unlock does: no later than this part of the unlock time before its end, as often as lanes are read at least. */
const LAST_PART_OF_UNLOCK = 8

/**
 * The payee's half of a close: "a signed close is a promise to take no further voucher". On disk before the signature
 * leaves, and for as long as the epoch lasts, since nobody knows who holds it.
 */
export class LaneClosing {
  readonly #init: LaneClosingInit

  constructor (init: LaneClosingInit) {
    this.#init = init
  }

  /** @throws {CocoonError} lane_unlocking */
  assertOpen (laneKey: string): void {
    if (this.#init.closes.has(laneKey)) {
      throw new CocoonError('lane_unlocking', 'the payee has signed the end of the lane')
    }
  }

  /**
   * By what the chain has last shown.
   *
   * @throws {CocoonError} lane_unknown, lane_unlocking
   */
  assertInTime ({ state: { chain, unlockAt } }: Pick<ProviderEntry, 'state'>): void {
    const { network, clock } = this.#init
    if (chain !== 'confirmed') {
      throw new CocoonError('lane_unknown', 'the vault has no such lane')
    }
    const lastMs = (unlockAt - network.vault.unlockSeconds / LAST_PART_OF_UNLOCK) * 1_000
    if (unlockAt !== 0 && clock.nowMs() >= lastMs) {
      throw new CocoonError('lane_unlocking', 'the unlock ends before a close would be sure to')
    }
  }

  /**
   * Signs the end of a lane that pays at least what its jobs have cost, and takes nothing more on it. Asked again for the
   * same sum it answers the same.
   *
   * @param entry - the lane
   * @param offer - the payer's half
   * @param mayPayeeSend - whether the payee sends the message where that is worth its gas
   * @throws {CocoonError} payee_key_absent, lane_unknown, lane_unlocking, voucher_bad_signature, lane_in_use,
   * close_refused, no_room, chain_unavailable
   */
  async agree (entry: ProviderEntry, offer: CloseOffer, mayPayeeSend: boolean): Promise<AgreedClose> {
    const { network, payee, lanes, closes, payeeSigner } = this.#init
    if (payeeSigner === undefined || hex(walletAccount(payeeSigner.publicKey, network.tonGlobalId)) !== hex(payee)) {
      throw new CocoonError('payee_key_absent')
    }
    const { laneKey } = entry
    const { sumNano, signerSignature } = offer
    const hash = closeHash({ networkId: network.networkId, vault: offer.vault, payee, epoch: offer.epoch, cumulative: sumNano })
    if (!verifyEd25519(entry.state.signerKey, hash, signerSignature)) {
      throw new CocoonError('voucher_bad_signature', 'the close is not signed by the lane\'s signer')
    }
    // what needs no chain comes first: whoever asks in vain again and again costs no read
    this.#check(entry, sumNano)
    const known = closes.get(laneKey)
    if (known !== undefined) {
      return known
    }
    await lanes.refresh(entry)
    this.assertInTime(entry)
    const isPayeeSending = mayPayeeSend && closeGainNano(entry.state, sumNano, network.vault) > 0n && await this.#canSend()
    await closes.makeRoom(MAX_CLOSES, async key => {
      const state = lanes.get(key)?.state ?? (await readLane(this.#init.kv, key))?.state
      return state === undefined || state.chain === 'ended'
    })
    // no await from here to the mark: a job that begins meanwhile would be one that the sum does not cover
    this.#check(entry, sumNano)
    const wallet = { version: 'v4r2', walletId: walletIdOf(network.tonGlobalId), publicKey: payeeSigner.publicKey } as const
    const agreed = closes.get(laneKey) ?? { sumNano, signerSignature, payeeSignature: payeeSigner.sign(hash), wallet, isPayeeSending }
    await closes.add(laneKey, agreed)
    return agreed
  }

  #check ({ laneKey, ahead }: ProviderEntry, sumNano: bigint): void {
    if ([...ahead.jobs.values()].some(job => job.begun)) {
      throw new CocoonError('lane_in_use')
    }
    const owedNano = ahead.cumulativeNano - unallocatedNano(ahead) + debtNano(ahead)
    if (sumNano < owedNano) {
      throw new CocoonError('close_refused', `the lane's jobs have cost ${owedNano} nanoTON, and the close pays ${sumNano}`, { details: { owedNano, sumNano } })
    }
    const agreedNano = this.#init.closes.get(laneKey)?.sumNano ?? sumNano
    if (agreedNano !== sumNano) {
      throw new CocoonError('close_refused', `the lane ends with ${agreedNano} nanoTON: both sides have signed that`, { details: { agreedNano, sumNano } })
    }
  }

  /** A wallet that nobody could read is taken to hold too little. */
  async #canSend (): Promise<boolean> {
    return await this.#init.wallet.balance().catch(() => 0n) >= REDEEM_VALUE_NANO + CLOSE_COST_NANO
  }
}
