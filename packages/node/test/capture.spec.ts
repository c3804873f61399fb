import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { CocoonError } from '@cocoon-net/protocol'
import { openRequest, prepareSeal } from '@cocoon-net/sealing'
import { openKeyValue } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { openHostDatastore } from '../src/host/datastore.ts'
import { answersUnsealed, findWords, readDisk, tapWire, unsealed } from './capture.ts'
import { testNetwork } from './hosts.ts'
import { recordedEngine } from './recording.ts'
import { createTrade, readAll } from './trade.ts'
import type { Protection } from '../src/node.ts'

const PROMPT = ['Marzipan', 'quokkas', 'Tangerine', 'yodelling', 'bassoonist', 'hopscotch']
const ASIDE = ['Gargoyles', 'whimsically', 'persimmon']
const ANSWER = ['platypus', 'Zeppelin', 'rutabaga', 'cucumbers', 'Flamenco', 'obsidian', 'walnuts', 'kerfuffle']
const ALL = [...PROMPT, ...ASIDE, ...ANSWER]

interface Captured {
  readonly wire: Buffer[]
  readonly disk: Buffer[]
  /** What stays in memory and goes to logs, metrics and `explain`. */
  readonly kept: Buffer[]
  readonly answers: string[]
}

/** Three nodes with their homes on disk, and jobs that end in every way; returns all that an outsider could read. */
async function capture (seal: Protection): Promise<Captured> {
  const wire = tapWire()
  const protection = { ...seal, encrypters: wire.encrypters }
  const folder = await mkdtemp(join(tmpdir(), 'cocoon-capture-'))
  const network = testNetwork(41)
  const trade = createTrade(network)
  const stores = {
    provider: await openKeyValue(join(folder, 'provider-payments')),
    client: await openKeyValue(join(folder, 'client-payments')),
    receipts: await openKeyValue(join(folder, 'provider-receipts'))
  }
  const homes = await Promise.all(['bystander', 'provider', 'client'].map(async name => openHostDatastore(join(folder, `${name}-host`))))
  let run = 0
  const engine = recordedEngine({
    words: ANSWER,
    answerTokens: 64,
    map: (event, index) => {
      if (event.type === 'prompt') {
        run++
      } else if (run === 3 && index === 20) {
        throw new CocoonError('engine_failed', `the engine choked on ${PROMPT.join(' ')} after ${ANSWER.join(' ')}`)
      }
      return event
    }
  })
  try {
    // A third node that is neither side relays gossip and answers for the DHT.
    const bystander = await trade.provider({ seed: 3, protection, node: { datastore: homes[0].datastore } })
    const provider = await trade.provider({
      seed: 1,
      engine,
      protection,
      prices: { prompt: 1n, cached: 1n, completion: 100_000_000n, reasoning: 100_000_000n },
      kv: stores.provider,
      receipts: { put: async (key, value) => { await stores.receipts.put(key, Buffer.from(value).toString('base64')) } },
      node: { datastore: homes[1].datastore }
    })
    const client = await trade.client({ seed: 2, protection, kv: stores.client, node: { datastore: homes[2].datastore } })
    await client.knows(2)
    const body = {
      messages: [{ role: 'system', content: ASIDE.slice(0, 2).join(' ') }, { role: 'user', content: PROMPT.join(' ') }],
      stop: [ASIDE[2]],
      user: ASIDE[2]
    }
    const limits = { prefer: 'price' } as const
    const answers: string[] = []

    const whole = await client.ask({ body, limits })
    const { text, summary } = await readAll(whole)
    answers.push(text)

    const cancelled = await client.ask({ body: { ...body, seed: 1 }, limits })
    cancelled.cancel()
    await readAll(cancelled).catch(() => {})
    await cancelled.summary

    const failing = await client.ask({ body: { ...body, seed: 2 }, limits })
    await readAll(failing).catch(() => {})
    const failure = await failing.summary.then(() => null, (error: unknown) => error)
    expect(failure).to.have.property('code', 'engine_failed')

    const refused = await client.ask({ body: { ...body, seed: 3, [PROMPT[0]]: ANSWER[0] }, limits }).then(() => null, (error: unknown) => error)
    expect(refused).to.have.property('code', 'unsupported_parameter')

    const kept = JSON.stringify([
      client.counters.all, provider.counters.all, client.client.explain(), client.client.job(whole.jobId), summary, inspect(failure), inspect(refused),
      provider.outcomes, provider.payments.summary(), await client.payments.ledger()
    ], (_key, value: unknown) => typeof value === 'bigint' ? value.toString() : value)
    const entries = await readDisk(folder, Object.values(stores))
    expect(engine.runs + bystander.engine.runs).to.equal(4)
    await trade.stop()
    await Promise.all(homes.map(async home => home.close()))
    await stores.receipts.close()
    // Once more after everything has been written out and closed.
    const disk = [...entries, ...await readDisk(folder, [])]
    return { wire: wire.parts(), disk, kept: [Buffer.from(kept)], answers }
  } finally {
    await trade.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

describe('what an outsider can read', () => {
  it('is no word of any prompt or answer: not on the wire, in gossip, on disk or in records', async () => {
    const { wire, disk, kept, answers } = await capture({ prepareSeal, openRequest })
    // The jobs did run, on these words,
    expect(answers[0].trim().split(/\s+/)).to.have.length(64).and.include.members(ANSWER)
    // and the taps did see: gossip, offers, stream protocols, vouchers, receipts, ledgers.
    expect(findWords(wire, ['meshsub', 'synthetic', 'multistream', 'clientNonce', 'cumulative', 'checkpoint'])).to.have.length.at.least(6)
    expect(findWords(disk, ['finalisedNano', 'receipt/', 'ledger/', 'clientNonce'])).to.have.length.at.least(4)
    expect(findWords(kept, ['cocoon_jobs_total', 'taken', 'engine_failed'])).to.have.length(3)

    expect(findWords(wire, ALL), 'wire').to.deep.equal([])
    expect(findWords(disk, ALL), 'disk').to.deep.equal([])
    expect(findWords(kept, ALL), 'records').to.deep.equal([])
  })

  it('is all of it with the seal taken out', async () => {
    const { wire } = await capture(unsealed)
    expect(findWords(wire, ALL)).to.include.members(ALL.map(word => `${word} (utf8)`))
  })

  it('is the answer, and only the answer, with the seal of the answer taken out', async () => {
    const { wire } = await capture(answersUnsealed)
    expect(findWords(wire, ANSWER)).to.include.members(ANSWER.map(word => `${word} (utf8)`))
    expect(findWords(wire, [...PROMPT, ...ASIDE])).to.deep.equal([])
  })

  it('is found in every encoding that is looked for, whatever stands before it', () => {
    for (const before of ['', 'x', 'xy']) {
      const plain = Buffer.from(`${before}RUTABAGA and quokkas`)
      const found = findWords([plain, Buffer.from(plain.toString('base64')), Buffer.from(plain.toString('hex').toUpperCase()), Buffer.from(plain.toString(), 'utf16le')], ['quokkas'])
      expect(found).to.deep.equal(['quokkas (base64)', 'quokkas (hex)', 'quokkas (utf16)', 'quokkas (utf8)'])
    }
    expect(findWords([Buffer.from('nothing of the kind')], ALL)).to.deep.equal([])
  })
})
