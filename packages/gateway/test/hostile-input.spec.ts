import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createGateway } from '../src/index.ts'
import { chatRequest, fakeBackend, tokens } from './fixtures/fake-backend.ts'
import type { OpenAiError } from '../src/index.ts'

const MESSAGES = [{ role: 'user', content: 'x' }]
const BODY = { model: 'fox', messages: MESSAGES }
const backend = fakeBackend([...tokens('ok'), { type: 'end', reason: 'stop' }])
const gateway = createGateway({ backend, maxBodyBytes: 4_096, allowedOrigins: ['https://app.example'] })

async function refusal (request: Request): Promise<{ status: number, code: string, param: string | null, retry: string | null, message: string }> {
  const before = backend.requests.length
  const response = await gateway.fetch(request)
  const { error } = await response.json() as OpenAiError
  expect(backend.requests.length, 'nothing may reach the backend').to.equal(before)
  expect(error.message).to.not.match(/\n|\.ts:| {2}at /)
  return { status: response.status, code: error.code, param: error.param, retry: response.headers.get('x-should-retry'), message: error.message }
}

describe('hostile input', () => {
  const wrong: Array<[string, unknown, string, string | null]> = [
    ['no model', { messages: MESSAGES }, 'bad_request', 'model'],
    ['a model that is a number', { ...BODY, model: 1 }, 'bad_request', 'model'],
    ['no messages', { model: 'fox' }, 'bad_request', 'messages'],
    ['empty messages', { ...BODY, messages: [] }, 'bad_request', 'messages'],
    ['a message without content', { ...BODY, messages: [{ role: 'user' }] }, 'bad_request', 'messages[0].content'],
    ['content of a wrong type', { ...BODY, messages: [{ role: 'user', content: 5 }] }, 'bad_request', 'messages[0].content'],
    ['an unknown role', { ...BODY, messages: [{ role: 'king', content: 'x' }] }, 'bad_request', 'messages[0].role'],
    ['a tool message', { ...BODY, messages: [...MESSAGES, { role: 'tool', content: 'x', tool_call_id: 'y' }] }, 'unsupported_parameter', 'messages[1].role'],
    ['an image', { ...BODY, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }, 'unsupported_parameter', 'messages[0].content[0].type'],
    ['temperature as text', { ...BODY, temperature: '1' }, 'bad_request', 'temperature'],
    ['temperature out of range', { ...BODY, temperature: 2.1 }, 'bad_request', 'temperature'],
    ['top_p of zero', { ...BODY, top_p: 0 }, 'bad_request', 'top_p'],
    ['max_tokens of zero', { ...BODY, max_tokens: 0 }, 'bad_request', 'max_tokens'],
    ['a broken max_tokens', { ...BODY, max_tokens: 1.5 }, 'bad_request', 'max_tokens'],
    ['max_completion_tokens as text', { ...BODY, max_completion_tokens: '5' }, 'bad_request', 'max_completion_tokens'],
    ['five stop strings', { ...BODY, stop: ['a', 'b', 'c', 'd', 'e'] }, 'bad_request', 'stop'],
    ['stream as text', { ...BODY, stream: 'yes' }, 'bad_request', 'stream'],
    ['stream_options without stream', { ...BODY, stream_options: { include_usage: true } }, 'bad_request', 'stream_options'],
    ['an unknown stream option', { ...BODY, stream: true, stream_options: { usage: true } }, 'bad_request', 'stream_options.usage'],
    ['an unknown response format', { ...BODY, response_format: { type: 'xml' } }, 'bad_request', 'response_format.type'],
    ['two answers', { ...BODY, n: 2 }, 'unsupported_parameter', 'n'],
    ['tools', { ...BODY, tools: [{ type: 'function', function: { name: 'f' } }] }, 'unsupported_parameter', 'tools'],
    ['a bias', { ...BODY, logit_bias: { 5: 100 } }, 'unsupported_parameter', 'logit_bias'],
    ['logprobs', { ...BODY, logprobs: true }, 'unsupported_parameter', 'logprobs'],
    ['reasoning effort', { ...BODY, reasoning_effort: 'high' }, 'unsupported_parameter', 'reasoning_effort'],
    ['a negative cost', { ...BODY, cocoon: { max_cost_nano: -1 } }, 'bad_request', 'cocoon.max_cost_nano'],
    ['a cost with a fraction', { ...BODY, cocoon: { max_cost_nano: '1.5' } }, 'bad_request', 'cocoon.max_cost_nano'],
    ['an unknown tier', { ...BODY, cocoon: { min_tier: 'platinum' } }, 'bad_request', 'cocoon.min_tier'],
    ['an unknown cocoon option', { ...BODY, cocoon: { max_cost: 1 } }, 'bad_request', 'cocoon.max_cost'],
    ['a prototype', '{"model":"fox","messages":[{"role":"user","content":"x"}],"__proto__":{"stream":true}}', 'unsupported_parameter', '__proto__']
  ]
  for (const [name, body, code, param] of wrong) {
    it(`answers ${name} with 400 ${code} and names ${String(param)}`, async () => {
      const got = await refusal(chatRequest(body))
      expect([got.status, got.code, got.param, got.retry]).to.deep.equal([400, code, param, 'false'])
    })
  }

  it('names the nearest known parameter for an unknown one', async () => {
    expect((await refusal(chatRequest({ ...BODY, temprature: 1 }))).message).to.include('did you mean "temperature"')
    expect((await refusal(chatRequest({ ...BODY, ['z'.repeat(2_000)]: 1 }))).message.length).to.be.lessThan(200)
  })

  it('refuses what is not a JSON object', async () => {
    for (const body of ['', '{', '[]', 'null', '"x"', '[['.repeat(500)]) {
      expect((await refusal(chatRequest(body))).code).to.equal('bad_request')
    }
    const invalid = new Request('http://127.0.0.1/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: Uint8Array.of(0x7b, 0xff, 0x7d) })
    expect((await refusal(invalid)).code).to.equal('bad_request')
  })

  it('refuses bodies of other types, the ones that forms can post first', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', '']) {
      expect(await refusal(chatRequest(BODY, { 'content-type': type }))).to.deep.include({ status: 415, code: 'unsupported_media_type' })
    }
    expect((await refusal(chatRequest(BODY, { 'content-encoding': 'gzip' }))).status).to.equal(415)
  })

  it('refuses a large body, whether it says its length or not', async () => {
    const large = { ...BODY, messages: [{ role: 'user', content: 'x'.repeat(5_000) }] }
    expect(await refusal(chatRequest(large))).to.deep.include({ status: 413, code: 'body_too_large' })
    expect((await refusal(chatRequest(BODY, { 'content-length': '5000' }))).status).to.equal(413)
    let pulls = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: controller => {
        pulls++
        controller.enqueue(new Uint8Array(1_024))
      }
    })
    const request = new Request('http://127.0.0.1/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: endless, duplex: 'half' } as RequestInit)
    expect((await refusal(request)).status).to.equal(413)
    expect(pulls).to.be.lessThan(10)
  })

  it('answers unknown routes with 404 and wrong methods with 405', async () => {
    expect(await refusal(new Request('http://127.0.0.1/v1/embeddings', { method: 'POST' }))).to.deep.include({ status: 404, code: 'not_found' })
    expect((await refusal(new Request('http://127.0.0.1/'))).status).to.equal(404)
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const response = await gateway.fetch(new Request('http://127.0.0.1/v1/chat/completions', { method }))
      expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'POST'])
    }
    expect((await gateway.fetch(new Request('http://127.0.0.1/v1/models', { method: 'POST' }))).headers.get('allow')).to.equal('GET, HEAD')
  })

  it('never rejects and never answers 5xx, whatever the body', async () => {
    await fc.assert(fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.boolean(), async (value, wrap) => {
      const response = await gateway.fetch(chatRequest(wrap ? { ...BODY, ...(typeof value === 'object' ? value : {}) } : value))
      expect(response.status).to.be.lessThan(500)
      await response.text()
    }), { numRuns: 200 })
  })
})

describe('access', () => {
  it('takes requests addressed to loopback only', async () => {
    for (const host of ['localhost:10000', '127.0.0.1', '[::1]:10000', 'cocoon.local']) {
      expect((await gateway.fetch(new Request(`http://${host}/v1/models`))).status, host).to.equal(200)
    }
    for (const host of ['evil.example', '192.168.1.5:10000', 'localhost.evil.example', '127.0.0.1.nip.io']) {
      expect(await refusal(chatRequest(BODY, {}, `http://${host}/v1/chat/completions`))).to.deep.include({ status: 403, code: 'host_not_allowed', retry: 'false' })
    }
    expect((await refusal(chatRequest(BODY, { host: 'evil.example' }))).code).to.equal('host_not_allowed')
  })

  it('refuses pages of other origins, also when they send no Origin', async () => {
    const foreign: Array<Record<string, string>> = [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: 'http://127.0.0.1:10000' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]
    for (const headers of foreign) {
      expect(await refusal(chatRequest(BODY, headers))).to.deep.include({ status: 403, code: 'origin_not_allowed' })
    }
    expect((await gateway.fetch(chatRequest(BODY, { 'sec-fetch-site': 'none' }))).status).to.equal(200)
  })

  it('lets pages of an allowed origin in, with a preflight', async () => {
    const preflight = await gateway.fetch(new Request('http://127.0.0.1/v1/chat/completions', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-headers': 'content-type, x-evil, x-cocoon-prefer' }
    }))
    expect(preflight.status).to.equal(204)
    expect(preflight.headers.get('access-control-allow-headers')).to.equal('content-type, x-cocoon-prefer')
    const response = await gateway.fetch(chatRequest(BODY, { origin: 'https://app.example' }))
    expect(response.headers.get('access-control-allow-origin')).to.equal('https://app.example')
  })

  it('asks for the API key when there is one', async () => {
    const locked = createGateway({ backend, apiKey: 'sesame' })
    for (const authorization of ['', 'Bearer', 'Bearer sesam', 'Bearer sesame1', 'Basic sesame']) {
      expect((await locked.fetch(chatRequest(BODY, { authorization }))).status).to.equal(401)
    }
    expect((await locked.fetch(chatRequest(BODY, { authorization: 'Bearer sesame' }))).status).to.equal(200)
  })
})
