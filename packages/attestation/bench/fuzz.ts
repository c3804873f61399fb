/**
 * Fuzzes each parser from self-made seeds. Prints the seed and what was found, as hex to be kept as a test; then what a
 * hostile megabyte costs. Exits 1 when a parser breaks its contract or a megabyte costs 50 ms or more.
 */
import process from 'node:process'
import { utf8 } from '@cocoon-net/protocol'
import { fuzzTargets, mutate, probe, randomOf } from '../test/simulated/fuzz-parsers.ts'
import { commandLine, positive, refuse } from './command-line.ts'
import type { FuzzTarget } from '../test/simulated/fuzz-parsers.ts'

const MEGABYTE = 1_000_000
const MAX_MEGABYTE_MS = 50
const MAX_FINDS = 5

const all = fuzzTargets()
const usage = `usage: npm run fuzz -w packages/attestation -- [--seconds 60] [--seed N] [--target NAME]
  --seconds  for each parser
  --seed     of an earlier run, to see it again; default from the clock
  --target   one of: ${all.map(({ name }) => name).join('; ')}`
const options = commandLine(usage, ['seconds', 'seed', 'target'])
const seconds = positive(usage, 'seconds', options.seconds, 60, false)
const seed = positive(usage, 'seed', options.seed, Date.now() % 2 ** 32)
const targets = all.filter(({ name }) => options.target == null || name === options.target)
if (targets.length === 0) {
  refuse(usage, `there is no target ${options.target ?? ''}`)
}
process.stdout.write(`seed ${seed}, ${seconds} s for each of ${targets.length} parsers\n`)

let failed = false

function fuzz (target: FuzzTarget): void {
  const random = randomOf(seed)
  const start = performance.now()
  let runs = 0
  let slowestMs = 0
  let finds = 0
  while (performance.now() - start < seconds * 1_000 && finds < MAX_FINDS) {
    const data = mutate(target.seeds, random)
    const before = performance.now()
    const find = probe(target, data)
    slowestMs = Math.max(slowestMs, performance.now() - before)
    runs++
    if (find != null) {
      finds++
      failed = true
      process.stdout.write(`  FOUND in ${target.name}, run ${runs}: ${String(find.error)}\n  ${Buffer.from(data).toString('hex')}\n`)
    }
  }
  process.stdout.write(`${target.name}: ${runs} inputs, ${finds} finds, slowest ${slowestMs.toFixed(0)} ms\n`)
}

function filled (part: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: MEGABYTE }, (_, i) => part[i % part.byteLength])
}

function cpuMs (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Three chains of four certificates each, all different and none parsed before: as much as one object of collateral may hold. */
function largestBundle (): Uint8Array {
  const [pem] = fuzzTargets().filter(({ name }) => name === 'pem').map(({ seeds }) => new TextDecoder().decode(seeds[1]))
  const block = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END/.exec(pem)?.[1] ?? ''
  let serial = 0
  const chain = (): string => Array.from({ length: 4 }, () => {
    const der = Buffer.from(block, 'base64')
    der.writeUInt32BE((Date.now() + 65_537 * serial++) % 2 ** 32, der.byteLength - 8)
    return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
  }).join('')
  return utf8(JSON.stringify({
    pck_crl_issuer_chain: chain(), root_ca_crl: '30', pck_crl: '30', tcb_info_issuer_chain: chain(), tcb_info: '{}', tcb_info_signature: '00'.repeat(64), qe_identity_issuer_chain: chain(), qe_identity: '{}', qe_identity_signature: '00'.repeat(64)
  }))
}

/** The dearest of a few megabytes that look like the real thing for as long as possible, milliseconds of CPU. */
function hostileMegabyte (target: FuzzTarget): number {
  const shapes = [...target.seeds.map(filled), ...['[', '{"tcb_info":"', '-----BEGIN CERTIFICATE-----\n', '30820000', 'MIIA'].map(text => filled(utf8(text))), filled(Uint8Array.of(0x30, 0x83)), new Uint8Array(MEGABYTE), largestBundle()]
  return Math.max(...shapes.map(data => {
    const before = cpuMs()
    probe(target, data)
    return cpuMs() - before
  }))
}

for (const target of targets) {
  fuzz(target)
}
// A policy is its user's own file.
for (const target of targets.filter(({ name }) => name !== 'policy')) {
  const ms = hostileMegabyte(target)
  failed ||= ms >= MAX_MEGABYTE_MS
  process.stdout.write(`${target.name}: a hostile megabyte costs at most ${ms.toFixed(1)} ms of CPU\n`)
}
process.exit(failed ? 1 : 0)
