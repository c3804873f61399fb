import { CocoonError, compareBytes, toHex } from '@cocoon-net/protocol'
import { noCounters } from '../counters.ts'
import { MAX_OFFERS, MAX_OFFERS_PER_MODEL, MAX_OFFERS_PER_PEER } from './constants.ts'
import { checkTime, offerSlot } from './signed-offer.ts'
import type { SignedOffer } from './signed-offer.ts'
import type { Counters } from '../counters.ts'

export interface OfferBookInit {
  now(): number
  readonly counters?: Counters
  readonly maxPerModel?: number
  readonly maxTotal?: number
  readonly maxPerPeer?: number
}

export interface OfferBookChange {
  readonly kind: 'added' | 'replaced'
  readonly offer: SignedOffer
}

/** The offers that a node knows: the newest of each provider and model, bounded, never past their time. */
export interface OfferBook {
  /**
   * Takes a checked offer. False when it is known already.
   *
   * @throws {CocoonError} not_yet_valid, expired, offer_stale; no_room when a bound is reached and nothing has expired
   */
  add(signed: SignedOffer): boolean
  /** Offers valid now, of one model (32-byte digest) or of all. */
  list(model?: Uint8Array | null): readonly SignedOffer[]
  size(): number
  /** Calls back after each change; the returned function ends it. */
  onChange(listener: (change: OfferBookChange) => void): () => void
}

/** protocol.md: "the highest not more than 60 s ahead wins, on a tie the lower hash". */
export function supersedes (newer: { offer: { seq: number }, hash: Uint8Array }, older: { offer: { seq: number }, hash: Uint8Array }): boolean {
  return newer.offer.seq > older.offer.seq || (newer.offer.seq === older.offer.seq && compareBytes(newer.hash, older.hash) < 0)
}

function index (map: Map<string, Set<string>>, key: string, slot: string): void {
  const slots = map.get(key)
  if (slots == null) {
    map.set(key, new Set([slot]))
  } else {
    slots.add(slot)
  }
}

function unindex (map: Map<string, Set<string>>, key: string, slot: string): void {
  const slots = map.get(key)
  slots?.delete(slot)
  if (slots?.size === 0) {
    map.delete(key)
  }
}

export function createOfferBook (init: OfferBookInit): OfferBook {
  const maxPerModel = init.maxPerModel ?? MAX_OFFERS_PER_MODEL
  const maxTotal = init.maxTotal ?? MAX_OFFERS
  const maxPerPeer = init.maxPerPeer ?? MAX_OFFERS_PER_PEER
  const counters = init.counters ?? noCounters
  const bySlot = new Map<string, SignedOffer>()
  const perModel = new Map<string, Set<string>>()
  const perPeer = new Map<string, Set<string>>()
  const listeners = new Set<(change: OfferBookChange) => void>()

  const drop = (slot: string, signed: SignedOffer): void => {
    bySlot.delete(slot)
    unindex(perModel, toHex(signed.offer.model.digest), slot)
    unindex(perPeer, toHex(signed.offer.peerId), slot)
  }
  const valid = (signed: SignedOffer): boolean => signed.offer.validUntilMs > init.now()
  const dropExpired = (): void => {
    for (const [slot, signed] of bySlot) {
      if (!valid(signed)) {
        drop(slot, signed)
      }
    }
  }
  const full = (model: string, peer: string): boolean => bySlot.size >= maxTotal ||
    (perModel.get(model)?.size ?? 0) >= maxPerModel || (perPeer.get(peer)?.size ?? 0) >= maxPerPeer

  return {
    add: (signed) => {
      checkTime(signed.offer, init.now())
      const slot = offerSlot(signed.offer)
      const known = bySlot.get(slot)
      if (known != null) {
        if (compareBytes(known.hash, signed.hash) === 0) {
          return false
        }
        if (!supersedes(signed, known)) {
          throw new CocoonError('offer_stale')
        }
      } else {
        const model = toHex(signed.offer.model.digest)
        const peer = toHex(signed.offer.peerId)
        if (full(model, peer)) {
          dropExpired()
        }
        // Newcomers wait until something expires: a flood of new identities must not push out those in use.
        if (full(model, peer)) {
          counters.increment('cocoon_offers_dropped_total', { reason: 'book_full' })
          throw new CocoonError('no_room', 'the offer book is full')
        }
        index(perModel, model, slot)
        index(perPeer, peer, slot)
      }
      bySlot.set(slot, signed)
      const change: OfferBookChange = { kind: known == null ? 'added' : 'replaced', offer: signed }
      for (const listener of [...listeners]) {
        listener(change)
      }
      return true
    },
    list: (model) => {
      const slots = model == null ? [...bySlot.keys()] : [...perModel.get(toHex(model)) ?? []]
      const found: SignedOffer[] = []
      for (const slot of slots) {
        const signed = bySlot.get(slot)
        if (signed == null) {
          continue
        }
        if (valid(signed)) {
          found.push(signed)
        } else {
          drop(slot, signed)
        }
      }
      return found
    },
    size: () => bySlot.size,
    onChange: (listener) => {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
}
