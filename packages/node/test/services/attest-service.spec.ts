import { LIMITS, challengeAnswerBytes, challengeCodec, encodeCbor, encodeWith } from '@cocoon-net/protocol'
import { verifyEd25519 } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createAttacker, refused } from '../hostile.ts'
import { testNetwork } from '../hosts.ts'
import { createTrade } from '../trade.ts'
import type { Attacker } from '../hostile.ts'
import type { TestProvider } from '../trade.ts'

describe('attest service', () => {
  const network = testNetwork(51)
  const trade = createTrade(network)
  const nonce = new Uint8Array(32).fill(4)
  let provider: TestProvider
  let attacker: Attacker

  before(async () => {
    provider = await trade.provider({ seed: 1 })
    attacker = await createAttacker(trade, provider, 201)
  })
  after(async () => {
    try {
      await attacker.stop()
    } finally {
      await trade.stop()
    }
  })

  it('answers a challenge for these two peers, this nonce and this network, and for no other', async () => {
    const answer = await attacker.exchange('attest', encodeWith(challengeCodec, { t: 'challenge', networkId: network.networkId, nonce }))
    const signed = {
      networkId: network.networkId,
      nonce,
      bindingHash: attacker.bindingHash,
      client: attacker.host.peerId.toMultihash().bytes,
      provider: provider.node.host.peerId.toMultihash().bytes
    }
    const holds = (change: Partial<typeof signed>): boolean => verifyEd25519(attacker.offer.offer.receiptKey, challengeAnswerBytes({ ...signed, ...change }), answer.answer as Uint8Array)
    expect(holds({})).to.equal(true)
    expect(holds({ client: signed.provider })).to.equal(false)
    expect(holds({ provider: signed.client })).to.equal(false)
    expect(holds({ nonce: new Uint8Array(32) })).to.equal(false)
    expect(holds({ bindingHash: nonce })).to.equal(false)
    expect(holds({ networkId: testNetwork(1).networkId })).to.equal(false)
  })

  it('refuses another network', async () => {
    await refused(provider, 'attest', 'wrong_network', async () => attacker.exchange('attest', encodeWith(challengeCodec, { t: 'challenge', networkId: testNetwork(1).networkId, nonce })))
  })

  it('refuses what is malformed: no CBOR, an unknown key, a missing one, another frame', async () => {
    const challenge = { t: 'challenge', networkId: network.networkId, nonce }
    const frames = [
      Uint8Array.of(0xff, 0x00),
      new Uint8Array(0),
      encodeCbor(new Map<string, unknown>([...Object.entries(challenge), ['extra', 1]])),
      encodeCbor(new Map<string, unknown>(Object.entries(challenge).slice(0, 2))),
      encodeCbor(new Map<string, unknown>(Object.entries({ ...challenge, t: 'challenge2' }))),
      encodeCbor(new Map<string, unknown>(Object.entries({ ...challenge, nonce: new Uint8Array(31) })))
    ]
    const { exchange } = attacker
    for (const frame of frames) {
      await refused(provider, 'attest', 'frame_malformed', async () => exchange('attest', frame))
    }
  })

  it('refuses an oversized frame at its length, before a byte of it has come', async () => {
    await refused(provider, 'attest', 'frame_too_large', async () => {
      const raw = await attacker.stream('attest')
      raw.announce(LIMITS.challengeFrameBytes + 1)
      return raw.receive()
    })
  })
})
