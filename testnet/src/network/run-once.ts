import { CocoonError } from '@cocoon-net/protocol'
import { createLaneReader } from './lane-reader.ts'
import type { LocalNetwork } from './local-network.ts'

/** The job's record as the gateway keeps it; amounts are decimal strings. */
interface JobRecord {
  readonly jobId: string
  readonly provider: string
  readonly tier: string
  readonly model: string
  readonly tokens: { readonly prompt: number, readonly cached: number, readonly completion: number, readonly reasoning: number }
  readonly prices: { readonly prompt: string, readonly cached: string, readonly completion: string, readonly reasoning: string }
  readonly chargeNano: string
  readonly paidNano: string
  readonly receipt: { readonly jobId: string, readonly seq: number, readonly hash: string, readonly signature: string }
  readonly attempts: ReadonlyArray<{ readonly provider: string, readonly outcome: string }>
  readonly ttftMs: number
  readonly tokensPerSecond: number
  readonly vault: string
  readonly payee: string
}

/** The one object that `--once --json` ends with. */
export interface OnceResult extends Omit<JobRecord, 'jobId'> {
  readonly answer: string
  readonly redeemedNano: string
  readonly endpoint: string
}

const SETTLE_TIMEOUT_MS = 30_000
const POLL_MS = 50

async function until (ready: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = Date.now() + SETTLE_TIMEOUT_MS
  while (!await ready()) {
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
export async function runOnce (network: LocalNetwork, init: { prompt: string, model: string, onText(text: string): void, onAnswered(): void }): Promise<OnceResult> {
  const response = await fetch(`${network.gateway.url}/v1/chat/completions`, {
    method: 'POST',
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
  await until(reader.exists, 'opening the lane')
  const before = await reader.paidNano()
  const provider = network.providers.find(p => p.peerId === job.provider)
  if (provider == null) {
    throw new CocoonError('internal', 'the provider is none of this network\'s')
  }
  await provider.child.ask('settle')
  await until(async () => await reader.paidNano() > before, 'redeeming')
  const redeemed = await reader.paidNano() - before
  const { jobId: _, ...rest } = job
  return { answer, ...rest, redeemedNano: redeemed.toString(), endpoint: network.chain.endpoint }
}
