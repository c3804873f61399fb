import { devnetPolicy, productionPolicy } from '@cocoon-net/attestation'
import { LIMITS, challengeCodec, decodeBinding, decodeWith, encodeBinding, encodeWith, evidenceCodec, protocolId } from '@cocoon-net/protocol'
import { lpStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { attestPeer } from '../../src/client/attest-peer.ts'
import { createAttacker } from '../hostile.ts'
import { hostFactory, testNetwork } from '../hosts.ts'
import { recordedEngine } from '../recording.ts'
import { createTrade } from '../trade.ts'
import type { VerifiedProvider } from '../../src/client/attest-peer.ts'
import type { Host } from '../../src/host/create-host.ts'
import type { Attacker } from '../hostile.ts'
import type { TestProvider } from '../trade.ts'
import type { ChallengeFrame, EvidenceAnswer, EvidenceFrame, Offer } from '@cocoon-net/protocol'
import type { Connection, PeerId } from '@libp2p/interface'

const other = new Uint8Array(32).fill(77)
const flip = (bytes: Uint8Array, bit: number): Uint8Array => bytes.with(bit >> 3, bytes[bit >> 3] ^ (1 << (bit & 7)))

interface Lie {
  challenge?(frame: ChallengeFrame): ChallengeFrame
  evidence?(frame: EvidenceAnswer): EvidenceFrame | Promise<EvidenceFrame>
  /** Who the client believes to talk to, and to be. */
  remotePeer?: PeerId
  localPeer?: PeerId
  offer?: Partial<Offer>
  nowMs?: number
  policy?: typeof productionPolicy
}

describe('verifying a provider', () => {
  const network = testNetwork(61)
  const trade = createTrade(network)
  const hosts = hostFactory(network)
  let provider: TestProvider
  let second: TestProvider
  let middle: Attacker
  let client: Host
  let lie: Lie = {}

  const ask = async (target: TestProvider, challenge: Uint8Array): Promise<EvidenceFrame> => {
    const stream = await middle.host.libp2p.dialProtocol(target.node.host.libp2p.getMultiaddrs(), protocolId(network, 'attest'))
    const frames = lpStream(stream)
    await frames.write(challenge)
    const answer = decodeWith(evidenceCodec, (await frames.read()).subarray(), LIMITS.evidenceFrameBytes, 'evidence')
    await stream.close()
    return answer
  }

  before(async () => {
    provider = await trade.provider({ seed: 1 })
    second = await trade.provider({ seed: 2, engine: recordedEngine({ name: 'other' }) })
    middle = await createAttacker(trade, provider, 201)
    client = await hosts.make()
    // Forwards the question to the provider, and its answer with a lie in it. What is true is signed for the one in the middle.
    await client.libp2p.handle(protocolId(network, 'attest'), async (stream) => {
      const frames = lpStream(stream)
      const challenge = decodeWith(challengeCodec, (await frames.read()).subarray(), LIMITS.challengeFrameBytes, 'challenge')
      const answer = await ask(provider, encodeWith(challengeCodec, lie.challenge?.(challenge) ?? challenge))
      await frames.write(encodeWith(evidenceCodec, answer.t === 'evidence' ? await lie.evidence?.(answer) ?? answer : answer))
      await stream.close()
    })
  })
  after(async () => {
    await middle.stop()
    await hosts.stopAll()
    await trade.stop()
  })

  const verify = async (told: Lie = {}): Promise<VerifiedProvider> => {
    lie = told
    const connection = await middle.host.libp2p.dial(client.libp2p.getMultiaddrs())
    const seen = new Proxy(connection, {
      get: (target, name) => {
        const value: unknown = name === 'remotePeer' ? told.remotePeer ?? provider.node.host.peerId : Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
    }) as Connection
    return attestPeer(seen, { ...middle.offer.offer, ...told.offer }, {
      network,
      policy: told.policy ?? devnetPolicy(network),
      trust: {},
      localPeer: told.localPeer ?? middle.host.peerId,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      now: () => told.nowMs ?? Date.now()
    }, AbortSignal.timeout(5_000))
  }
  const code = async (told: Lie): Promise<string> => verify(told).then(() => 'verified', (error: unknown) => (error as { code: string }).code)

  it('passes the one that tells the truth', async () => {
    const { binding, verdict } = await verify()
    expect(verdict.tier).to.equal('simulated')
    expect(binding.payee).to.deep.equal(provider.payee)
  })

  it('refuses evidence with any one bit turned', async () => {
    const { bytes } = await new Promise<{ bytes: number }>((resolve, reject) => {
      verify({ evidence: (frame) => { resolve({ bytes: frame.evidence.byteLength }); return frame } }).catch(reject)
    })
    for (let bit = 0; bit < bytes * 8; bit += 305) {
      expect(await code({ evidence: (frame) => ({ ...frame, evidence: flip(frame.evidence, bit) }) }), `bit ${bit}`).to.not.equal('verified')
    }
  })

  it('refuses a binding with any one bit turned', async () => {
    for (let bit = 0; bit < 12_000; bit += 331) {
      expect(await code({ evidence: (frame) => ({ ...frame, binding: flip(frame.binding, bit % (frame.binding.byteLength * 8)) }) }), `bit ${bit}`).to.not.equal('verified')
    }
  })

  it('refuses evidence for another binding, and none', async () => {
    expect(await code({
      evidence: async (frame) => {
        const elsewhere = await ask(second, encodeWith(challengeCodec, { t: 'challenge', networkId: network.networkId, nonce: other }))
        return elsewhere.t === 'evidence' ? { ...frame, evidence: elsewhere.evidence } : elsewhere
      }
    })).to.equal('report_data_mismatch')
    expect(await code({ evidence: (frame) => ({ ...frame, evidence: new Uint8Array(0) }) })).to.equal('evidence_missing')
  })

  it('refuses a key put into the binding: the challenge is answered by the bound one, the evidence commits to it', async () => {
    const swap = (change: Parameters<typeof encodeBinding>[0]): Uint8Array => encodeBinding(change)
    expect(await code({ evidence: (frame) => ({ ...frame, binding: swap({ ...decodeBinding(frame.binding), receiptKey: other }) }) })).to.equal('challenge_failed')
    const hpke = (frame: EvidenceAnswer): EvidenceAnswer => {
      const binding = decodeBinding(frame.binding)
      return { ...frame, binding: swap({ ...binding, hpkeKeys: [{ kem: 0x20, key: other }] }) }
    }
    expect(await code({ evidence: hpke })).to.not.equal('verified')
  })

  it('refuses an answer to another challenge, for another client or from another provider', async () => {
    expect(await code({ challenge: (frame) => ({ ...frame, nonce: other }) })).to.equal('challenge_failed')
    expect(await code({ localPeer: client.peerId })).to.equal('challenge_failed')
    expect(await code({ remotePeer: second.node.host.peerId })).to.equal('wrong_peer')
    expect(await code({ evidence: (frame) => ({ ...frame, answer: flip(frame.answer, 100) }) })).to.equal('challenge_failed')
  })

  it('refuses another network, and passes on what the provider refuses with', async () => {
    expect(await code({ challenge: (frame) => ({ ...frame, networkId: testNetwork(1).networkId }) })).to.equal('wrong_network')
    expect(await code({ evidence: () => ({ t: 'refusal', code: 'rate_limited', retryAfterMs: 5 }) })).to.equal('rate_limited')
  })

  it('refuses a binding that has ended, and a kind that the policy does not take', async () => {
    expect(await code({ nowMs: Date.now() + LIMITS.bindingLifeMs - 60_000 })).to.equal('verified')
    expect(await code({ nowMs: Date.now() + LIMITS.bindingLifeMs })).to.equal('expired')
    expect(await code({ policy: productionPolicy })).to.not.equal('verified')
  })

  it('refuses an offer that speaks for other keys, another payee, stake or model than the evidence', async () => {
    for (const change of [{ receiptKey: other }, { payee: other }, { stake: other }, { model: { ...middle.offer.offer.model, digest: other } }]) {
      expect(await code({ offer: change }), Object.keys(change)[0]).to.equal('binding_mismatch')
    }
  })
})
