import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import OpenAI from 'openai'
import { createLaneReader } from '../../src/network/lane-reader.ts'
import { startLocalNetwork } from '../../src/network/local-network.ts'
import { useBundle } from './program.ts'
import type { LocalNetwork } from '../../src/network/local-network.ts'

const QUESTION = [{ role: 'user' as const, content: 'Tell me a story about a fox.' }]

interface Job { provider: string, chargeNano: string, paidNano: string, vault: string, payee: string, attempts: Array<{ provider: string, outcome: string }> }

/** What each provider shows: the two cheapest have one bit of it turned. */
const EVIDENCE = ['tdx', 'snp', 'snp', 'tdx'] as const
const TAMPERED = [0, 1]

/** Everything is its own process, over TCP on loopback. The cheapest providers show evidence with one bit turned. */
describe('a market between processes, through the official client', function () {
  this.timeout(120_000)
  let folder: string
  let network: LocalNetwork
  let openai: OpenAI
  let model: string
  let restore: () => void
  let starting: Promise<LocalNetwork> | undefined
  const controller = new AbortController()

  before(async () => {
    restore = await useBundle()
    folder = await mkdtemp(join(tmpdir(), 'cocoon-e2e-'))
    starting = startLocalNetwork({ folder, providers: EVIDENCE.length, gatewayPort: 0, chainPort: 0, progress: () => {}, evidence: index => EVIDENCE[index], tampered: TAMPERED, signal: controller.signal })
    network = await starting
    const found = await network.ready(30_000, { providers: EVIDENCE.length })
    expect(found[0].providers).to.equal(EVIDENCE.length)
    model = found[0].id
    openai = new OpenAI({ baseURL: `${network.gateway.url}/v1`, apiKey: 'unused', maxRetries: 0 })
  })

  after(async () => {
    // A start that has not ended when the time was up ends here.
    controller.abort()
    await starting?.then(async started => started.stop(), () => { /* it stopped what it had started */ })
    restore?.()
    await rm(folder, { recursive: true, force: true })
  })

  const job = async (jobId: string | null): Promise<Job> => network.gateway.child.ask<Job>('job', { jobId })

  it('streams an answer with the bill in the last chunk, from a provider with good evidence, and says why not the cheapest', async () => {
    const { data, response } = await openai.chat.completions.create({ model, messages: QUESTION, stream: true, stream_options: { include_usage: true }, temperature: 0 }).withResponse()
    let text = ''
    let usage: any
    let chunks = 0
    for await (const part of data) {
      text += part.choices[0]?.delta?.content ?? ''
      usage = part.usage ?? usage
      chunks++
    }
    expect(text).to.include('fox')
    expect(chunks).to.be.greaterThan(usage.completion_tokens)
    const bill = await job(response.headers.get('x-cocoon-job'))
    expect(bill.chargeNano).to.equal(String(usage.cost_nano))
    expect(bill.paidNano).to.equal(bill.chargeNano)
    expect(response.headers.get('x-cocoon-tier')).to.equal('simulated')
    expect(response.headers.get('x-cocoon-provider')).to.equal(bill.provider)
    for (const index of TAMPERED) {
      expect(bill.provider).to.not.equal(network.providers[index].peerId)
      expect(bill.attempts).to.deep.include({ provider: network.providers[index].peerId, outcome: 'evidence_refused' })
    }
    expect(bill.attempts.at(-1)).to.deep.equal({ provider: network.providers[2].peerId, outcome: 'done' })
    // the provider was found, not configured
    const config = JSON.stringify([network.bootstrap, await readdir(join(folder, 'gateway'))])
    expect(config).to.not.include(bill.provider)
  })

  it('says of every provider what was verified, and why not', async () => {
    const [{ considered }] = await network.gateway.child.ask<Array<{ considered: Array<{ peer: string, outcome: string, tier: string, why: string }> }>>('explain')
    const said = (index: number): { outcome?: string, why?: string } => considered.find(one => one.peer === network.providers[index].peerId) ?? {}
    for (const index of TAMPERED) {
      expect(said(index)).to.include({ outcome: 'evidence_refused' })
      expect(said(index).why).to.include('signature')
    }
    expect(said(2)).to.include({ outcome: 'taken', tier: 'simulated' })
    // its stake follows where it was read by then
    expect(said(2).why).to.match(/^Not private.*Simulated: snp\.( |$)/)
  })

  it('answers wrong requests as OpenAI would, with stable codes', async () => {
    const failing = async (body: object): Promise<{ status: number, code: string }> => {
      try {
        await openai.chat.completions.create({ model, messages: QUESTION, ...body } as never)
      } catch (error) {
        return error as { status: number, code: string }
      }
      throw new Error('it should have failed')
    }
    expect(await failing({ model: 'nobody-has-this' })).to.include({ status: 404, code: 'model_unknown' })
    expect(await failing({ messages: 'text' })).to.include({ status: 400, code: 'bad_request' })
    expect(await failing({ temperature: 'hot' })).to.include({ status: 400 })
    expect(await failing({ cocoon: { max_price_nano: 1 } })).to.include({ status: 503, code: 'no_provider_within_price' })
    expect(await failing({ cocoon: { max_cost_nano: 1 } })).to.include({ status: 503, code: 'no_provider_within_price' })
    expect(await failing({ cocoon: { min_tier: 'silver' } })).to.include({ status: 503, code: 'tier_too_low' })
  })

  it('runs eight at once, overlapping in time', async () => {
    const spans = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const from = performance.now()
      const answer = await openai.chat.completions.create({ model, messages: [{ role: 'user', content: `Tell me a story about fox number ${i}.` }] })
      expect(answer.choices[0].message.content).to.be.a('string').that.is.not.empty()
      return [from, performance.now()]
    }))
    const overlapping = spans.filter(([from, to]) => spans.some(([otherFrom, otherTo]) => otherFrom < to && from < otherTo && otherFrom !== from))
    expect(overlapping).to.have.lengthOf(8)
  })

  it('stops the bill when the client goes away, and leaves no debt', async () => {
    const { data, response } = await openai.chat.completions.create({ model, messages: QUESTION, stream: true }).withResponse()
    let seen = 0
    for await (const part of data) {
      void part
      if (++seen === 5) {
        break
      }
    }
    const jobId = response.headers.get('x-cocoon-job')
    let bill = await job(jobId)
    for (let i = 0; bill == null && i < 100; i++) {
      await new Promise(resolve => { setTimeout(resolve, 20) })
      bill = await job(jobId)
    }
    expect(bill.attempts.at(-1)?.outcome).to.be.oneOf(['cancelled', 'done'])
    expect(bill.paidNano).to.equal(bill.chargeNano)
    const next = await openai.chat.completions.create({ model, messages: QUESTION }).withResponse()
    expect((await job(next.response.headers.get('x-cocoon-job'))).attempts.map(a => a.outcome)).to.not.include('vault_in_debt')
  })

  it('redeems on chain exactly what was charged, read back by another client', async () => {
    const { response } = await openai.chat.completions.create({ model, messages: QUESTION }).withResponse()
    const bill = await job(response.headers.get('x-cocoon-job'))
    const reader = createLaneReader({ endpoint: network.chain.endpoint, vault: bill.vault, payee: bill.payee })
    const provider = network.providers.find(p => p.peerId === bill.provider)
    await provider?.child.ask('settle')
    const summary = await provider?.child.ask<{ earnedNano: string, unredeemedNano: string, debtNano: string }>('summary')
    expect(String(await reader.paidNano())).to.equal(summary?.earnedNano)
    expect(summary).to.include({ unredeemedNano: '0', debtNano: '0' })
  })

  it('survives the death of an idle provider', async () => {
    const { response } = await openai.chat.completions.create({ model, messages: QUESTION }).withResponse()
    const first = network.providers.find(p => p.peerId === response.headers.get('x-cocoon-provider'))
    process.kill(first?.child.pid ?? 0, 'SIGKILL')
    await first?.child.exited
    const next = await openai.chat.completions.create({ model, messages: QUESTION }).withResponse()
    expect(next.response.headers.get('x-cocoon-provider')).to.not.equal(first?.peerId)
    expect(next.data.choices[0].message.content).to.include('fox')
  })

  it('leaves no word of prompt or answer on any disk', async () => {
    const names = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = names.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
    expect(files.length).to.be.greaterThan(10)
    for (const file of files) {
      const bytes = (await readFile(file)).toString('latin1')
      for (const word of ['Tell me', 'story about', 'curious fox', 'village']) {
        expect(bytes.includes(word), `${file} holds "${word}"`).to.equal(false)
      }
    }
  })
})
