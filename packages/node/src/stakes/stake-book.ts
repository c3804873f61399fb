import { NO_ACCOUNT, asCocoonError, delegationHash, equalBytes, toHex } from '@cocoon-net/protocol'
import { verifyEd25519 } from '@cocoon-net/settlement'
import { LRUCache } from 'lru-cache'
import { MAX_STAKES, MAX_STAKES_PER_ROUND, PARALLEL_STAKE_READS, STAKE_ABSENT_MS, STAKE_FRESH_MS, STAKE_LIFE_MS, STAKE_READ_TIMEOUT_MS } from './constants.ts'
import { NO_STAKE, delegationOf } from './standing.ts'
import type { StakeFault, StakeStanding } from './standing.ts'
import type { Counters } from '../counters.ts'
import type { NetworkRules } from '../rules.ts'
import type { Offer } from '@cocoon-net/protocol'
import type { StakeOnChain } from '@cocoon-net/settlement'

/** The chain's word for a stake; null where the account is no stake of this network. */
export type ReadStake = (account: Uint8Array) => Promise<StakeOnChain | null>

export interface StakeBookInit {
  /** Without it no stake can be read, and none counts. */
  readonly readStake?: ReadStake
  readonly rules?: Pick<NetworkRules, 'stakeRefusal' | 'leastStakeNano'>
  readonly counters: Counters
  now (): number
}

/** The stakes behind offers, as the chain showed them: asked from memory, read beside the requests. */
export interface StakeBook {
  /** What an offer's stake counts for now; never waits. */
  of(offer: Offer): StakeStanding
  /** Whether the owner of the stake that an offer names has signed its delegation, as far as that stake was read; when it ends does not matter. */
  isDelegated(offer: Offer): boolean
  /** Reads the stakes that were not read for a minute, and those that were not there; never throws. */
  refresh(offers: readonly Offer[]): Promise<void>
  /** Reads the stakes of which nothing is known that still counts, or waits until the signal ends it; never throws. */
  learn(offers: readonly Offer[], signal: AbortSignal): Promise<void>
}

interface KnownStake { readonly stake: StakeOnChain | null, readonly readAtMs: number }

function fault (name: StakeFault): StakeStanding {
  return { bondedNano: 0n, fault: name }
}

export function createStakeBook (init: StakeBookInit): StakeBook {
  const { readStake, now } = init
  const known = new LRUCache<string, KnownStake>({ max: MAX_STAKES })
  const reading = new Map<string, Promise<void>>()
  /** Delegations whose signature was checked, with the owner's key that it was checked under. */
  const signed = new WeakMap<Offer, { readonly ownerKey: Uint8Array, readonly isSigned: boolean }>()
  const delegations = new WeakMap<Offer, ReturnType<typeof delegationOf>>()

  const delegation = (offer: Offer): ReturnType<typeof delegationOf> => {
    const read = delegations.get(offer) ?? delegationOf(offer)
    delegations.set(offer, read)
    return read
  }

  const isSignedBy = (offer: Offer, ownerKey: Uint8Array): boolean => {
    const checked = signed.get(offer)
    if (checked != null && equalBytes(checked.ownerKey, ownerKey)) {
      return checked.isSigned
    }
    const found = delegation(offer)
    const isSigned = typeof found === 'object' && offer.delegation != null && verifyEd25519(ownerKey, delegationHash(found), offer.delegation.signature)
    signed.set(offer, { ownerKey, isSigned })
    return isSigned
  }

  /** What can be said without the chain; null when the rest is up to it. */
  const faultBeforeChain = (offer: Offer): StakeFault | null => {
    if (equalBytes(offer.stake, NO_ACCOUNT)) {
      return 'stake_none'
    }
    const found = delegation(offer)
    if (typeof found === 'string') {
      return found
    }
    return Number(found.notAfter) * 1_000 <= now() ? 'delegation_expired' : null
  }

  const ageMs = (account: string): number => now() - (known.peek(account)?.readAtMs ?? -Infinity)
  const freshMs = (account: string): number => known.peek(account)?.stake === null ? STAKE_ABSENT_MS : STAKE_FRESH_MS

  const readOne = async (read: ReadStake, account: Uint8Array): Promise<void> => {
    const key = toHex(account)
    const running = reading.get(key)
    if (running != null) {
      return running
    }
    const round = (async () => {
      try {
        known.set(key, { stake: await read(account), readAtMs: now() })
      } catch (error) {
        // What was read before counts for its life; the next round asks again.
        init.counters.increment('cocoon_stake_reads_failed_total', { code: asCocoonError(error, 'chain_unavailable').code })
      }
    })().finally(() => { reading.delete(key) })
    reading.set(key, round)
    return round
  }

  const readWhere = async (offers: readonly Offer[], isDue: (account: string) => boolean, signal: AbortSignal): Promise<void> => {
    if (readStake == null) {
      return
    }
    const accounts = new Map(offers.filter(offer => faultBeforeChain(offer) == null).map(offer => [toHex(offer.stake), offer.stake]))
    const due = [...accounts].filter(([key]) => isDue(key)).slice(0, MAX_STAKES_PER_ROUND).map(([, account]) => account)
    const worker = async (): Promise<void> => {
      for (let account = due.pop(); account != null && !signal.aborted; account = due.pop()) {
        await readOne(readStake, account)
      }
    }
    const aborted = Promise.withResolvers<void>()
    const onAbort = (): void => { aborted.resolve() }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([aborted.promise, Promise.all(Array.from({ length: PARALLEL_STAKE_READS }, worker))])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  return {
    of: (offer) => {
      const before = faultBeforeChain(offer)
      if (before != null) {
        return before === 'stake_none' ? NO_STAKE : fault(before)
      }
      if (init.rules?.stakeRefusal() != null) {
        return fault('stakes_refused')
      }
      const key = toHex(offer.stake)
      const found = ageMs(key) < STAKE_LIFE_MS ? known.get(key) : undefined
      if (found == null) {
        return fault('stake_unread')
      }
      const { stake } = found
      if (stake == null) {
        return fault('stake_unknown')
      }
      if (stake.isSlashed) {
        return fault('stake_slashed')
      }
      if (!isSignedBy(offer, stake.ownerKey)) {
        return fault('delegation_invalid')
      }
      return stake.bondedNano < (init.rules?.leastStakeNano() ?? 0n) ? fault('stake_too_small') : { bondedNano: stake.bondedNano, fault: null }
    },
    isDelegated: (offer) => {
      const stake = known.get(toHex(offer.stake))?.stake
      return stake != null && isSignedBy(offer, stake.ownerKey)
    },
    refresh: async (offers) => readWhere(offers, key => ageMs(key) >= freshMs(key), AbortSignal.timeout(STAKE_READ_TIMEOUT_MS)),
    learn: async (offers, signal) => readWhere(offers, key => ageMs(key) >= STAKE_LIFE_MS, AbortSignal.any([signal, AbortSignal.timeout(STAKE_READ_TIMEOUT_MS)]))
  }
}
