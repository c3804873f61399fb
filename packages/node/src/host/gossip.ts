// The only file that names the gossipsub package; the alias in package.json says which release stands behind it.
import { StrictNoSign, TopicValidatorResult, gossipsub } from '@chainsafe/libp2p-gossipsub'
import { sha256, utf8 } from '@cocoon-net/protocol'
import { MAX_GOSSIP_BYTES } from './constants.ts'
import type { GossipSub, Message } from '@chainsafe/libp2p-gossipsub'
import type { NetworkPreset } from '@cocoon-net/protocol'

export type GossipService = GossipSub
export type GossipVerdict = 'accept' | 'ignore' | 'reject'

export interface GossipMessage {
  readonly topic: string
  readonly data: Uint8Array
}

/** The part of gossip that this package uses. */
export interface Gossip {
  /** Joins a topic. Every message passes `validate` before it is forwarded; its verdict decides what peers think of its sender. */
  join(topic: string, validate: (message: GossipMessage) => Promise<GossipVerdict>): void
  leave(topic: string): void
  topics(): readonly string[]
  /** Sends to the topic's peers; resolves to how many got it. */
  publish(topic: string, data: Uint8Array): Promise<number>
  /** Peers known to read a topic. */
  readers(topic: string): number
}

const RESULTS: Readonly<Record<GossipVerdict, TopicValidatorResult>> = Object.freeze({
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject
})

/** The libp2p service. Offers are signed by themselves, so messages carry no second signature and are named by content. */
export function gossipService (network: NetworkPreset): ReturnType<typeof gossipsub> {
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message: Message) => sha256(utf8(message.topic), message.data),
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    maxInboundDataLength: MAX_GOSSIP_BYTES,
    // Offers are few and small: a new one should reach every neighbour at once.
    floodPublish: true,
    scoreParams: {
      // More than ten peers on one address cost them their score; a devnet is exactly that, on loopback.
      IPColocationFactorWhitelist: new Set(network.kind === 'devnet' ? ['127.0.0.1', '::1'] : [])
    }
  })
}

export function createGossip (service: GossipService): Gossip {
  return {
    join: (topic, validate) => {
      service.topicValidators.set(topic, async (_peer, message) => RESULTS[await validate({ topic, data: message.data })])
      service.subscribe(topic)
    },
    leave: (topic) => {
      service.unsubscribe(topic)
      service.topicValidators.delete(topic)
    },
    topics: () => service.getTopics(),
    publish: async (topic, data) => (await service.publish(topic, data)).recipients.length,
    readers: (topic) => service.getSubscribers(topic).length
  }
}
