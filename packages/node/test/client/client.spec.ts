import { simulationRootSeed } from '@cocoon-net/attestation'
import { simulatedCollector } from '@cocoon-net/attestation-simulated'
import { CocoonError, decodeChunk, encodeChunk, jobIdOf, protocolId, runningHashStart } from '@cocoon-net/protocol'
import { openRequest, prepareSeal } from '@cocoon-net/sealing'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { eventually } from '../eventually.ts'
import { testNetwork } from '../hosts.ts'
import { recordedEngine } from '../recording.ts'
import { PRICES, createTrade, readAll } from '../trade.ts'
import type { Protection } from '../../src/node.ts'
import type { ProviderOptions, TestClient, TestProvider, Trade } from '../trade.ts'
import type { Chunk, Prices } from '@cocoon-net/protocol'

/** Half the price: the first choice of everyone. */
const CHEAP: Prices = { prompt: 1_000_000n, cached: 1_000_000n, completion: 100_000_000n, reasoning: 100_000_000n }
const limits = { prefer: 'price' } as const

describe('failover before the first token', () => {
  let trade: Trade
  let seed = 70
  beforeEach(() => { trade = createTrade(testNetwork(seed++)) })
  afterEach(async () => trade.stop())

  const market = async (bad: Partial<ProviderOptions>): Promise<{ bad: TestProvider, good: TestProvider, client: TestClient, sealedFor: string[] }> => {
    const good = await trade.provider({ seed: 1 })
    const cheap = await trade.provider({ seed: 2, prices: CHEAP, ...bad })
    const sealedFor: string[] = []
    const watched: Protection = {
      openRequest,
      prepareSeal: async (init) => {
        sealedFor.push(Buffer.from(init.bindingHash).toString('hex'))
        return prepareSeal(init)
      }
    }
    // Nothing is made ready ahead: each failure must meet the request itself.
    const client = await trade.client({ seed: 101, protection: watched, role: { warmProviders: 0 } })
    await client.knows(2)
    return { bad: cheap, good, client, sealedFor }
  }
  /** The one request is answered by the second choice; why is written down where people look. */
  const fallsBack = async ({ bad, good, client }: Awaited<ReturnType<typeof market>>, code: string): Promise<void> => {
    const { summary, tokens } = await readAll(await client.ask({ limits }))
    expect(tokens).to.equal(12)
    expect(summary.attempts).to.deep.equal([{ provider: bad.id, outcome: code }, { provider: good.id, outcome: 'done' }])
    const explained = client.client.explain().at(-1)
    expect(explained?.taken).to.equal(good.id)
    expect(explained?.considered.map(({ peer, outcome, tier }) => ({ peer, outcome, tier }))).to.deep.equal([{ peer: bad.id, outcome: code, tier: 'simulated' }, { peer: good.id, outcome: 'taken', tier: 'simulated' }])
    expect(explained?.considered.at(-1)?.why).to.match(/^Not private/)
    expect(client.counters.count('cocoon_attempts_failed_total', code)).to.equal(1)
    expect(bad.provider.summary().earnedNano).to.equal(0n)
    expect((await client.payments.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)).to.equal(summary.chargeNano)
  }

  it('takes the next provider when one has no room', async () => {
    const engine = recordedEngine({ answerTokens: 12 })
    let full = false
    const slots = engine.slots.bind(engine)
    const all = await market({ engine: Object.defineProperty(engine, 'slots', { value: () => full ? { total: 1, busy: 1 } : slots() }) })
    full = true
    await fallsBack(all, 'no_room')
    expect(all.bad.counters.refusals).to.deep.equal(['infer no_room'])
    expect(all.bad.engine.runs).to.equal(0)
  })

  it('takes the next provider when one bit of the evidence is turned, and seals nothing for the first', async () => {
    const honest = simulatedCollector({ rootSeed: simulationRootSeed(trade.network) })
    const all = await market({ collector: { ...honest, collect: async (reportData, options) => honest.collect(reportData.with(10, reportData[10] ^ 1), options) } })
    await fallsBack(all, 'report_data_mismatch')
    expect(all.bad.engine.runs).to.equal(0)
    expect(new Set(all.sealedFor).size).to.equal(1)
  })

  it('takes the next provider when one is dead', async () => {
    const all = await market({})
    await trade.end(all.bad.node)
    const { summary, tokens } = await readAll(await all.client.ask({ limits }))
    expect(tokens).to.equal(12)
    expect(summary.attempts.map(({ provider }) => provider)).to.deep.equal([all.bad.id, all.good.id])
    expect(summary.attempts[1].outcome).to.equal('done')
    expect(all.client.client.explain().at(-1)?.taken).to.equal(all.good.id)
  })

  it('takes the next provider when one closes the stream or answers nonsense', async () => {
    const all = await market({})
    const { libp2p } = all.bad.node.host
    const infer = protocolId(trade.network, 'infer')
    await libp2p.unhandle(infer)
    await libp2p.handle(infer, async (stream) => { await stream.close() })
    const first = await readAll(await all.client.ask({ limits }))
    expect(first.summary.attempts.map(({ outcome }) => outcome)).to.deep.equal(['stream_closed', 'done'])
  })

  it('says who was asked and why, when nobody is left', async () => {
    const engine = recordedEngine({ beforeToken: () => { throw new CocoonError('engine_unavailable') } })
    const one = await trade.provider({ seed: 3, engine })
    const two = await trade.provider({ seed: 4, engine: recordedEngine({ beforeToken: () => { throw new CocoonError('engine_unavailable') } }), prices: CHEAP })
    const client = await trade.client({ seed: 101 })
    await client.knows(2)
    const error = await client.ask({ limits }).then(() => null, (thrown: unknown) => thrown as CocoonError)
    expect(error?.code).to.equal('all_providers_failed')
    expect((error?.details.attempts as Array<{ provider: string }>).map(({ provider }) => provider)).to.deep.equal([two.id, one.id])
    expect(client.client.explain().at(-1)?.taken).to.equal(null)
  })

  it('says that no provider answers for so little, once the providers have counted the prompt', async () => {
    const { bad, good, client } = await market({})
    // A hundred and two buy one token of each kind at the cheaper price, not this prompt; at the dearer price not even that.
    const error = await client.ask({ limits: { ...limits, maxCostNano: 102n } }).then(() => null, (thrown: unknown) => thrown as CocoonError)
    expect(error?.code).to.equal('no_provider_within_price')
    expect(error?.details.attempts).to.deep.equal([{ provider: bad.id, outcome: 'max_charge_too_low' }])
    expect(client.client.explain().at(-1)?.considered.map(({ peer, outcome }) => ({ peer, outcome }))).to.deep.equal([{ peer: good.id, outcome: 'cost_too_high' }, { peer: bad.id, outcome: 'max_charge_too_low' }])
  })

  it('leaves other jobs with a provider alone when it refuses one', async () => {
    let busy = 0
    const engine = recordedEngine({ answerTokens: 40 })
    const slots = Object.defineProperty(engine, 'slots', { value: () => ({ total: 1, busy }) })
    const { bad, good, client } = await market({ engine: slots })
    const first = await client.ask({ limits })
    busy = 1
    const second = await readAll(await client.ask({ limits }))
    expect(second.summary.attempts).to.deep.equal([{ provider: bad.id, outcome: 'no_room' }, { provider: good.id, outcome: 'done' }])
    const { tokens, summary } = await readAll(first)
    expect(tokens).to.equal(40)
    expect(summary.paidNano).to.equal(summary.chargeNano)
  })

  it('does not go on to the next where the next would answer the same', async () => {
    const all = await market({})
    const error = await all.client.ask({ limits, body: { messages: 'none' } }).then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'bad_request')
    expect(all.good.engine.runs).to.equal(0)
  })

  it('names the limit that left nobody', async () => {
    const { client } = await market({})
    const code = async (request: Parameters<TestClient['ask']>[0]): Promise<string> => client.ask(request).then(() => 'none', (error: unknown) => (error as CocoonError).code)
    expect(await code({ limits: { maxPriceNano: 1n } })).to.equal('no_provider_within_price')
    expect(await code({ limits: { maxCostNano: 1n } })).to.equal('no_provider_within_price')
    expect(await code({ limits: { minTier: 'gold' } })).to.equal('tier_too_low')
    expect(await code({ model: 'unheard-of' })).to.equal('model_unknown')
  })
})

describe('an answer that lies', () => {
  let trade: Trade
  let seed = 90
  beforeEach(() => { trade = createTrade(testNetwork(seed++)) })
  afterEach(async () => trade.stop())

  /** A provider whose chunk number `at` is another than it should be. */
  const liar = async (at: number, lie: (chunk: Chunk, jobId: Uint8Array) => Partial<Chunk>): Promise<{ provider: TestProvider, client: TestClient }> => {
    const protection: Protection = {
      prepareSeal,
      openRequest: async (init) => {
        const opened = await openRequest(init)
        return {
          ...opened,
          sealer: async (nonce) => {
            const sealer = await opened.sealer(nonce)
            const jobId = jobIdOf({ ...init, providerNonce: nonce })
            let chunks = 0
            return {
              seal: (plaintext, options) => {
                const chunk = decodeChunk(plaintext)
                return sealer.seal(chunks++ === at ? encodeChunk({ ...chunk, ...lie(chunk, jobId) }) : plaintext, options)
              }
            }
          }
        }
      }
    }
    const provider = await trade.provider({ seed: 1, protection, engine: recordedEngine({ answerTokens: 40 }) })
    const client = await trade.client({ seed: 101 })
    await client.knows(1)
    return { provider, client }
  }
  const lies: Array<[string, (chunk: Chunk) => Partial<Chunk>]> = [
    ['another index', (chunk) => ({ firstIndex: chunk.firstIndex + 1 })],
    ['another running hash', (chunk) => ({ hash: chunk.hash.with(0, chunk.hash[0] ^ 1) })],
    ['counts where none belong, or none where they do', (chunk) => ({ counts: chunk.counts == null ? [1, 0] : null })],
    ['another token than was hashed', (chunk) => ({ ids: chunk.ids.map(token => token ^ 1) })]
  ]

  for (const [what, lie] of lies) {
    it(`in its first chunk is no answer at all: ${what}`, async () => {
      const { provider, client } = await liar(0, lie)
      const error = await client.ask().then(() => null, (thrown: unknown) => thrown)
      expect(error).to.have.property('code', 'answer_inconsistent')
      expect(client.counters.count('cocoon_attempts_failed_total', 'answer_inconsistent')).to.equal(1)
      expect((await client.payments.ledger()).map(({ paidNano }) => paidNano)).to.deep.equal([0n])
      await eventually(() => provider.engine.slots().busy === 0)
    })

    it(`in the middle ends the job, paid no further than it was true: ${what}`, async () => {
      const { client } = await liar(2, lie)
      const job = await client.ask()
      const error = await readAll(job).then(() => null, (thrown: unknown) => thrown)
      expect(error).to.have.property('code', 'answer_inconsistent')
      await expect(job.summary).to.eventually.be.rejected().with.property('code', 'answer_inconsistent')
      const [{ paidNano }] = await client.payments.ledger()
      expect(paidNano <= 40n * PRICES.completion / 1_000_000n).to.equal(true)
    })
  }

  it('that ends as an error before its first token is no answer at all', async () => {
    const { client } = await liar(0, (_chunk, jobId) => ({ ids: [], utf8: [], classes: new Uint8Array(0), hash: runningHashStart(jobId), finish: 'error', final: true }))
    const error = await client.ask().then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'engine_failed')
  })

  it('with more tokens than were asked for ends the job', async () => {
    const { client } = await liar(0, (chunk) => ({ ids: Array.from({ length: 9 }, () => chunk.ids[0]), utf8: Array.from({ length: 9 }, () => chunk.utf8[0]), classes: new Uint8Array(9).fill(2) }))
    const error = await client.ask({ maxTokens: 8 }).then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'answer_inconsistent')
  })

  it('under another key than the one that was attested is refused', async () => {
    const honest = ed25519Signer(new Uint8Array(32).fill(1))
    const forged = ed25519Signer(new Uint8Array(32).fill(2))
    let lying = false
    const provider = await trade.provider({
      seed: 1,
      receiptSigner: { publicKey: honest.publicKey, sign: (message) => (lying ? forged : honest).sign(message) },
      engine: recordedEngine({ answerTokens: 4 })
    })
    const client = await trade.client({ seed: 101 })
    await readAll(await client.ask())
    lying = true
    const job = await client.ask()
    const error = await readAll(job).then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'bad_signature')
    expect(client.client.job(job.jobId)).to.equal(null)
    expect(provider.engine.runs).to.equal(2)
  })
})
