import { HOUR_MS, catalogueKey, modelKey } from '@cocoon-net/protocol'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { NEXT_HOUR_FROM_MS, PREVIOUS_HOUR_UNTIL_MS } from './constants.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** What is searched for: a model's digest, or every provider of the network. */
export type Target = Uint8Array | 'catalogue'

/** Hours under which a provider publishes: this one, and from minute 50 the next. */
export function hoursToPublish (nowMs: number): number[] {
  const hour = Math.floor(nowMs / HOUR_MS)
  return nowMs % HOUR_MS >= NEXT_HOUR_FROM_MS ? [hour, hour + 1] : [hour]
}

/** Hours that a client asks: this one, and until minute 5 the previous. */
export function hoursToAsk (nowMs: number): number[] {
  const hour = Math.floor(nowMs / HOUR_MS)
  return nowMs % HOUR_MS < PREVIOUS_HOUR_UNTIL_MS ? [hour, hour - 1] : [hour]
}

/** When the set of hours to publish changes next, unix milliseconds. */
export function nextPublishChange (nowMs: number): number {
  const start = Math.floor(nowMs / HOUR_MS) * HOUR_MS
  return nowMs % HOUR_MS < NEXT_HOUR_FROM_MS ? start + NEXT_HOUR_FROM_MS : start + HOUR_MS
}

export function keyOf (network: NetworkPreset, target: Target, hour: number, bucket: number): Uint8Array {
  return target === 'catalogue' ? catalogueKey(network, hour, bucket) : modelKey(network, target, hour, bucket)
}

const SHA2_256 = 0x12
const RAW = 0x55

/** A key as the CID that kad-dht wants: the key is itself a SHA-256. */
export function cidOf (key: Uint8Array): CID {
  return CID.createV1(RAW, Digest.create(SHA2_256, key))
}

/** All buckets in random order, each once. */
export function shuffledBuckets (buckets: number, random: () => number): number[] {
  const order = Array.from({ length: buckets }, (_, i) => i)
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]]
  }
  return order
}
