import { concat, sha256, toHex, utf8 } from './bytes.ts'
import { networkTag } from './network.ts'
import type { NetworkPreset } from './network.ts'

export type ServiceName = 'attest' | 'infer' | 'quote' | 'pay' | 'collateral' | 'relay'

/** The version of each stream protocol. */
export const SERVICE_VERSIONS: Readonly<Record<ServiceName, number>> = Object.freeze({
  attest: 1, infer: 1, quote: 1, pay: 1, collateral: 1, relay: 1
})

/** `/cocoon/<first 16 hex digits of the network id>/<service>/<version>` */
export function protocolId (network: Pick<NetworkPreset, 'networkId'>, service: ServiceName): string {
  return `/cocoon/${networkTag(network)}/${service}/${SERVICE_VERSIONS[service]}`
}

export function dhtProtocolId (network: Pick<NetworkPreset, 'networkId'>): string {
  return `/cocoon/${networkTag(network)}/kad/1.0.0`
}

/** The gossip topic of one model and bucket. */
export function offerTopic (network: Pick<NetworkPreset, 'networkId'>, model: Uint8Array, bucket: number): string {
  return `/cocoon/${networkTag(network)}/offers/1/${toHex(model)}/${bucket}`
}

/** The gossip topic on which providers announce new binding hashes. */
export function attestTopic (network: Pick<NetworkPreset, 'networkId'>): string {
  return `/cocoon/${networkTag(network)}/attest/1`
}

/** bucket = SHA-256(peer id) mod B, over the first 4 bytes of the hash. */
export function bucketOf (peerId: Uint8Array, buckets: number): number {
  const hash = sha256(peerId)
  return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0) % buckets
}

export const HOUR_MS = 3_600_000

function hourKey (tag: string, network: Pick<NetworkPreset, 'networkId'>, subject: Uint8Array, hour: number, bucket: number): Uint8Array {
  return sha256(concat(utf8(tag), network.networkId, subject, utf8(`/${hour}/${bucket}`)))
}

/** DHT key of a model: SHA-256(tag ‖ network id ‖ model digest ‖ hour ‖ bucket); hour = floor(unix ms / 3 600 000). */
export function modelKey (network: Pick<NetworkPreset, 'networkId'>, model: Uint8Array, hour: number, bucket: number): Uint8Array {
  return hourKey('cocoon/dht/model/v1\0', network, model, hour, bucket)
}

/** DHT key under which every provider announces, so that a client can learn which models exist. */
export function catalogueKey (network: Pick<NetworkPreset, 'networkId'>, hour: number, bucket: number): Uint8Array {
  return hourKey('cocoon/dht/catalogue/v1\0', network, new Uint8Array(0), hour, bucket)
}
