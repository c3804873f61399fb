/** `npm run bench`: the same engine directly over HTTP and through the network, interleaved in one run. */
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { devnetPreset } from '@cocoon-net/protocol'
import { Command } from 'commander'
import { browserName, browserRows, measurePrivacy, privacyRows } from '../bench/attestation-rows.ts'
import { measureEngine } from '../bench/engine-rows.ts'
import { REQUEST_HEAD, STREAM_HEAD, requestRows, streamRows } from '../bench/shaping-rows.ts'
import { measureVoucher } from '../bench/voucher-cost.ts'
import type { EngineRow } from '../bench/engine-rows.ts'

function table (head: readonly string[], body: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((title, i) => Math.max(title.length, ...body.map(line => line[i].length)))
  return [head, ...body].map(line => line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd()).join('\n')
}

function engineTable (rows: readonly EngineRow[]): string {
  return table(
    ['engine', 'streams', 'added TTFT p50', 'p99', 'decode speed', 'throughput', 'CPU/token: engine alone', 'provider', 'gateway'],
    rows.map(row => [
      row.engine, String(row.streams), `${row.addedTtftP50Ms.toFixed(1)} ms`, `${row.addedTtftP99Ms.toFixed(1)} ms`, `× ${row.decodeRatio.toFixed(3)}`, `× ${row.throughputRatio.toFixed(3)}`,
      `${row.cpuPerTokenUs.direct.toFixed(0)} µs`, `${row.cpuPerTokenUs.provider.toFixed(0)} µs`, `${row.cpuPerTokenUs.gateway.toFixed(0)} µs`
    ])
  )
}

/** An answer shorter than half a window is paid with one voucher, at its end: with the default window that is every one here. */
function paymentRow ({ tokensPerAnswer, cpuPerTokenUs }: EngineRow): readonly string[] {
  const paymentUs = (voucher.voucherUs + voucher.signUs) / tokensPerAnswer
  const tokenUs = cpuPerTokenUs.provider + cpuPerTokenUs.gateway
  return [`paying for a token, both sides, beside the token (llama, ${tokensPerAnswer.toFixed(0)} tokens an answer)`, `${paymentUs.toFixed(1)} µs`, `${tokenUs.toFixed(0)} µs`, `× ${(paymentUs / tokenUs).toFixed(4)}`]
}

const command = new Command('npm run bench --')
  .description('The same engine directly over HTTP and through the network: attested (simulated), sealed, paid, with padding, flush timer and disk sync. Ratios count; single times on a busy machine do not.')
  .option('--quick', 'fewer rounds')
  .option('--json', 'print the result as one JSON line')
  .parse()
const options = command.opts<{ quick?: boolean, json?: boolean }>()

const rows: EngineRow[] = []
for (const engine of ['llama', 'synthetic'] as const) {
  process.stderr.write(`measuring the ${engine === 'llama' ? 'demonstration model' : 'synthetic engine'}\n`)
  rows.push(...await measureEngine(engine, options.quick === true ? 10 : 60, [1, 16]))
}
process.stderr.write('measuring the check of a voucher\n')
const voucher = await measureVoucher(devnetPreset(new Uint8Array(32).fill(1)))
process.stderr.write('measuring verification and sealing, also in a browser\n')
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const privacy = await measurePrivacy(root, options.quick === true ? 30 : 100)
const result = { at: new Date().toISOString(), node: process.version, cores: availableParallelism(), rows, voucher, privacy }
const file = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bench', 'results', `${result.at.replaceAll(':', '-')}.json`)
await mkdir(dirname(file), { recursive: true })
await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
const report = [
  engineTable(rows),
  '',
  table(['CPU of', 'this', 'instead', 'ratio'], [
    ['a voucher: decode, check, disk, beside a bare Ed25519 check', `${voucher.voucherUs.toFixed(0)} µs`, `${voucher.verifyUs.toFixed(0)} µs`, `× ${voucher.ratio.toFixed(2)}`],
    paymentRow(rows[0]),
    ...privacyRows(privacy)
  ]),
  '',
  table([`in ${browserName(privacy)}`, 'browser', 'Node', 'ratio'], browserRows(privacy)),
  '',
  `sizes and times that say little: padding, and a timer of ${privacy.shaping.flushMs} ms`,
  table(STREAM_HEAD, streamRows(privacy.shaping)),
  '',
  table(REQUEST_HEAD, requestRows(privacy.shaping)),
  '',
  `written to ${file}`
].join('\n')
process.stdout.write(`${options.json === true ? JSON.stringify(result) : report}\n`)
process.exit(0)
