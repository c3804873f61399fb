import { expect } from 'aegir/chai'
import { watchJobs } from '../../src/network/job-watch.ts'

const request = (method = 'POST'): Request => new Request('http://127.0.0.1/v1/chat/completions', { method })

describe('job watch', () => {
  it('tells of a job when its record is there, and hands the response on unchanged', async () => {
    const records = new Map<string, string>()
    const ended = Promise.withResolvers<string>()
    const refusals: unknown[] = []
    const response = new Response('answer', { headers: { 'x-cocoon-job': 'a1' } })
    const handler = watchJobs({ fetch: async () => response }, { job: id => records.get(id) ?? null, onJob: ended.resolve, onRefusal: refusal => { refusals.push(refusal) } })
    expect(await handler.fetch(request())).to.equal(response)
    records.set('a1', 'the bill')
    expect(await ended.promise).to.equal('the bill')
    expect(refusals).to.deep.equal([])
    expect(await response.text()).to.equal('answer')
    handler.stop()
  })

  it('tells of a refusal with its code, and leaves the body readable', async () => {
    const refused = Promise.withResolvers<unknown>()
    const handler = watchJobs({ fetch: async () => Response.json({ error: { code: 'model_unknown' } }, { status: 404 }) }, { job: () => null, onJob: () => {}, onRefusal: refused.resolve })
    const response = await handler.fetch(request())
    expect(await refused.promise).to.deep.equal({ status: 404, code: 'model_unknown' })
    expect(await response.json()).to.deep.equal({ error: { code: 'model_unknown' } })
  })

  it('takes no other failure for a refused job', async () => {
    const refusals: unknown[] = []
    const handler = watchJobs({ fetch: async () => Response.json({}, { status: 503 }) }, { job: () => null, onJob: () => {}, onRefusal: refusal => { refusals.push(refusal) } })
    await handler.fetch(request('GET'))
    await new Promise(resolve => { setImmediate(resolve) })
    expect(refusals).to.deep.equal([])
  })
})
