import { createGateway, serveGateway } from '@cocoon-net/gateway'
import { CocoonError, ERRORS } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { eventData } from '../src/event-stream.ts'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'
import type { InferenceBackend, InferenceEvent, InferenceRequest, RunningServer } from '@cocoon-net/gateway'

const DIGEST = 'ab'.repeat(32)
const PRICES = { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 300_000_000n }
const BILL = {
  tokens: { prompt: 7, cached: 0, completion: 2, reasoning: 0 },
  prices: PRICES,
  chargeNano: 750n,
  paidNano: 750n,
  receipt: { jobId: 'aa', seq: 1, hash: 'bb', signature: 'cc' },
  attempts: [{ provider: 'peer', outcome: 'done' }],
  ttftMs: 12,
  tokensPerSecond: 100,
  vault: '0:aa',
  payee: '0:bb'
}

function backendOf (requests: InferenceRequest[], events: Array<InferenceEvent | Error>): InferenceBackend {
  return {
    ready: () => true,
    models: async () => [{
      id: `fox@${DIGEST}`,
      name: 'fox',
      digest: DIGEST,
      providers: [{ peerId: 'peer', tier: 'simulated', tierNote: 'Not private.', prices: PRICES, room: { total: 4, free: 4 }, contextLength: 512, endpoints: ['chat'] }]
    }],
    infer: async request => {
      requests.push(request)
      return {
        jobId: 'aa',
        provider: 'peer',
        tier: 'simulated',
        tierNote: 'Not private.',
        model: `fox@${DIGEST}`,
        events: (async function * () {
          for (const event of events) {
            if (event instanceof Error) {
              throw event
            }
            yield event
          }
        })(),
        summary: Promise.resolve(BILL),
        cancel: () => {}
      }
    }
  }
}

const ANSWER: InferenceEvent[] = [
  { type: 'tokens', tokens: [{ text: 'Hello', class: 'completion', index: 0 }] },
  { type: 'tokens', tokens: [{ text: ' \u001b[31mfox', class: 'completion', index: 1 }] },
  { type: 'end', reason: 'stop' }
]

describe('chat and offers through a running gateway', () => {
  let sandbox: Sandbox
  let server: RunningServer
  let requests: InferenceRequest[]
  let port: string

  async function start (events: Array<InferenceEvent | Error>): Promise<void> {
    requests = []
    server = await serveGateway({ gateway: createGateway({ backend: backendOf(requests, events) }), port: 0, stopGraceMs: 10 })
    port = new URL(server.url).port
  }

  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => {
    await server.stop()
    await sandbox.remove()
  })

  it('streams an answer, with the bill on standard error', async () => {
    await start(ANSWER)
    const outcome = await sandbox.command(['chat', 'say', 'hello', '--gateway-port', port, '--max-cost-nano', '9000', '--max-tokens', '5'], { fetch })
    expect(outcome).to.deep.equal({ code: 0, out: 'Hello [31mfox\n', err: 'peer, tier simulated. Not private.\n7 tokens in, 2 out, 0.00000075 TON, first token after 12 ms, 100.0 tokens/s\n' })
    expect(requests[0].body).to.deep.equal({ messages: [{ role: 'user', content: 'say hello' }], max_tokens: 5 })
    expect(requests[0].limits.maxCostNano).to.equal(9_000n)
  })

  it('takes the prompt from standard input and answers in JSON', async () => {
    await start(ANSWER)
    const input = (async function * () { yield new TextEncoder().encode('piped') })()
    const outcome = await sandbox.command(['chat', '--json', '--gateway-port', port, '--system', 'be brief'], { fetch, input })
    expect(outcome.code).to.equal(0)
    expect(jsonOf(outcome)).to.deep.include({ answer: 'Hello \u001b[31mfox', chargeNano: '750', paidNano: '750', tier: 'simulated', tokens: BILL.tokens, ttftMs: 12 })
    expect(requests[0].body.messages).to.deep.equal([{ role: 'system', content: 'be brief' }, { role: 'user', content: 'piped' }])
  })

  it('ends with the code of what failed in mid-answer', async () => {
    await start([ANSWER[0], new CocoonError('lane_exhausted')])
    const outcome = await sandbox.command(['chat', 'x', '--gateway-port', port], { fetch })
    expect(outcome.code).to.equal(1)
    expect(outcome.err).to.equal(`lane_exhausted: ${ERRORS.lane_exhausted.meaning} ${ERRORS.lane_exhausted.remedy}\n`)
    expect(outcome.out).to.equal('Hello\n')
  })

  it('lists offers for people and for programs', async () => {
    await start(ANSWER)
    const human = await sandbox.command(['offers', '--gateway-port', port], { fetch })
    expect(human.out).to.include('fox@abababababab').and.include('simulated: Not private.').and.include('0.2')
    const json = jsonOf(await sandbox.command(['offers', 'fox', '--json', '--gateway-port', port], { fetch }))
    expect(json.models[0].cocoon.providers[0].prices_nano_per_million.completion).to.equal(200_000_000)
    expect((await sandbox.command(['offers', 'cat', '--gateway-port', port], { fetch })).code).to.equal(1)
  })
})

describe('event stream', () => {
  async function parse (...parts: string[]): Promise<string[]> {
    const found = []
    for await (const data of eventData((async function * () { yield * parts.map(part => new TextEncoder().encode(part)) })())) {
      found.push(data)
    }
    return found
  }

  it('reads events however they are cut', async () => {
    const text = ': hi\ndata: one\n\nevent: x\r\ndata: two\r\ndata:three\r\n\r\ndata: ü\n\n'
    for (let at = 0; at <= text.length; at++) {
      expect(await parse(text.slice(0, at), text.slice(at))).to.deep.equal(['one', 'two\nthree', 'ü'])
    }
  })

  it('refuses an endless event', async () => {
    await expect(parse('data: '.concat('x'.repeat(2 * 1_024 * 1_024)))).to.eventually.be.rejectedWith(CocoonError).with.property('code', 'body_too_large')
  })
})
