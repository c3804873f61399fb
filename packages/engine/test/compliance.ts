import { expect } from 'aegir/chai'
import { engineModelId } from '../src/index.ts'
import type { Engine, EngineEvent, EngineRequest } from '../src/index.ts'

export interface Collected {
  readonly events: EngineEvent[]
  readonly text: string
  readonly ids: number[]
  readonly prompt: number
  readonly end: string
}

export async function collect (events: AsyncIterable<EngineEvent>): Promise<Collected> {
  const all: EngineEvent[] = []

  for await (const event of events) {
    all.push(event)
  }

  const tokens = all.filter(event => event.type === 'token')
  const first = all[0]
  const last = all[all.length - 1]

  return {
    events: all,
    text: Buffer.concat(tokens.map(token => token.bytes)).toString(),
    ids: tokens.map(token => token.id),
    prompt: first?.type === 'prompt' ? first.promptTokens : -1,
    end: last?.type === 'end' ? last.reason : ''
  }
}

export async function failure (events: AsyncIterable<EngineEvent>): Promise<string> {
  return collect(events).then(() => 'no error', (error: { code?: string }) => error.code ?? String(error))
}

export function chat (engine: Engine, content: string, body: Record<string, unknown> = {}, maxTokens = 24): EngineRequest {
  return { endpoint: 'chat', model: engineModelId(engine.models()[0]), body: { messages: [{ role: 'user', content }], seed: 7, ...body }, maxTokens }
}

/** What every engine keeps, whatever runs behind it. `question` must be answered with at least eight tokens. */
export function compliance (name: string, make: () => Promise<Engine>, question: string): void {
  describe(`engine contract: ${name}`, () => {
    let engine: Engine

    before(async () => {
      engine = await make()
      await engine.start()
    })

    after(async () => {
      await engine.stop()
      expect(engine.slots().busy).to.equal(0)
    })

    it('describes its models', () => {
      for (const model of engine.models()) {
        expect(model.digest).to.have.length(32)
        expect(model.tokenizerDigest).to.have.length(32)
        expect(model.contextLength).to.be.greaterThan(0)
      }
    })

    it('sends the prompt count first, then tokens, then one end', async () => {
      const { events } = await collect(engine.generate(chat(engine, question)))
      const kinds = events.map(event => event.type)
      expect(kinds[0]).to.equal('prompt')
      expect(kinds[kinds.length - 1]).to.equal('end')
      expect(kinds.slice(1, -1).every(kind => kind === 'token')).to.equal(true)
      expect(kinds.length).to.be.greaterThan(4)
    })

    it('stops at the smaller of the two limits', async () => {
      for (const [body, maxTokens] of [[{ max_tokens: 3 }, 8], [{ max_completion_tokens: 8 }, 3]] as const) {
        const { ids, end } = await collect(engine.generate(chat(engine, question, body, maxTokens)))
        expect(ids).to.have.length(3)
        expect(end).to.equal('length')
      }
    })

    it('gives the same tokens for the same seed', async () => {
      const first = await collect(engine.generate(chat(engine, question)))
      const second = await collect(engine.generate(chat(engine, question)))
      expect(second.text).to.equal(first.text)
      expect(second.ids).to.deep.equal(first.ids)
    })

    it('never lets a stop string or its start leave', async () => {
      const whole = await collect(engine.generate(chat(engine, question)))
      const stop = whole.text.slice(6, 9)
      const cut = await collect(engine.generate(chat(engine, question, { stop: [stop] })))
      expect(cut.text).to.equal(whole.text.slice(0, whole.text.indexOf(stop)))
      expect(cut.end).to.equal('stop')
    })

    it('ends with cancelled and frees its slot when the signal fires mid-stream', async () => {
      const abort = new AbortController()
      const events: EngineEvent[] = []

      for await (const event of engine.generate(chat(engine, question), { signal: abort.signal })) {
        events.push(event)
        if (events.length === 3) {
          abort.abort()
        }
      }

      expect(events.at(-1)).to.deep.equal({ type: 'end', reason: 'cancelled' })
      expect(events.length).to.be.lessThan(6)
      expect(engine.slots().busy).to.equal(0)
    })

    it('frees its slot when the caller stops reading', async () => {
      for await (const event of engine.generate(chat(engine, question))) {
        if (event.type === 'token') {
          expect(engine.slots().busy).to.equal(1)
          break
        }
      }

      expect(engine.slots().busy).to.equal(0)
    })

    it('ends with cancelled when the signal has fired before', async () => {
      const { end, ids } = await collect(engine.generate(chat(engine, question), { signal: AbortSignal.abort() }))
      expect(end).to.equal('cancelled')
      expect(ids).to.have.length(0)
    })

    it('refuses what it does not know with a code', async () => {
      expect(await failure(engine.generate({ ...chat(engine, question), model: 'ab'.repeat(32) }))).to.equal('model_unknown')
      expect(await failure(engine.generate(chat(engine, question, { logit_bias: { 1: 2 } })))).to.equal('unsupported_parameter')
      expect(await failure(engine.generate(chat(engine, question, { n: 2 })))).to.equal('unsupported_parameter')
      expect(await failure(engine.generate(chat(engine, question, { messages: undefined })))).to.equal('bad_request')
      expect(await failure(engine.generate(chat(engine, question, { max_tokens: 0 })))).to.equal('bad_request')
    })
  })
}
