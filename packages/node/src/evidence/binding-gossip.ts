import { CocoonError, attestTopic, bindingAnnouncementCodec, decodeWith, encodeWith, equalBytes, sha256, toHex, utf8 } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { createRateLimit } from '../offers/rate-limit.ts'
import { openEnvelope, sealEnvelope } from '../offers/signed-envelope.ts'
import { offerVerdict } from '../offers/verdict.ts'
import { ANNOUNCEMENTS_BURST, ANNOUNCEMENTS_PER_SECOND, MAX_ANNOUNCEMENT_BYTES, MAX_ANNOUNCERS } from './constants.ts'
import type { ShownBinding } from './attest-binding.ts'
import type { Counters } from '../counters.ts'
import type { Gossip, GossipVerdict } from '../host/gossip.ts'
import type { EnvelopeKind } from '../offers/signed-envelope.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { PeerId, PrivateKey } from '@libp2p/interface'

const ANNOUNCEMENT_ENVELOPE: EnvelopeKind = { domain: 'cocoon-attest', payloadType: utf8('/cocoon/attest/1'), maxBytes: MAX_ANNOUNCEMENT_BYTES, what: 'the announcement' }

export interface Announcement {
  readonly peerId: PeerId
  readonly bindingHash: Uint8Array
  readonly evidenceHash: Uint8Array
}

/** Signed by the provider's libp2p identity; at most 512 bytes. */
export async function sealAnnouncement (shown: Pick<ShownBinding, 'bytes' | 'evidence'>, network: Pick<NetworkPreset, 'networkId'>, privateKey: PrivateKey): Promise<Uint8Array> {
  const payload = encodeWith(bindingAnnouncementCodec, { networkId: network.networkId, bindingHash: sha256(shown.bytes), evidenceHash: sha256(shown.evidence) })
  return sealEnvelope(ANNOUNCEMENT_ENVELOPE, payload, privateKey)
}

/** @throws {CocoonError} frame_too_large, frame_malformed, wrong_network, bad_signature */
export async function openAnnouncement (data: Uint8Array, network: Pick<NetworkPreset, 'networkId'>): Promise<Announcement> {
  const envelope = openEnvelope(ANNOUNCEMENT_ENVELOPE, data)
  const { networkId, bindingHash, evidenceHash } = decodeWith(bindingAnnouncementCodec, envelope.payload, MAX_ANNOUNCEMENT_BYTES, 'announcement')
  if (!equalBytes(networkId, network.networkId)) {
    throw new CocoonError('wrong_network')
  }
  await envelope.verify()
  return { peerId: envelope.peerId, bindingHash, evidenceHash }
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
