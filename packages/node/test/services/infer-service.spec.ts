import { LIMITS, decodeWith, encodeCbor, encodeRequestHeader, encodeWith, inferRequestCodec, quoteHash } from '@cocoon-net/protocol'
import { generateHpkeKeyPair } from '@cocoon-net/sealing'
import { expect } from 'aegir/chai'
import { eventually } from '../eventually.ts'
import { createAttacker, refused } from '../hostile.ts'
import { testNetwork } from '../hosts.ts'
import { recordedEngine } from '../recording.ts'
import { createTrade } from '../trade.ts'
import type { Answer, Attacker, RawStream, RequestChange } from '../hostile.ts'
import type { TestProvider } from '../trade.ts'
import type { RequestHeader } from '@cocoon-net/protocol'

const other = new Uint8Array(32).fill(77)

describe('infer service', () => {
  const network = testNetwork(53)
  const trade = createTrade(network)
  let provider: TestProvider
  let attacker: Attacker
  let lane: RawStream

  before(async () => {
    provider = await trade.provider({ seed: 1, engine: recordedEngine({ answerTokens: 4, parallel: 2, contextLength: 1_000 }) })
    attacker = await createAttacker(trade, provider, 201)
    lane = await attacker.opened()
  })
  after(async () => {
    await lane.close()
    await attacker.stop()
    await trade.stop()
  })

  const send = async (bytes: Uint8Array): Promise<Answer> => attacker.exchange('infer', bytes)
  const ask = async (change: RequestChange = {}): Promise<Answer> => send(await attacker.request(change))
  const header = (change: Partial<RequestHeader>): Uint8Array => encodeRequestHeader({
    v: 1, vault: attacker.vault, vaultOwner: attacker.owner, laneEpoch: attacker.epoch, quoteHash: quoteHash(attacker.offer.quote), maxTokens: 8, maxCharge: 1_000_000n, clientNonce: other, ...change
  })

  describe('before anything is opened', () => {
    it('refuses what is no request: other bytes, another first frame, an unknown key, another version', async () => {
      const request = { t: 'request', kem: 1, bindingHash: other, header: header({}), ciphertext: other }
      const frames = [
        Uint8Array.of(0xff),
        encodeWith(inferRequestCodec, { t: 'cancel' }),
        encodeCbor(new Map<string, unknown>([...Object.entries(request), ['priority', 9]])),
        encodeCbor(new Map<string, unknown>(Object.entries({ ...request, t: 'request2' }))),
        encodeCbor(new Map<string, unknown>(Object.entries({ ...request, header: new Uint8Array(1_025) }))),
        encodeCbor(new Map<string, unknown>(Object.entries({ ...request, header: Uint8Array.of(1, 2, 3) })))
      ]
      for (const frame of frames) {
        await refused(provider, 'infer', 'frame_malformed', async () => send(frame))
      }
      const version2 = header({})
      // The header's keys are sorted by length: its first one is v.
      expect([...version2.subarray(1, 4)]).to.deep.equal([0x61, 0x76, 0x01])
      version2[3] = 2
      await refused(provider, 'infer', 'version_unsupported', async () => ask({ frame: { header: version2 } }))
    })

    it('refuses an oversized frame at its length', async () => {
      await refused(provider, 'infer', 'frame_too_large', async () => {
        const raw = await attacker.stream('infer')
        raw.announce(LIMITS.requestFrameBytes + 1)
        return raw.receive()
      })
    })

    it('refuses a quote that is not its own, and limits outside of it', async () => {
      const { maxTokens, prices } = attacker.offer.quote
      await refused(provider, 'infer', 'quote_unknown', async () => ask({ header: { quoteHash: other } }))
      await refused(provider, 'infer', 'header_invalid', async () => ask({ header: { maxTokens: 0 } }))
      await refused(provider, 'infer', 'header_invalid', async () => ask({ header: { maxTokens: maxTokens + 1 } }))
      const least = (prices.reasoning + 999_999n) / 1_000_000n
      await refused(provider, 'infer', 'max_charge_too_low', async () => ask({ header: { maxCharge: least - 1n } }))
    })

    it('refuses a binding or a key exchange that it does not have', async () => {
      await refused(provider, 'infer', 'binding_unknown', async () => ask({ frame: { bindingHash: other } }))
      await refused(provider, 'infer', 'binding_unknown', async () => ask({ frame: { kem: 0x20 } }))
    })

    it('refuses a peer that has not opened the lane, though another peer has', async () => {
      const stranger = await createAttacker(trade, provider, 202)
      await refused(provider, 'infer', 'lane_unknown', async () => stranger.exchange('infer', await stranger.request()))
      await refused(provider, 'infer', 'lane_unknown', async () => stranger.exchange('infer', await stranger.request({ header: { vault: attacker.vault, vaultOwner: attacker.owner } })))
      await refused(provider, 'infer', 'lane_unknown', async () => ask({ header: { laneEpoch: attacker.epoch + 1n } }))
      await stranger.stop()
    })

    it('refuses more than the lane holds', async () => {
      await refused(provider, 'infer', 'lane_exhausted', async () => ask({ header: { maxCharge: 100_000_001n } }))
    })
  })

  describe('at the seal', () => {
    /** The lane notes that the nonce is used; no amount changes. */
    const refusedAtSeal = async (code: string, attack: () => Promise<Answer>): Promise<void> => {
      const before = [provider.provider.summary(), provider.engine.runs, provider.receipts.length, provider.outcomes.length]
      const counted = provider.counters.refusals.length
      const answer = await attack()
      expect([answer.t, answer.code]).to.deep.equal(['refusal', code])
      expect(provider.counters.refusals.slice(counted)).to.deep.equal([`infer ${code}`])
      expect([provider.provider.summary(), provider.engine.runs, provider.receipts.length, provider.outcomes.length]).to.deep.equal(before)
    }

    it('refuses a seal for another key, another binding or another header, and any changed byte', async () => {
      const { kem, publicKey } = await generateHpkeKeyPair()
      await refusedAtSeal('seal_failed', async () => ask({ seal: { kem, publicKey } }))
      await refusedAtSeal('seal_failed', async () => ask({ seal: { bindingHash: other } }))
      for (const [i, change] of [{ maxTokens: 7 }, { maxCharge: 999_999n }, {}].entries()) {
        await refusedAtSeal('seal_failed', async () => ask({ frame: { header: header({ clientNonce: new Uint8Array(32).fill(150 + i), ...change }) } }))
      }
      for (const at of [0, 600, -1]) {
        await refusedAtSeal('seal_failed', async () => ask({ ciphertext: bytes => bytes.with(at, bytes.at(at) as number ^ 1) }))
      }
      await refusedAtSeal('seal_failed', async () => ask({ ciphertext: bytes => bytes.subarray(0, -1) }))
      await refusedAtSeal('seal_failed', async () => ask({ ciphertext: bytes => bytes.subarray(0, 16) }))
    })

    it('refuses a request that was seen before, as it was or under another header', async () => {
      const request = await attacker.request()
      const stream = await attacker.stream('infer')
      await stream.send(request)
      expect(await stream.receive()).to.include({ t: 'accept' })
      for (let frame = await stream.receive(); frame.t !== 'checkpoint'; frame = await stream.receive()) {
        expect(frame.t).to.equal('chunk')
      }
      await lane.send(attacker.voucher(10_000n))
      expect(await lane.receive()).to.include({ t: 'ack' })
      await stream.close()
      await refused(provider, 'infer', 'request_replayed', async () => send(request))
      const sent = decodeWith(inferRequestCodec, request, LIMITS.requestFrameBytes, 'request')
      const ciphertext = sent.t === 'request' ? sent.ciphertext : other
      await refused(provider, 'infer', 'request_replayed', async () => ask({ ciphertext: () => ciphertext }))
    })

    it('refuses what was sealed but is no request for the model that the quote prices', async () => {
      await refusedAtSeal('header_invalid', async () => ask({ payload: { model: other } }))
      await refusedAtSeal('bad_request', async () => ask({ payload: { body: '{"messages": [' } }))
      await refusedAtSeal('bad_request', async () => ask({ payload: { body: '[]' } }))
      await refusedAtSeal('bad_request', async () => ask({ payload: { body: 'null' } }))
      await refusedAtSeal('frame_malformed', async () => ask({ plaintext: new Uint8Array(1_024) }))
    })
  })

  it('refuses a used nonce, under a new seal too', async () => {
    const clientNonce = new Uint8Array(32).fill(99)
    await ask({ header: { clientNonce }, payload: { model: other } })
    await refused(provider, 'infer', 'allocation_invalid', async () => ask({ header: { clientNonce } }))
  })

  it('refuses a job beyond its slots, and every job once it drains', async () => {
    const gate = Promise.withResolvers<void>()
    const full = await trade.provider({ seed: 5, engine: recordedEngine({ name: 'gated', answerTokens: 2, parallel: 1, beforeToken: async () => gate.promise }) })
    const client = await createAttacker(trade, full, 205)
    const open = await client.opened()
    const running = await client.stream('infer')
    await running.send(await client.request())
    expect(await running.receive()).to.include({ t: 'accept' })
    await refused(full, 'infer', 'no_room', async () => client.exchange('infer', await client.request()))
    gate.resolve()
    expect(await running.receive()).to.include({ t: 'chunk' })
    await open.send(client.voucher(10_000n))
    full.provider.drain()
    for (let frame = await running.receive(); frame.t !== 'checkpoint'; frame = await running.receive()) { /* the job that runs is finished */ }
    await eventually(() => full.outcomes.length === 1)
    await refused(full, 'infer', 'no_room', async () => client.exchange('infer', await client.request()))
    await client.stop()
  })
})
