import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createGateway } from '../src/index.ts'
import { LISTING, chatRequest, fakeBackend, sseData, summaryOf, tokens } from './fixtures/fake-backend.ts'
import type { OpenAiError } from '../src/index.ts'

const BODY = { model: 'fox', messages: [{ role: 'user', content: 'x' }] }
const END = { type: 'end', reason: 'stop' } as const

describe('gateway', () => {
  it('has no models until one can be used', async () => {
    const backend = fakeBackend([])
    backend.isReady = false
    const gateway = createGateway({ backend })
    const response = await gateway.fetch('http://cocoon.local/v1/models')
    expect(response.status).to.equal(503)
    expect(response.headers.get('retry-after')).to.equal('1')
    expect(response.headers.get('x-should-retry')).to.equal(null)
    backend.isReady = true
    expect((await gateway.fetch('http://cocoon.local/v1/models')).status).to.equal(200)
  })

  it('shows prices, tier and room of a model', async () => {
    const backend = fakeBackend([])
    backend.listings = [{ ...LISTING, providers: [{ ...LISTING.providers[0], prices: { ...LISTING.providers[0].prices, prompt: 2n ** 60n } }] }]
    const model = await (await createGateway({ backend }).fetch('http://cocoon.local/v1/models/fox')).json() as { cocoon: { providers: Array<Record<string, unknown>> } }
    expect(model.cocoon.providers[0]).to.deep.include({ tier: 'simulated', room: { total: 4, free: 3 } })
    expect(model.cocoon.providers[0].prices_nano_per_million).to.deep.include({ prompt: '1152921504606846976', completion: 200_000_000 })
  })

  it('shows whether the network\'s registry lists a model, where it lists any', async () => {
    const backend = fakeBackend([])
    for (const isListed of [undefined, null, true, false]) {
      backend.listings = [{ ...LISTING, isListed }]
      const model = await (await createGateway({ backend }).fetch('http://cocoon.local/v1/models/fox')).json() as { cocoon: { listed?: boolean } }
      expect(model.cocoon.listed).to.equal(isListed ?? undefined)
    }
  })

  it('says when a short name stands for two models', async () => {
    const backend = fakeBackend([])
    backend.listings = [LISTING, { ...LISTING, id: `fox@${'cd'.repeat(32)}`, digest: 'cd'.repeat(32) }]
    const response = await createGateway({ backend }).fetch('http://cocoon.local/v1/models/fox')
    expect([response.status, (await response.json() as OpenAiError).error.code]).to.deep.equal([400, 'model_ambiguous'])
  })

  it('hands the engine the body without the gateway\'s own fields', async () => {
    const backend = fakeBackend([...tokens('ok'), END])
    const gateway = createGateway({ backend, defaults: { minTier: 'silver', prefer: 'latency', maxCostNano: 5n } })
    await gateway.fetch(chatRequest({
      ...BODY,
      messages: [{ role: 'developer', content: [{ type: 'text', text: 'be ' }, { type: 'text', text: 'brief' }] }, ...BODY.messages],
      temperature: 0,
      stop: null,
      max_tokens: 9,
      max_completion_tokens: 8,
      user: 'me',
      metadata: {},
      store: false,
      n: 1,
      tools: [],
      cocoon: { max_cost_nano: '90071992547409930', max_price_nano: 7 }
    }, { 'x-cocoon-max-price-nano': '8', 'x-cocoon-prefer': 'price', 'x-cocoon-min-stake-nano': '9' }))
    expect(backend.requests[0]).to.deep.equal({
      endpoint: 'chat',
      model: 'fox',
      body: { messages: [{ role: 'system', content: 'be brief' }, ...BODY.messages], temperature: 0, max_tokens: 8 },
      maxTokens: 8,
      limits: { maxCostNano: 90_071_992_547_409_930n, maxPriceNano: 7n, minTier: 'silver', minStakeNano: 9n, prefer: 'price' }
    })
  })

  it('takes the least stake from the body, before the headers and the operator\'s word', async () => {
    const backend = fakeBackend([...tokens('ok'), END])
    const gateway = createGateway({ backend, defaults: { minStakeNano: 3n } })
    await gateway.fetch(chatRequest({ ...BODY, cocoon: { min_stake_nano: '1' } }, { 'x-cocoon-min-stake-nano': '2' }))
    await gateway.fetch(chatRequest(BODY))
    expect(backend.requests.map(({ limits }) => limits.minStakeNano)).to.deep.equal([1n, 3n])
  })

  it('gives costs above 2^53 as decimal strings', async () => {
    const backend = fakeBackend([...tokens('ok'), END], { summary: Promise.resolve(summaryOf({ chargeNano: 2n ** 60n })) })
    const answer = await (await createGateway({ backend }).fetch(chatRequest(BODY))).json() as { usage: { cost_nano: unknown } }
    expect(answer.usage.cost_nano).to.equal('1152921504606846976')
  })

  it('answers a spent lane with 402', async () => {
    const response = await createGateway({ backend: fakeBackend([new CocoonError('lane_exhausted')]) }).fetch(chatRequest(BODY))
    expect([response.status, response.headers.get('x-should-retry')]).to.deep.equal([402, 'false'])
  })

  it('keeps the text of its own faults to itself', async () => {
    const heard: unknown[] = []
    const gateway = createGateway({ backend: fakeBackend([new Error('secret path')]), onInternalError: error => { heard.push(error) } })
    const response = await gateway.fetch(chatRequest(BODY))
    expect(response.status).to.equal(500)
    expect(await response.text()).to.not.include('secret')
    expect(heard).to.have.length(1)
  })

  it('answers with an error when the provider fails before the whole answer is there', async () => {
    const summary = Promise.reject(new CocoonError('answer_inconsistent'))
    summary.catch(() => {})
    const backend = fakeBackend([...tokens('half'), { type: 'end', reason: 'error' }], { summary })
    const response = await createGateway({ backend }).fetch(chatRequest(BODY))
    expect([response.status, (await response.json() as OpenAiError).error.code]).to.deep.equal([502, 'answer_inconsistent'])
  })

  it('keeps every deadline and cancels what is late', async () => {
    const deadlines = { firstTokenMs: 1, idleMs: 1, summaryMs: 1 }
    const first = fakeBackend(['hang'])
    expect((await createGateway({ backend: first, deadlines }).fetch(chatRequest(BODY))).status).to.equal(504)
    expect(first.signals[0].aborted).to.equal(true)
    const idle = fakeBackend([...tokens('one'), 'hang'])
    expect((await createGateway({ backend: idle, deadlines }).fetch(chatRequest(BODY))).status).to.equal(504)
    expect(idle.cancelled).to.equal(1)
    const bill = fakeBackend([...tokens('one'), END], { summary: new Promise(() => {}) })
    expect((await createGateway({ backend: bill, deadlines }).fetch(chatRequest(BODY))).status).to.equal(504)
  })

  it('bounds the jobs that run at once, and counts them down again', async () => {
    const gateway = createGateway({ backend: fakeBackend([...tokens('one'), 'hang']), maxConcurrentJobs: 1 })
    const first = await gateway.fetch(chatRequest({ ...BODY, stream: true }))
    expect((await gateway.fetch(chatRequest({ ...BODY, stream: true }))).status).to.equal(429)
    await first.body?.cancel()
    const third = await gateway.fetch(chatRequest({ ...BODY, stream: true }))
    expect(third.status).to.equal(200)
    await third.body?.cancel()
  })

  it('counts jobs and refusals by code', async () => {
    const counted: string[] = []
    const counters = { increment: (name: string, labels?: Readonly<Record<string, string>>) => { counted.push(`${name} ${JSON.stringify(labels)}`) } }
    const gateway = createGateway({ backend: fakeBackend([...tokens('ok'), END]), counters })
    await gateway.fetch(chatRequest(BODY))
    await gateway.fetch(chatRequest({}))
    expect(counted).to.deep.equal([
      'gateway_jobs {"endpoint":"chat","outcome":"done","code":"none"}',
      'gateway_refusals {"code":"bad_request"}'
    ])
  })

  it('streams text in whole characters, however it was split', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }), async texts => {
      // Cut between all UTF-16 units, so also inside surrogate pairs.
      const units = texts.join('').split('')
      const gateway = createGateway({ backend: fakeBackend([...tokens(...units, ''), END]) })
      const data = await sseData(await gateway.fetch(chatRequest({ ...BODY, stream: true })))
      expect(data.at(-1)).to.equal('[DONE]')
      const pieces = data.slice(1, -2).map(line => JSON.parse(line).choices[0].delta.content as string)
      expect(pieces.every(piece => piece !== '' && piece.isWellFormed())).to.equal(true)
      expect(pieces.join('')).to.equal(texts.join(''))
    }), { numRuns: 60 })
  })

  it('keeps reasoning apart from the answer', async () => {
    const gateway = createGateway({ backend: fakeBackend([{ type: 'tokens', tokens: [{ text: 'hm', class: 'reasoning', index: 0 }] }, ...tokens('ok'), END]) })
    const whole = await (await gateway.fetch(chatRequest(BODY))).json() as { choices: Array<{ message: Record<string, unknown> }> }
    expect(whole.choices[0].message).to.deep.include({ content: 'ok', reasoning_content: 'hm' })
  })
})
