import { CocoonError } from '@cocoon-net/protocol'
import { createLaneReader } from './lane-reader.ts'
import type { JobRecord } from './configs.ts'
import type { LocalNetwork } from './local-network.ts'

/** The one object that `--once --json` ends with; amounts are decimal strings in nanoTON, of this job alone. */
export interface OnceResult extends Omit<JobRecord, 'jobId'> {
  readonly answer: string
  readonly redeemedNano: string
  readonly endpoint: string
}

const SETTLE_TIMEOUT_MS = 30_000
const POLL_MS = 50

async function until (ready: () => Promise<boolean>, what: string, signal: AbortSignal): Promise<void> {
  const endMs = Date.now() + SETTLE_TIMEOUT_MS
  while (!await ready()) {
    signal.throwIfAborted()
    if (Date.now() > endMs) {
      throw new CocoonError('chain_unavailable', `${what} did not happen in ${SETTLE_TIMEOUT_MS} ms`)
    }
    await new Promise(resolve => { setTimeout(resolve, POLL_MS) })
  }
}

/** Reads the events of a streamed chat completion. */
async function * readEvents (body: ReadableStream<Uint8Array>): AsyncGenerator<any, void, void> {
  let buffer = ''
  const decoder = new TextDecoder()
  for await (const part of body) {
    buffer += decoder.decode(part, { stream: true })
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const event = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      const data = event.startsWith('data: ') ? event.slice(6) : ''
      if (data !== '' && data !== '[DONE]') {
        yield JSON.parse(data)
      }
    }
  }
}

/** Runs one job through the gateway as any OpenAI client would, settles it at once, and reads the chain back. */
export async function runOnce (network: LocalNetwork, init: { prompt: string, model: string, signal: AbortSignal, onText (text: string): void, onAnswered (): void }): Promise<OnceResult> {
  const response = await fetch(`${network.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    signal: init.signal,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: init.model, stream: true, temperature: 0, stream_options: { include_usage: true }, messages: [{ role: 'user', content: init.prompt }] })
  })
  if (!response.ok || response.body == null) {
    throw new CocoonError('no_provider', `the gateway answered ${response.status}: ${(await response.text()).slice(0, 500)}`)
  }
  let answer = ''
  for await (const event of readEvents(response.body)) {
    if (event.error != null) {
      throw new CocoonError('engine_failed', String(event.error.message))
    }
    const text: unknown = event.choices?.[0]?.delta?.content
    if (typeof text === 'string' && text !== '') {
      answer += text
      init.onText(text)
    }
  }
  init.onAnswered()
  const job = await network.gateway.child.ask<JobRecord | null>('job', { jobId: response.headers.get('x-cocoon-job') })
  if (job == null) {
    throw new CocoonError('internal', 'the gateway does not know the job')
  }
  const reader = createLaneReader({ endpoint: network.chain.endpoint, vault: job.vault, payee: job.payee })
  await until(reader.exists, 'opening the lane', init.signal)
  const before = await reader.paidNano()
  const provider = network.providers.find(p => p.peerId === job.provider)
  if (provider == null) {
    throw new CocoonError('internal', 'the provider is none of this network\'s')
  }
  await provider.child.ask('settle')
  await until(async () => await reader.paidNano() > before, 'redeeming', init.signal)
  const redeemed = await reader.paidNano() - before
  return {
    answer,
    model: job.model,
    provider: job.provider,
    tier: job.tier,
    tokens: job.tokens,
    prices: job.prices,
    chargeNano: job.chargeNano,
    paidNano: job.paidNano,
    redeemedNano: redeemed.toString(),
    receipt: job.receipt,
    vault: job.vault,
    payee: job.payee,
    endpoint: network.chain.endpoint,
    attempts: job.attempts,
    ttftMs: job.ttftMs,
    tokensPerSecond: job.tokensPerSecond
  }
}
