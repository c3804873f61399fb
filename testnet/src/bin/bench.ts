/** `npm run bench`: the same engine directly over HTTP and through the network, interleaved in one run. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { quantile, sample } from '../bench/measure.ts'
import { startChild } from '../network/child-process.ts'
import { startLocalNetwork } from '../network/local-network.ts'
import type { Sample } from '../bench/measure.ts'
import type { Child } from '../network/child-process.ts'

interface Row {
  readonly engine: string
  readonly streams: number
  readonly addedTtftP50Ms: number
  readonly addedTtftP99Ms: number
  /** Tokens per second through the network, divided by those of the engine alone. */
  readonly speedRatio: number
  readonly directTokensPerSecond: number
  readonly cpuPerTokenUs: { readonly direct: number, readonly provider: number, readonly gateway: number }
}

const PROMPT = 'Tell me a story about a fox.'
const WARM_UP = 5

async function cpuUs (child: Child): Promise<number> {
  const { user, system } = await child.ask<{ user: number, system: number }>('cpu')
  return user + system
}

async function measureEngine (engine: 'llama' | 'synthetic', rounds: number, streamCounts: readonly number[]): Promise<Row[]> {
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
    const rows: Row[] = []
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
      const ttft = (side: 'direct' | 'network', share: number): number => quantile(taken[side].samples.map(s => s.ttftMs), share)
      rows.push({
        engine,
        streams,
        addedTtftP50Ms: ttft('network', 0.5) - ttft('direct', 0.5),
        addedTtftP99Ms: ttft('network', 0.99) - ttft('direct', 0.99),
        speedRatio: speed('network') / speed('direct'),
        directTokensPerSecond: speed('direct'),
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

function table (rows: readonly Row[]): string {
  const head = ['engine', 'streams', 'added TTFT p50', 'p99', 'speed ratio', 'CPU/token: engine alone', 'provider', 'gateway']
  const body = rows.map(row => [
    row.engine, String(row.streams), `${row.addedTtftP50Ms.toFixed(1)} ms`, `${row.addedTtftP99Ms.toFixed(1)} ms`, row.speedRatio.toFixed(3),
    `${row.cpuPerTokenUs.direct.toFixed(0)} µs`, `${row.cpuPerTokenUs.provider.toFixed(0)} µs`, `${row.cpuPerTokenUs.gateway.toFixed(0)} µs`
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...body.map(line => line[i].length)))
  return [head, ...body].map(line => line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd()).join('\n')
}

const command = new Command('npm run bench --')
  .description('The same engine directly over HTTP and through the network: attested (simulated), sealed, paid, with padding, flush timer and disk sync. Ratios count; single times on a busy machine do not.')
  .option('--quick', 'fewer rounds')
  .option('--json', 'print the result as one JSON line')
  .parse()
const options = command.opts<{ quick?: boolean, json?: boolean }>()

const rows: Row[] = []
for (const engine of ['llama', 'synthetic'] as const) {
  process.stderr.write(`measuring the ${engine === 'llama' ? 'demonstration model' : 'synthetic engine'}\n`)
  rows.push(...await measureEngine(engine, options.quick === true ? 10 : 60, [1, 16]))
}
const result = { at: new Date().toISOString(), node: process.version, cores: availableParallelism(), rows }
const file = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bench', 'results', `${result.at.replaceAll(':', '-')}.json`)
await mkdir(dirname(file), { recursive: true })
await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : `${table(rows)}\nwritten to ${file}\n`)
process.exit(0)
