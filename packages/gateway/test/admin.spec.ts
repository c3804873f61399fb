import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { Registry } from 'prom-client'
import { createAdmin, prometheusCounters, serveAdmin, serveGateway, createGateway } from '../src/index.ts'
import { chatRequest, fakeBackend, tokens } from './fixtures/fake-backend.ts'

function post (path: string, headers: Record<string, string>, body = '{}'): Request {
  return new Request(`http://127.0.0.1:10001${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

describe('admin', () => {
  const registry = new Registry()
  const settled: unknown[] = []
  const admin = createAdmin({
    token: 'secret',
    registry,
    reads: { status: async () => ({ balanceNano: 5n }) },
    actions: {
      settle: async body => {
        settled.push(body)
        return { redeemedNano: 7n }
      }
    }
  })

  it('shows its state with amounts as text', async () => {
    const response = await admin.fetch(new Request('http://127.0.0.1:10001/status'))
    expect(await response.json()).to.deep.equal({ balanceNano: '5' })
  })

  it('changes state by POST with the token only', async () => {
    expect((await admin.fetch(post('/settle', {}))).status).to.equal(401)
    expect((await admin.fetch(post('/settle', { authorization: 'Bearer wrong' }))).status).to.equal(401)
    expect((await admin.fetch(new Request('http://127.0.0.1:10001/settle', { headers: { authorization: 'Bearer secret' } }))).status).to.equal(405)
    expect((await admin.fetch(post('/settle', { authorization: 'Bearer secret', 'content-type': 'text/plain' }))).status).to.equal(415)
    expect(settled).to.deep.equal([])
    const response = await admin.fetch(post('/settle', { authorization: 'Bearer secret' }, '{"lane":1}'))
    expect(await response.json()).to.deep.equal({ redeemedNano: '7' })
    expect(settled).to.deep.equal([{ lane: 1 }])
  })

  it('is not there for web pages or other hosts', async () => {
    expect((await admin.fetch(post('/settle', { authorization: 'Bearer secret', origin: 'http://127.0.0.1:10001' }))).status).to.equal(403)
    expect((await admin.fetch(new Request('http://evil.example/status'))).status).to.equal(403)
    expect((await admin.fetch(new Request('http://127.0.0.1:10001/constructor'))).status).to.equal(404)
  })

  it('serves metrics, and counts any number of labels in bounded space', async () => {
    const counters = prometheusCounters(registry)
    for (let i = 0; i < 2_000; i++) {
      counters.increment('refusals', { code: `c${i}` })
    }
    counters.increment('refusals', { code: 'c0' })
    const text = await (await admin.fetch(new Request('http://127.0.0.1:10001/metrics'))).text()
    expect(text).to.include('cocoon_refusals_total{code="c0"} 2')
    expect(text).to.include('cocoon_refusals_total{code="other"} 1488')
  })
})

describe('servers', () => {
  it('say which port is taken', async () => {
    const admin = createAdmin({ token: 't', reads: {}, actions: {} })
    const first = await serveAdmin({ admin, port: 0 })
    const port = Number(new URL(first.url).port)
    await expect(serveAdmin({ admin, port })).to.eventually.be.rejectedWith(CocoonError).with.property('code', 'port_taken')
    await first.stop()
    const second = await serveAdmin({ admin, port })
    await second.stop()
    await second.stop()
  })

  it('end open streams when they stop, and cancel their jobs', async () => {
    const backend = fakeBackend([...tokens('one'), 'hang'])
    const server = await serveGateway({ gateway: createGateway({ backend }), port: 0, stopGraceMs: 1 })
    const sent = chatRequest({ model: 'fox', messages: [{ role: 'user', content: 'x' }], stream: true }, {}, `${server.url}/v1/chat/completions`)
    const response = await fetch(sent)
    const reader = response.body?.getReader()
    await reader?.read()
    const ended = (async () => { while ((await reader?.read())?.done === false) { /* read on */ } })().catch(() => {})
    await server.stop()
    await ended
    await backend.whenCancelled
    expect(backend.cancelled).to.equal(1)
  })

  it('refuse another Host over HTTP', async () => {
    const { request } = await import('node:http')
    const server = await serveGateway({ gateway: createGateway({ backend: fakeBackend([]) }), port: 0 })
    const status = await new Promise(resolve => {
      request(`${server.url}/v1/models`, { headers: { host: 'evil.example' } }, response => {
        response.resume()
        resolve(response.statusCode)
      }).end()
    })
    expect(status).to.equal(403)
    await server.stop()
  })
})
