import { attestTopic, encodeCbor, sha256 } from '@cocoon-net/protocol'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'aegir/chai'
import { createBindingGossip, openAnnouncement, sealAnnouncement } from '../../src/evidence/binding-gossip.ts'
import { MAX_ANNOUNCEMENT_BYTES } from '../../src/evidence/constants.ts'
import { eventually } from '../eventually.ts'
import { testNetwork } from '../hosts.ts'
import { createTrade } from '../trade.ts'
import type { Announcement, BindingGossip } from '../../src/evidence/binding-gossip.ts'
import type { Gossip, GossipMessage, GossipVerdict } from '../../src/host/gossip.ts'
import type { PrivateKey } from '@libp2p/interface'

const network = testNetwork(77)
const shownOf = (fill: number): { bytes: Uint8Array, evidence: Uint8Array } => ({ bytes: new Uint8Array(900).fill(fill), evidence: new Uint8Array(5_000).fill(fill) })

describe('announcing a binding', () => {
  let privateKey: PrivateKey
  let nowMs: number
  let heard: Announcement[]
  let codes: string[]
  let validate: (message: GossipMessage) => Promise<GossipVerdict>
  let left: string | undefined
  let bindings: BindingGossip

  beforeEach(async () => {
    privateKey = await generateKeyPair('Ed25519')
    nowMs = 1_800_000_000_000
    heard = []
    codes = []
    left = undefined
    const gossip: Gossip = {
      join: (topic, judge) => {
        expect(topic).to.equal(attestTopic(network))
        validate = judge
      },
      leave: (topic) => { left = topic },
      topics: () => [],
      publish: async () => 0,
      readers: () => 0
    }
    bindings = createBindingGossip({
      gossip,
      network,
      privateKey,
      counters: { increment: (_name, labels) => { if (labels?.code != null) { codes.push(labels.code) } } },
      now: () => nowMs,
      onBinding: (announcement) => { heard.push(announcement) }
    })
  })
  const judge = async (data: Uint8Array): Promise<GossipVerdict> => validate({ topic: attestTopic(network), data })

  it('takes at most 512 bytes, and names binding, evidence and signer', async () => {
    const sealed = await sealAnnouncement(shownOf(1), network, privateKey)
    expect(sealed.byteLength).to.be.at.most(MAX_ANNOUNCEMENT_BYTES)
    const { peerId, bindingHash, evidenceHash } = await openAnnouncement(sealed, network)
    expect(peerId.publicKey?.equals(privateKey.publicKey)).to.equal(true)
    expect([bindingHash, evidenceHash]).to.deep.equal([sha256(shownOf(1).bytes), sha256(shownOf(1).evidence)])
  })

  it('is told once, ignored when it is old, and slowed down when there are too many', async () => {
    const first = await sealAnnouncement(shownOf(1), network, privateKey)
    expect(await judge(first)).to.equal('accept')
    expect(await judge(first)).to.equal('ignore')
    const verdicts = []
    for (let fill = 2; fill < 8; fill++) {
      verdicts.push(await judge(await sealAnnouncement(shownOf(fill), network, privateKey)))
    }
    expect(verdicts).to.deep.equal(['accept', 'accept', 'accept', 'ignore', 'ignore', 'ignore'])
    nowMs += 20_000
    expect(await judge(await sealAnnouncement(shownOf(8), network, privateKey))).to.equal('accept')
    expect(heard).to.have.lengthOf(5)
    bindings.stop()
    expect(left).to.equal(attestTopic(network))
  })

  it('rejects what is false: another network, a turned bit, another shape, too many bytes', async () => {
    expect(await judge(await sealAnnouncement(shownOf(1), testNetwork(1), privateKey))).to.equal('reject')
    const sealed = await sealAnnouncement(shownOf(1), network, privateKey)
    for (let bit = 0; bit < sealed.byteLength * 8; bit += 13) {
      expect(await judge(sealed.with(bit >> 3, sealed[bit >> 3] ^ (1 << (bit & 7)))), `bit ${bit}`).to.equal('reject')
    }
    for (const bad of [new Uint8Array(0), new Uint8Array(513), sealed.subarray(0, -1), encodeCbor(new Map())]) {
      expect(await judge(bad)).to.equal('reject')
    }
    expect(heard).to.deep.equal([])
    expect(codes).to.include.members(['wrong_network', 'bad_signature', 'frame_malformed', 'frame_too_large'])
  })

  it('reaches a client from a provider that attested', async function () {
    this.timeout(30_000)
    const trade = createTrade(network)
    try {
      const { node } = await trade.provider({ seed: 1 })
      const client = await trade.client({ seed: 101, role: { warmProviders: 0 } })
      await client.knows(1)
      const gossip = node.host.gossip as Gossip
      await eventually(() => gossip.readers(attestTopic(network)) > 0)
      await gossip.publish(attestTopic(network), await sealAnnouncement(shownOf(9), network, node.host.privateKey))
      await eventually(() => JSON.stringify(client.counters).includes('cocoon_bindings_announced_total'))
    } finally {
      await trade.stop()
    }
  })
})
