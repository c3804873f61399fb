import { setImmediate } from 'node:timers/promises'
import { CocoonError, chargeNano, devnetPreset, parseReceipt, receiptHash, toHex, vestedNano } from '@cocoon-net/protocol'
import { ed25519Signer, verifyEd25519 } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { eventually } from './eventually.ts'
import { testNetwork } from './hosts.ts'
import { recordedEngine } from './recording.ts'
import { PRICES, WINDOW_NANO, createTrade, readAll } from './trade.ts'
import type { TestProvider, Trade } from './trade.ts'
import type { NetworkPreset, Receipt } from '@cocoon-net/protocol'

function receiptsOf (provider: TestProvider): Receipt[] {
  return provider.receipts.map(({ value }) => parseReceipt(value.subarray(64)))
}

/** Paces an engine without an end: it gives way to the network before each token. */
const endless = async (): Promise<void> => setImmediate()

/** A devnet that gives this much first-contact credit to a vault. */
function withCredit (seed: number, perVaultNano: bigint): NetworkPreset {
  return { ...devnetPreset(new Uint8Array(32).fill(seed)), firstContactCredit: { enabled: perVaultNano > 0n, perVaultNano, perDayNano: perVaultNano * 10n } }
}

describe('a job', () => {
  let trade: Trade
  beforeEach(() => { trade = createTrade(testNetwork(31)) })
  afterEach(async () => trade.stop())

  it('is answered, counted, receipted and paid to the nanoTON', async () => {
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ answerTokens: 64 }) })
    const client = await trade.client({ seed: 101 })
    const job = await client.ask()
    const { summary, tokens, reason } = await readAll(job)
    const counts = { prompt: 3, cached: 0, completion: 64, reasoning: 0 }
    const charge = chargeNano(counts, PRICES)
    expect(reason).to.equal('stop')
    expect(tokens).to.equal(64)
    expect(summary).to.deep.include({ tokens: counts, chargeNano: charge, paidNano: charge, prices: PRICES })
    expect(summary.attempts).to.deep.equal([{ provider: provider.id, outcome: 'done' }])

    await eventually(() => provider.outcomes.length === 1)
    expect(provider.outcomes).to.deep.equal([{ finish: 'stop', chargeNano: charge, paidNano: charge, tokens: 64 }])
    expect(provider.provider.summary()).to.include({ lanes: 1, earnedNano: charge, debtNano: 0n })

    const receipts = receiptsOf(provider)
    const last = receipts[receipts.length - 1]
    expect(summary.receipt).to.include({ jobId: job.jobId, seq: last.seq, hash: toHex(receiptHash(last)) })
    expect(verifyEd25519(ed25519Signer(new Uint8Array(32).fill(1)).publicKey, receiptHash(last), provider.receipts[receipts.length - 1].value.subarray(0, 64))).to.equal(true)
    expect(client.client.job(job.jobId)).to.include({ provider: provider.id, tier: 'simulated' })
    expect(await client.payments.ledger()).to.have.length(1)
  })

  it('leaves a checkpoint of every window, each on disk, in order, and charged by what had vested', async () => {
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ answerTokens: 64 }) })
    const client = await trade.client({ seed: 101 })
    await readAll(await client.ask())
    const receipts = receiptsOf(provider)
    expect(receipts.map(({ seq }) => seq)).to.deep.equal(receipts.map((_, i) => i))
    expect(provider.receipts.map(({ key }) => key)).to.deep.equal([...provider.receipts.map(({ key }) => key)].sort())
    const checkpoints = receipts.slice(0, -1)
    // 64 tokens of 200 nanoTON and the prompt, in windows of 2,000
    expect(checkpoints).to.have.length(6)
    checkpoints.reduce((before, receipt) => {
      expect(receipt.chargeNano).to.equal(vestedNano(receipt.tokens, PRICES, 64))
      expect(Number(receipt.chargeNano - before)).to.be.at.least(Number(WINDOW_NANO))
      return receipt.chargeNano
    }, 0n)
  })

  it('that is cancelled ends the bill with what was delivered', async () => {
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ beforeToken: endless }) })
    const client = await trade.client({ seed: 101 })
    const job = await client.ask()
    job.cancel()
    const summary = await job.summary
    await eventually(() => provider.outcomes.length === 1)
    expect(summary.attempts).to.deep.equal([{ provider: provider.id, outcome: 'cancelled' }])
    expect(summary.tokens.completion).to.be.at.least(1)
    expect(summary.chargeNano).to.equal(chargeNano(summary.tokens, PRICES))
    expect(provider.outcomes[0]).to.deep.equal({ finish: 'cancelled', chargeNano: summary.chargeNano, paidNano: summary.chargeNano, tokens: summary.tokens.completion })
    expect(provider.engine.slots().busy).to.equal(0)
  })

  it('that is cancelled is no failure of an engine that throws when it is told to stop', async () => {
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ beforeToken: endless, throwsOnAbort: true }) })
    const client = await trade.client({ seed: 101 })
    const job = await client.ask()
    const events = job.events[Symbol.asyncIterator]()
    await events.next()
    job.cancel()
    const summary = await job.summary
    await eventually(() => provider.outcomes.length === 1)
    expect(provider.outcomes[0]).to.include({ finish: 'cancelled', chargeNano: summary.chargeNano, paidNano: summary.chargeNano })
    expect(provider.counters.refusals).to.deep.equal([])
  })

  it('whose reader leaves early is settled to its receipt', async () => {
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ beforeToken: endless }) })
    const client = await trade.client({ seed: 101 })
    const job = await client.ask()
    const events = job.events[Symbol.asyncIterator]()
    expect(await events.next()).to.have.nested.property('value.type', 'tokens')
    await events.return?.()
    const summary = await job.summary
    await eventually(() => provider.outcomes.length === 1)
    expect(summary.paidNano).to.equal(chargeNano(summary.tokens, PRICES))
    expect(provider.provider.summary()).to.include({ earnedNano: summary.paidNano, debtNano: 0n })
    expect(provider.engine.slots().busy).to.equal(0)
  })

  it('runs beside seven others on one lane, each paid exactly', async () => {
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ answerTokens: 50 }) })
    const client = await trade.client({ seed: 101 })
    const jobs = await Promise.all(Array.from({ length: 8 }, async (_, i) => readAll(await client.ask({ body: { messages: [{ role: 'user', content: 'word '.repeat(i + 1) }] } }))))
    for (const [i, { summary, tokens }] of jobs.entries()) {
      expect(tokens).to.equal(50)
      expect(summary.tokens.prompt).to.equal(i + 1)
      expect(summary.paidNano).to.equal(chargeNano(summary.tokens, PRICES))
    }
    await eventually(() => provider.outcomes.length === 8)
    const total = jobs.reduce((sum, { summary }) => sum + summary.paidNano, 0n)
    expect(provider.provider.summary()).to.include({ lanes: 1, earnedNano: total, debtNano: 0n })
    expect(provider.outcomes.every(outcome => outcome.paidNano === outcome.chargeNano)).to.equal(true)
    expect((await provider.provider.settle()).map(({ redeemedNano }) => redeemedNano >= total)).to.deep.equal([true])
  })

  it('whose engine fails in the middle costs what had vested, and says why', async () => {
    const provider = await trade.provider({
      seed: 1,
      engine: recordedEngine({ answerTokens: 64, beforeToken: (i) => { if (i === 33) { throw new CocoonError('engine_failed') } } })
    })
    const client = await trade.client({ seed: 101 })
    const job = await client.ask()
    const error = await readAll(job).then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'engine_failed')
    await eventually(() => provider.counters.refusals.length > 0)
    expect(provider.counters.refusals).to.deep.equal(['infer engine_failed'])
    const last = receiptsOf(provider).at(-1)
    expect(last?.tokens.completion).to.equal(33)
    expect(last?.chargeNano).to.equal(vestedNano({ prompt: 3, cached: 0, completion: 33, reasoning: 0 }, PRICES, 4_096))
    // The client pays what the last checkpoint charges.
    await eventually(() => provider.provider.summary().earnedNano === last?.chargeNano)
    expect(provider.provider.summary().debtNano).to.equal(0n)
    expect((await client.payments.ledger()).map(({ paidNano }) => paidNano)).to.deep.equal([last?.chargeNano])
  })

  it('whose engine is lost in the middle says so, whatever the reason is', async () => {
    await trade.provider({ seed: 1, engine: recordedEngine({ answerTokens: 64, beforeToken: (i) => { if (i === 13) { throw new CocoonError('engine_unavailable') } } }) })
    const client = await trade.client({ seed: 101 })
    const error = await readAll(await client.ask()).then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'engine_unavailable')
  })

  it('counts tokens of reasoning apart, at their own price', async () => {
    const prices = { ...PRICES, reasoning: 7n * PRICES.completion }
    await trade.provider({ seed: 1, prices, engine: recordedEngine({ answerTokens: 5, map: (event, i) => event.type === 'token' && i < 2 ? { ...event, class: 'reasoning' } : event }) })
    const client = await trade.client({ seed: 101 })
    const job = await client.ask()
    const classes: string[] = []
    for await (const event of job.events) {
      classes.push(...event.type === 'tokens' ? event.tokens.map(token => token.class) : [])
    }
    const summary = await job.summary
    expect(classes).to.deep.equal(['reasoning', 'reasoning', 'completion', 'completion', 'completion'])
    expect(summary.tokens).to.deep.equal({ prompt: 3, cached: 0, completion: 3, reasoning: 2 })
    expect(summary.chargeNano).to.equal(chargeNano(summary.tokens, prices))
  })

  it('is stopped at its limits: tokens asked for, and what it may cost', async () => {
    await trade.provider({ seed: 1, engine: recordedEngine({}) })
    const client = await trade.client({ seed: 101 })
    const seven = await readAll(await client.ask({ maxTokens: 7 }))
    expect([seven.tokens, seven.reason]).to.deep.equal([7, 'length'])
    const cheap = await readAll(await client.ask({ limits: { maxCostNano: 50_000n } }))
    expect(cheap.reason).to.equal('length')
    expect(Number(cheap.summary.chargeNano)).to.be.within(49_700, 50_000)
  })
})

describe('the exposure of a provider', () => {
  it('is what it allows: it holds tokens until a voucher comes', async () => {
    // Ten tokens on credit, twenty with what the lane's first window has earned.
    const trade = createTrade(withCredit(32, WINDOW_NANO))
    const provider = await trade.provider({ seed: 1, engine: recordedEngine({ answerTokens: 60 }) })
    const client = await trade.client({ seed: 101 })
    await client.openLane(provider.payee)
    const { tokens, summary } = await readAll(await client.ask())
    expect(tokens).to.equal(60)
    expect(summary.paidNano).to.equal(summary.chargeNano)
    await trade.stop()
  })

  for (const [what, windowNano] of [['the client vouches ahead', WINDOW_NANO], ['a small request is paid ahead at once', 1_000_000n]] as const) {
    it(`is nothing on a confirmed lane without credit: ${what}`, async () => {
      const trade = createTrade(withCredit(33, 0n))
      const provider = await trade.provider({ seed: 1, windowNano, engine: recordedEngine({ answerTokens: 60 }) })
      const client = await trade.client({ seed: 101 })
      await client.openLane(provider.payee)
      const { tokens, summary } = await readAll(await client.ask({ maxTokens: 60 }))
      expect(tokens).to.equal(60)
      expect(summary.paidNano).to.equal(summary.chargeNano)
      expect(provider.provider.summary().debtNano).to.equal(0n)
      await trade.stop()
    })
  }

  it('is nothing on a lane that the chain does not show', async () => {
    const trade = createTrade(withCredit(34, 0n))
    trade.chain.hold()
    const provider = await trade.provider({ seed: 1 })
    const client = await trade.client({ seed: 101 })
    const error = await client.ask().then(() => null, (thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'lane_unconfirmed')
    expect(provider.engine.runs).to.equal(0)
    trade.chain.release()
    await client.openLane(provider.payee)
    expect((await readAll(await client.ask())).tokens).to.equal(12)
    await trade.stop()
  })
})
