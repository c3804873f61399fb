import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { createGateway } from '../src/index.ts'
import { LISTING, chatRequest, fakeBackend, tokens } from './fixtures/fake-backend.ts'
import type { Gateway, GatewayInit, OpenAiError } from '../src/index.ts'
import type { Tier } from '@cocoon-net/protocol'

const BODY = { model: 'fox', messages: [{ role: 'user', content: 'hi' }] }
const KEYS = { apiKey: 'plain-key', apiKeys: [{ key: 'silver-key', minTier: 'silver' }, { key: 'free-key' }] } as const satisfies Partial<GatewayInit>

function listing (...tiers: Tier[]): typeof LISTING {
  return { ...LISTING, providers: tiers.map(tier => ({ ...LISTING.providers[0], tier })) }
}

const keyed = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })

describe('tiers at the gateway', () => {
  it('says the tier and why, in the headers, in the bill and in the list', async () => {
    const gateway = createGateway({ backend: fakeBackend([...tokens('ok'), { type: 'end', reason: 'stop' }]) })
    const response = await gateway.fetch(chatRequest(BODY))
    expect(response.headers.get('x-cocoon-tier')).to.equal('simulated')
    expect(response.headers.get('x-cocoon-tier-note')).to.match(/not private/)
    expect((await response.json() as { cocoon: object }).cocoon).to.deep.include({ tier: 'simulated', tier_note: 'Development only: not private.' })
    const models = await (await gateway.fetch('http://localhost/v1/models')).json() as { data: Array<{ cocoon: { providers: object[] } }> }
    expect(models.data[0].cocoon.providers[0]).to.deep.include({ tier: 'simulated', tier_note: 'Development only: not private.', private: false })
  })

  /** What the backend is asked for, with this key, this request and this operator's default. */
  const asked = async (init: { key?: string, body?: object, headers?: Record<string, string>, defaults?: GatewayInit['defaults'] }): Promise<Tier | null | undefined> => {
    const backend = fakeBackend([...tokens('ok'), { type: 'end', reason: 'stop' }])
    const gateway = createGateway({ backend, ...KEYS, defaults: init.defaults })
    const response = await gateway.fetch(chatRequest({ ...BODY, ...init.body }, { ...keyed(init.key ?? 'plain-key'), ...init.headers }))
    expect(response.status).to.equal(200)
    return backend.requests[0].limits.minTier
  }

  it('takes the least tier from the body, then the header, then the operator', async () => {
    const body = { cocoon: { min_tier: 'gold' } }
    const headers = { 'x-cocoon-min-tier': 'open' }
    const defaults = { minTier: 'silver' } as const
    expect(await asked({})).to.equal(undefined)
    expect(await asked({ defaults })).to.equal('silver')
    expect(await asked({ defaults, headers })).to.equal('open')
    expect(await asked({ defaults, headers, body })).to.equal('gold')
  })

  it('lets no request go below the tier of its key', async () => {
    expect(await asked({ key: 'silver-key' })).to.equal('silver')
    for (const min of ['open', 'simulated']) {
      expect(await asked({ key: 'silver-key', body: { cocoon: { min_tier: min } } })).to.equal('silver')
      expect(await asked({ key: 'silver-key', headers: { 'x-cocoon-min-tier': min } })).to.equal('silver')
      expect(await asked({ key: 'silver-key', defaults: { minTier: min as Tier } })).to.equal('silver')
      expect(await asked({ key: 'free-key', body: { cocoon: { min_tier: min } } })).to.equal(min)
    }
    expect(await asked({ key: 'silver-key', body: { cocoon: { min_tier: 'gold' } } })).to.equal('gold')
  })

  it('takes each key, and no other', async () => {
    const gateway = createGateway({ backend: fakeBackend([]), ...KEYS })
    for (const key of ['plain-key', 'silver-key', 'free-key']) {
      expect((await gateway.fetch(new Request('http://localhost/v1/models', { headers: keyed(key) }))).status, key).to.not.equal(401)
    }
    for (const key of ['', 'silver-ke', 'silver-key2', 'undefined', 'plain-key silver-key']) {
      expect((await gateway.fetch(new Request('http://localhost/v1/models', { headers: keyed(key) }))).status, key).to.equal(401)
    }
  })

  const models = async (gateway: Gateway, key: string): Promise<Response> => gateway.fetch(new Request('http://localhost/v1/models', { headers: keyed(key) }))

  it('lists to a key what it may use, and says so when that is nothing', async () => {
    const backend = fakeBackend([])
    const gateway = createGateway({ backend, ...KEYS })
    backend.listings = [listing('open', 'silver', 'gold')]
    const { data } = await (await models(gateway, 'silver-key')).json() as { data: Array<{ cocoon: { providers: Array<{ tier: string }> } }> }
    expect(data[0].cocoon.providers.map(({ tier }) => tier)).to.deep.equal(['silver', 'gold'])
    backend.listings = [listing('open', 'simulated')]
    const refused = await models(gateway, 'silver-key')
    expect([refused.status, (await refused.json() as OpenAiError).error.code]).to.deep.equal([503, 'tier_too_low'])
    expect((await models(gateway, 'free-key')).status).to.equal(200)
  })

  it('passes on that nothing is good enough', async () => {
    const backend = fakeBackend([])
    const gateway = createGateway({ backend: { ...backend, ready: () => true, models: async () => { throw new CocoonError('tier_too_low') } } })
    const response = await gateway.fetch('http://localhost/v1/models')
    expect([response.status, (await response.json() as OpenAiError).error.code]).to.deep.equal([503, 'tier_too_low'])
  })
})
