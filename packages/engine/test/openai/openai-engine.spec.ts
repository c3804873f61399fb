import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'aegir/chai'
import { MAX_LINE_BYTES } from '../../src/constants.ts'
import { openaiEngine } from '../../src/index.ts'
import { chat, collect, compliance, failure } from '../compliance.ts'
import type { Engine, OpenaiEngineInit } from '../../src/index.ts'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Body = Record<string, unknown>
type Handler = (response: ServerResponse, body: Body, path: string) => void

const sse = (response: ServerResponse, ...events: unknown[]): void => {
  if (!response.headersSent) {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  }
  for (const event of events) {
    response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  }
}
const delta = (content: string): unknown => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })

/** Answers as vLLM does: usage in every chunk, role first, one finish chunk, then [DONE]. */
const wellBehaved: Handler = (response, body) => {
  const words = ['Long', ' ago', ',', ' a', ' fox', ' lived', ' in', ' a', ' wood', ' with', ' a', ' crow', '.']
  const limit = Math.min(Number(body.max_tokens), words.length)
  const stops = [body.stop ?? []].flat() as string[]
  const usage = { prompt_tokens: 17, total_tokens: 17, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 5 } }
  let text = words.slice(0, limit).join('')
  const cut = stops.map(stop => text.indexOf(stop)).filter(at => at >= 0)
  const finish = cut.length === 0 && limit < words.length ? 'length' : 'stop'
  sse(response, { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }], usage })

  if (cut.length > 0) {
    text = text.slice(0, Math.min(...cut))
    sse(response, delta(text))
  } else {
    words.slice(0, limit).forEach(word => { sse(response, delta(word)) })
  }

  sse(response, { choices: [{ index: 0, delta: {}, finish_reason: finish }], usage }, { choices: [], usage }, '[DONE]')
  response.end()
}

describe('openai engine', () => {
  let server: Server
  let handler: Handler = wellBehaved
  let seen: { body: Body, path: string, auth?: string }
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`

  before(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => { parts.push(part) })
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(parts).toString()) as Body
        seen = { body, path: request.url ?? '', auth: request.headers.authorization }
        handler(response, body, seen.path)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  beforeEach(() => { handler = wellBehaved })

  after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const started = async (init: Partial<OpenaiEngineInit> = {}): Promise<Engine> => {
    const engine = openaiEngine({ url: url(), models: [{ name: 'demo', upstream: 'org/demo', contextLength: 512 }], ...init })
    await engine.start()
    return engine
  }

  compliance('OpenAI-compatible server', async () => started(), 'Tell me a story.')

  it('names the upstream model, asks for usage and sends the key', async () => {
    const engine = await started({ apiKey: 'secret' })
    const { events } = await collect(engine.generate(chat(engine, 'x', { user: 'me', temperature: 0.5 })))
    expect(seen.path).to.equal('/v1/chat/completions')
    expect(seen.auth).to.equal('Bearer secret')
    expect(seen.body).to.include({ model: 'org/demo', stream: true, max_tokens: 24, temperature: 0.5 })
    expect(seen.body).to.not.have.property('user')
    expect(events[0]).to.deep.equal({ type: 'prompt', promptTokens: 12, cachedTokens: 5 })
    expect(engine.args.join()).to.not.include('secret')
    expect(engine.models()[0]).to.include({ noIds: true, resumable: false })
    expect(engine.attestable).to.equal(false)
    await engine.stop()
  })

  it('marks reasoning', async () => {
    const engine = await started()
    handler = response => {
      sse(response, { choices: [{ delta: { reasoning_content: 'hm' } }] }, delta('yes'), '[DONE]')
      response.end()
    }
    const { events } = await collect(engine.generate(chat(engine, 'x')))
    expect(events.flatMap(event => event.type === 'token' ? [event.class] : [])).to.deep.equal(['reasoning', 'completion'])
    await engine.stop()
  })

  it('refuses to resume', async () => {
    const engine = await started()
    expect(await failure(engine.generate({ ...chat(engine, 'x'), prefix: [1] }))).to.equal('unsupported_parameter')
    await engine.stop()
  })

  const hostile: Array<[string, string, Handler]> = [
    ['an internal error', 'engine_failed', response => { response.writeHead(500).end('boom'.repeat(10_000)) }],
    ['too many requests', 'no_room', response => { response.writeHead(429).end() }],
    ['a prompt too long', 'context_too_long', response => { response.writeHead(400).end('{"error":{"message":"maximum context length is 512"}}') }],
    ['a web page', 'engine_failed', response => { response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') }],
    ['a redirect', 'engine_unavailable', response => { response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end() }],
    ['garbage', 'engine_failed', response => { sse(response, '{"choices": nonsense'); response.end() }],
    ['the wrong shape', 'engine_failed', response => { sse(response, { choices: 'all of them' }); response.end() }],
    ['negative counts', 'engine_failed', response => { sse(response, { choices: [], usage: { prompt_tokens: -1 } }); response.end() }],
    ['an error in the stream', 'engine_failed', response => { sse(response, delta('a'), { error: { message: 'out of memory' } }); response.end() }],
    ['an end without an end', 'engine_failed', response => { sse(response, delta('a')); response.end() }],
    ['an empty stream', 'engine_failed', response => { sse(response); response.end() }],
    ['a broken connection', 'engine_failed', response => { sse(response, delta('a')); response.write('data: {', () => { response.destroy() }) }],
    ['an endless line', 'engine_failed', response => {
      sse(response)
      response.write('data: ')
      const block = 'x'.repeat(65_536)
      for (let sent = 0; sent <= MAX_LINE_BYTES + block.length; sent += block.length) {
        response.write(block)
      }
    }]
  ]

  hostile.forEach(([what, code, answer]) => {
    it(`turns ${what} into ${code}`, async () => {
      const engine = await started()
      handler = answer
      expect(await failure(engine.generate(chat(engine, 'x')))).to.equal(code)
      expect(engine.slots().busy).to.equal(0)
      await engine.stop()
    })
  })

  it('gives up on a server that is silent before or inside its answer', async () => {
    const engine = await started({ timeoutMs: 30, idleTimeoutMs: 30 })
    handler = () => {}
    expect(await failure(engine.generate(chat(engine, 'x')))).to.equal('timeout')
    handler = response => { sse(response, delta('a')) }
    expect(await failure(engine.generate(chat(engine, 'x')))).to.equal('timeout')
    await engine.stop()
  })

  it('sends no more tokens than asked for, whatever the server does', async () => {
    const engine = await started()
    handler = response => { sse(response, ...new Array<unknown>(50).fill(delta('a')), '[DONE]'); response.end() }
    const { ids, end } = await collect(engine.generate(chat(engine, 'x', {}, 5)))
    expect(ids).to.have.length(5)
    expect(end).to.equal('length')
    await engine.stop()
  })

  it('says when no server is there', async () => {
    const engine = await started({ url: 'http://127.0.0.1:1/v1' })
    expect(await failure(engine.generate(chat(engine, 'x')))).to.equal('engine_unavailable')
    await engine.stop()
  })

  it('refuses an address with a password, or that is none', () => {
    for (const address of ['http://a:b@127.0.0.1/', 'file:///etc/passwd', 'nonsense', 'http://h/?key=1']) {
      expect(() => openaiEngine({ url: address, models: [] })).to.throw().with.property('code', 'config_invalid')
    }
  })
})
