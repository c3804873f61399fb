import { CocoonError, asCocoonError, attestTopic, bindingAnnouncementCodec, decodeWith, encodeWith, equalBytes, sha256, toHex, utf8 } from '@cocoon-net/protocol'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { LRUCache } from 'lru-cache'
import { createRateLimit } from '../offers/rate-limit.ts'
import { offerVerdict } from '../offers/verdict.ts'
import { ANNOUNCEMENTS_BURST, ANNOUNCEMENTS_PER_SECOND, MAX_ANNOUNCEMENT_BYTES, MAX_ANNOUNCERS } from './constants.ts'
import type { ShownBinding } from './attest-binding.ts'
import type { Counters } from '../counters.ts'
import type { Gossip, GossipVerdict } from '../host/gossip.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { PeerId, PrivateKey } from '@libp2p/interface'

/** Domain and payload type of the signed envelope around an announcement. */
const DOMAIN = 'cocoon-attest'
const PAYLOAD_TYPE = utf8('/cocoon/attest/1')

export interface Announcement {
  readonly peerId: PeerId
  readonly bindingHash: Uint8Array
  readonly evidenceHash: Uint8Array
}

/** Signed by the provider's libp2p identity; at most 512 bytes. */
export async function sealAnnouncement (shown: Pick<ShownBinding, 'bytes' | 'evidence'>, network: Pick<NetworkPreset, 'networkId'>, privateKey: PrivateKey): Promise<Uint8Array> {
  const payload = encodeWith(bindingAnnouncementCodec, { networkId: network.networkId, bindingHash: sha256(shown.bytes), evidenceHash: sha256(shown.evidence) })
  const envelope = await RecordEnvelope.seal({
    domain: DOMAIN,
    codec: PAYLOAD_TYPE,
    marshal: () => payload,
    equals: (other) => other != null && equalBytes(other.marshal().slice(), payload)
  }, privateKey)
  return envelope.marshal()
}

/** @throws {CocoonError} frame_too_large, frame_malformed, wrong_network, bad_signature */
export async function openAnnouncement (data: Uint8Array, network: Pick<NetworkPreset, 'networkId'>): Promise<Announcement> {
  if (data.byteLength > MAX_ANNOUNCEMENT_BYTES) {
    throw new CocoonError('frame_too_large')
  }
  let envelope: RecordEnvelope
  try {
    envelope = RecordEnvelope.createFromProtobuf(data)
  } catch (cause) {
    throw new CocoonError('frame_malformed', 'not a signed envelope', { cause })
  }
  // One encoding only, or one announcement would travel under many names.
  if (!equalBytes(new RecordEnvelope(envelope).marshal(), data) || !equalBytes(envelope.payloadType, PAYLOAD_TYPE)) {
    throw new CocoonError('frame_malformed', 'the envelope holds no announcement in its one encoding')
  }
  const { networkId, bindingHash, evidenceHash } = decodeWith(bindingAnnouncementCodec, envelope.payload, MAX_ANNOUNCEMENT_BYTES, 'announcement')
  if (!equalBytes(networkId, network.networkId)) {
    throw new CocoonError('wrong_network')
  }
  try {
    if (await envelope.validate(DOMAIN)) {
      return { peerId: peerIdFromPublicKey(envelope.publicKey), bindingHash, evidenceHash }
    }
  } catch (cause) {
    throw new CocoonError('bad_signature', asCocoonError(cause).message, { cause })
  }
  throw new CocoonError('bad_signature')
}

export interface BindingGossipInit {
  readonly gossip: Gossip
  readonly network: NetworkPreset
  readonly privateKey: PrivateKey
  readonly counters: Counters
  /** A provider says that it has a new binding: a hint to verify it ahead of a request. Nothing of it is verified but its signer. */
  onBinding? (announcement: Announcement): void
  now (): number
}

/** New bindings on the network's attest topic. */
export interface BindingGossip {
  announce(shown: Pick<ShownBinding, 'bytes' | 'evidence'>): Promise<void>
  stop(): void
}

export function createBindingGossip (init: BindingGossipInit): BindingGossip {
  const { gossip, network, counters } = init
  const topic = attestTopic(network)
  const rate = createRateLimit({ perSecond: ANNOUNCEMENTS_PER_SECOND, burst: ANNOUNCEMENTS_BURST, now: init.now })
  /** Binding hash last heard of a peer. */
  const heard = new LRUCache<string, string>({ max: MAX_ANNOUNCERS })

  gossip.join(topic, async ({ data }): Promise<GossipVerdict> => {
    try {
      const announcement = await openAnnouncement(data, network)
      const peer = announcement.peerId.toString()
      const hash = toHex(announcement.bindingHash)
      if (heard.get(peer) === hash) {
        return 'ignore'
      }
      if (rate.take(peer) > 0) {
        throw new CocoonError('rate_limited')
      }
      heard.set(peer, hash)
      counters.increment('cocoon_bindings_announced_total')
      init.onBinding?.(announcement)
      return 'accept'
    } catch (error) {
      return offerVerdict(error, counters, 'gossip')
    }
  })
  return {
    announce: async (shown) => {
      await gossip.publish(topic, await sealAnnouncement(shown, network, init.privateKey))
    },
    stop: () => { gossip.leave(topic) }
  }
}
