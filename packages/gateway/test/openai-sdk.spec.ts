import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import OpenAI from 'openai'
import { createGateway, serveGateway } from '../src/index.ts'
import { DIGEST, MODEL_ID, fakeBackend, tokens } from './fixtures/fake-backend.ts'
import type { Gateway, RunningServer } from '../src/index.ts'
import type { FakeBackend, Script } from './fixtures/fake-backend.ts'

const END = { type: 'end', reason: 'stop' } as const
const STORY: Script = [...tokens('Once', ' upon', ' a time'), END]

async function rejection (promise: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await promise
  } catch (error) {
    if (error instanceof OpenAI.APIError) {
      return error
    }
    throw error
  }
  throw new Error('expected a rejection')
}

interface Target {
  readonly name: string
  connect (gateway: Gateway): Promise<{ client: OpenAI, close (): Promise<void> }>
}

const TARGETS: Target[] = [
  {
    name: 'in process',
    connect: async gateway => ({
      client: new OpenAI({ baseURL: 'http://cocoon.local/v1', apiKey: 'unused', fetch: gateway.fetch, maxRetries: 2 }),
      close: async () => {}
    })
  },
  {
    name: 'over HTTP',
    connect: async gateway => {
      const server: RunningServer = await serveGateway({ gateway, port: 0, stopGraceMs: 50 })
      return {
        client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 2 }),
        close: async () => { await server.stop() }
      }
    }
  }
]

for (const target of TARGETS) {
  describe(`official openai client, ${target.name}`, () => {
    let backend: FakeBackend
    let client: OpenAI
    let close: () => Promise<void>

    async function start (script: Script | Parameters<typeof fakeBackend>[0]): Promise<void> {
      backend = fakeBackend(script)
      const connected = await target.connect(createGateway({ backend }))
      client = connected.client
      close = connected.close
    }

    afterEach(async () => { await close() })

    it('lists models and retrieves one by short name', async () => {
      await start(STORY)
      const page = await client.models.list()
      expect(page.data.map(model => model.id)).to.deep.equal([MODEL_ID])
      expect((await client.models.retrieve('fox')).id).to.equal(MODEL_ID)
      expect((await client.models.retrieve(`fox@${DIGEST.slice(0, 12)}`)).id).to.equal(MODEL_ID)
      expect((await rejection(client.models.retrieve('cat'))).status).to.equal(404)
    })

    it('gets a whole answer with usage, cost and headers', async () => {
      await start(STORY)
      const { data, response } = await client.chat.completions.create({ model: 'fox', messages: [{ role: 'user', content: 'Tell.' }] }).withResponse()
      expect(data.choices[0].message.content).to.equal('Once upon a time')
      expect(data.choices[0].finish_reason).to.equal('stop')
      expect(data.model).to.equal(MODEL_ID)
      expect(data.usage).to.deep.include({ prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, cost_nano: 1_260 })
      expect(response.headers.get('x-cocoon-provider')).to.equal('12D3KooWProvider')
      expect(response.headers.get('x-cocoon-tier')).to.equal('simulated')
      expect(response.headers.get('x-cocoon-model')).to.equal(MODEL_ID)
      expect(response.headers.get('x-cocoon-job')).to.equal('aa'.repeat(32))
    })

    it('streams one chunk per token, and usage in the last', async () => {
      await start(STORY)
      const stream = await client.chat.completions.create({ model: 'fox', messages: [{ role: 'user', content: 'Tell.' }], stream: true, stream_options: { include_usage: true } })
      const chunks = []
      for await (const chunk of stream) {
        chunks.push(chunk)
      }
      expect(chunks.flatMap(chunk => chunk.choices.map(choice => choice.delta.content)).filter(text => text !== '' && text !== undefined)).to.deep.equal(['Once', ' upon', ' a time'])
      expect(chunks[0].choices[0].delta.role).to.equal('assistant')
      expect(chunks.at(-2)?.choices[0].finish_reason).to.equal('stop')
      expect(chunks.at(-1)?.choices).to.deep.equal([])
      expect(chunks.at(-1)?.usage).to.deep.include({ total_tokens: 13, cost_nano: 1_260 })
      expect(chunks.slice(0, -1).every(chunk => chunk.usage === null)).to.equal(true)
    })

    it('completes text', async () => {
      await start([...tokens('a', 'b'), { type: 'end', reason: 'length' }])
      const whole = await client.completions.create({ model: 'fox', prompt: 'x', max_tokens: 2 })
      expect(whole.choices[0].text).to.equal('ab')
      expect(whole.choices[0].finish_reason).to.equal('length')
      let text = ''
      for await (const chunk of await client.completions.create({ model: 'fox', prompt: ['x'], stream: true })) {
        text += chunk.choices[0].text
      }
      expect(text).to.equal('ab')
      expect(backend.requests.map(request => request.body.prompt)).to.deep.equal(['x', 'x'])
      expect(backend.requests[0].maxTokens).to.equal(2)
    })

    it('cancels the job when the caller stops reading', async () => {
      await start([...tokens('one', 'two'), 'hang'])
      const stream = await client.chat.completions.create({ model: 'fox', messages: [{ role: 'user', content: 'x' }], stream: true })
      for await (const chunk of stream) {
        if (chunk.choices[0].delta.content === 'two') {
          break
        }
      }
      await backend.whenCancelled
      expect(backend.cancelled).to.equal(1)
      expect(backend.signals[0].aborted).to.equal(true)
    })

    it('cancels the job when the caller goes away before a whole answer', async () => {
      await start([...tokens('one'), 'hang'])
      const controller = new AbortController()
      const answer = client.chat.completions.create({ model: 'fox', messages: [{ role: 'user', content: 'x' }] }, { signal: controller.signal })
      const failed = answer.then(() => false, () => true)
      while (backend.signals.length === 0) {
        await new Promise(resolve => { setImmediate(resolve) })
      }
      controller.abort()
      expect(await failed).to.equal(true)
      await backend.whenCancelled
      expect(backend.signals[0].aborted).to.equal(true)
    })

    it('gives wrong models, bodies and impossible prices their status and code, without a retry', async () => {
      await start(request => request.limits.maxPriceNano === 1n ? [new CocoonError('no_provider_within_price', 'The cheapest asks 200000000')] : STORY)
      const messages = [{ role: 'user' as const, content: 'x' }]
      const unknown = await rejection(client.chat.completions.create({ model: 'cat', messages }))
      expect([unknown.status, unknown.code, unknown.param]).to.deep.equal([404, 'model_unknown', 'model'])
      expect(unknown).to.be.instanceOf(OpenAI.NotFoundError)
      const wrong = await rejection(client.chat.completions.create({ model: 'fox', messages, temperature: 3 }))
      expect([wrong.status, wrong.code, wrong.param, wrong.type]).to.deep.equal([400, 'bad_request', 'temperature', 'invalid_request_error'])
      const before = backend.requests.length
      const priced = await rejection(client.chat.completions.create({ model: 'fox', messages, cocoon: { max_price_nano: 1 } } as OpenAI.ChatCompletionCreateParams))
      expect([priced.status, priced.code]).to.deep.equal([503, 'no_provider_within_price'])
      expect(priced.message).to.include('cheapest asks 200000000')
      expect(backend.requests.length).to.equal(before + 1)
    })

    it('reports a failure in mid-stream as an error of the stream', async () => {
      await start([...tokens('one'), new CocoonError('stream_closed', 'gone')])
      const stream = await client.chat.completions.create({ model: 'fox', messages: [{ role: 'user', content: 'x' }], stream: true })
      let text = ''
      const error = await rejection((async () => {
        for await (const chunk of stream) {
          text += chunk.choices[0].delta.content ?? ''
        }
      })())
      expect(text).to.equal('one')
      expect(error.code).to.equal('stream_closed')
      expect(backend.cancelled).to.equal(1)
    })
  })
}
