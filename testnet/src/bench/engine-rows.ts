import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../network/child-process.ts'
import { startLocalNetwork } from '../network/local-network.ts'
import { quantile, sample } from './measure.ts'
import type { Sample } from './measure.ts'
import type { Child } from '../network/child-process.ts'

/** One engine at one number of streams: through the network beside directly over HTTP, taken in turn. */
export interface EngineRow {
  readonly engine: string
  readonly streams: number
  readonly addedTtftP50Ms: number
  readonly addedTtftP99Ms: number
  /** Tokens per second of a stream from its first token to its last, median: through the network, divided by the engine alone. */
  readonly decodeRatio: number
  /** Tokens of all streams per second from the first request to the last byte, bill included: the same division. */
  readonly throughputRatio: number
  readonly directTokensPerSecond: number
  /** Of an answer through the network, mean. */
  readonly tokensPerAnswer: number
  readonly cpuPerTokenUs: { readonly direct: number, readonly provider: number, readonly gateway: number }
}

const PROMPT = 'Tell me a story about a fox.'
const WARM_UP = 5

async function cpuUs (child: Child): Promise<number> {
  const { user, system } = await child.ask<{ user: number, system: number }>('cpu')
  return user + system
}

/** Brings up a network of one provider and the engine alone beside it, and asks both the same in turn. */
export async function measureEngine (engine: 'llama' | 'synthetic', rounds: number, streamCounts: readonly number[]): Promise<EngineRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'cocoon-bench-'))
  const network = await startLocalNetwork({ folder, providers: 1, gatewayPort: 0, chainPort: 0, engine, parallel: 16, progress: () => {} })
  const direct = await startChild({ entry: 'direct', name: 'direct', logFile: join(folder, 'logs', 'direct.log') })
  try {
    const { url: directUrl } = await direct.ask<{ url: string }>('start', { engine, parallel: 16 })
    const model = (await network.ready(30_000))[0].id
    const provider = network.providers[0].child
    const gateway = network.gateway.child
    for (let i = 0; i < WARM_UP; i++) {
      await sample(directUrl, model, PROMPT)
      await sample(network.gateway.url, model, PROMPT)
    }
    const rows: EngineRow[] = []
    for (const streams of streamCounts) {
      const taken: Record<'direct' | 'network', { samples: Sample[], wallMs: number }> = { direct: { samples: [], wallMs: 0 }, network: { samples: [], wallMs: 0 } }
      const cpu = { direct: 0, provider: 0, gateway: 0 }
      const oneSide = async (side: 'direct' | 'network'): Promise<void> => {
        const before = side === 'direct' ? [await cpuUs(direct)] : [await cpuUs(provider), await cpuUs(gateway)]
        const startMs = performance.now()
        const samples = await Promise.all(Array.from({ length: streams }, async () => sample(side === 'direct' ? directUrl : network.gateway.url, model, PROMPT)))
        taken[side].wallMs += performance.now() - startMs
        taken[side].samples.push(...samples)
        if (side === 'direct') {
          cpu.direct += await cpuUs(direct) - before[0]
        } else {
          cpu.provider += await cpuUs(provider) - before[0]
          cpu.gateway += await cpuUs(gateway) - before[1]
        }
      }
      for (let round = 0; round < Math.max(4, Math.ceil(rounds / streams)); round++) {
        // Turn about, so that a machine that slows down slows both.
        for (const side of round % 2 === 0 ? ['direct', 'network'] as const : ['network', 'direct'] as const) {
          await oneSide(side)
        }
      }
      const tokens = (side: 'direct' | 'network'): number => taken[side].samples.reduce((sum, s) => sum + s.tokens, 0)
      const speed = (side: 'direct' | 'network'): number => tokens(side) / taken[side].wallMs * 1_000
      const decode = (side: 'direct' | 'network'): number => quantile(taken[side].samples.map(s => s.decodeSpeed), 0.5)
      const ttft = (side: 'direct' | 'network', share: number): number => quantile(taken[side].samples.map(s => s.ttftMs), share)
      rows.push({
        engine,
        streams,
        addedTtftP50Ms: ttft('network', 0.5) - ttft('direct', 0.5),
        addedTtftP99Ms: ttft('network', 0.99) - ttft('direct', 0.99),
        decodeRatio: decode('network') / decode('direct'),
        throughputRatio: speed('network') / speed('direct'),
        directTokensPerSecond: speed('direct'),
        tokensPerAnswer: tokens('network') / taken.network.samples.length,
        cpuPerTokenUs: { direct: cpu.direct / tokens('direct'), provider: cpu.provider / tokens('network'), gateway: cpu.gateway / tokens('network') }
      })
    }
    return rows
  } finally {
    await direct.stop()
    await network.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
