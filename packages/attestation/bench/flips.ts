/**
 * Every single-bit flip and every truncation of every quote and report of a folder of vectors (`expected.json` and the
 * files that it names). Exits 1 when one that must refuse does not.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { decodeEvidence, productionPolicy, verifyEvidence } from '../src/index.ts'
import { flipBits, truncate } from '../test/simulated/flips.ts'
import { commandLine, positive, refuse } from './command-line.ts'
import type { EvidenceReport } from '../src/index.ts'
import type { FlipCounts } from '../test/simulated/flips.ts'

interface Case { readonly id: string, readonly kind: string, readonly evidence: string, readonly collateral?: string, readonly chain?: readonly string[], readonly at: string }

const usage = `usage: npm run flips -w packages/attestation -- [--vectors DIR] [--case ID] [--stride N]
  --vectors  a folder with expected.json and the files that it names; default the folder vectors in COCOON_SHARED
  --case     one case of expected.json alone
  --stride   every Nth bit and length alone`
const options = commandLine(usage, ['vectors', 'case', 'stride'])
const stride = positive(usage, 'stride', options.stride, 1)
const folder = options.vectors ?? (process.env.COCOON_SHARED == null ? refuse(usage, 'which vectors?') : join(process.env.COCOON_SHARED, 'vectors'))
if (!existsSync(join(folder, 'expected.json'))) {
  refuse(usage, `there is no ${join(folder, 'expected.json')}`)
}
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)))
const { cases } = JSON.parse(new TextDecoder().decode(read('expected.json'))) as { cases: Case[] }

const line = (id: string, what: string, { refused, malformed, unchanged, faults }: FlipCounts, seconds: number): string =>
  `${id}: ${refused + malformed + unchanged} ${what}: ${refused} refused, ${malformed} not recognised, ${unchanged} outside what is signed (claims unchanged), ${faults.length} faults, ${seconds.toFixed(0)} s`

if (options.case != null && !cases.some(({ id }) => id === options.case)) {
  refuse(usage, `there is no case ${options.case}`)
}

let failed = false
let sum: FlipCounts = { refused: 0, malformed: 0, unchanged: 0, faults: [] }
const done = new Set<string>()
for (const one of cases) {
  const files = { collateral: one.collateral == null ? null : read(one.collateral), chain: (one.chain ?? []).map(read) }
  const judge = (changed: Uint8Array): EvidenceReport => verifyEvidence({ evidence: changed, ...files, atMs: Date.parse(one.at), policy: productionPolicy })
  const evidence = decodeEvidence(read(one.evidence))
  const honest = judge(evidence)
  // Evidence that is not authentic to begin with has no claims to change, and each piece needs one run.
  if (honest.claims == null || done.has(one.evidence) || (options.case != null && options.case !== one.id)) {
    continue
  }
  done.add(one.evidence)
  for (const [what, step] of [['flips', flipBits], ['truncations', truncate]] as const) {
    const start = performance.now()
    const counts = step({ kind: one.kind, evidence, honest, judge }, place => place % stride === 0)
    process.stdout.write(`${line(one.id, what, counts, (performance.now() - start) / 1_000)}\n${counts.faults.map(fault => `  ${fault}\n`).join('')}`)
    sum = { refused: sum.refused + counts.refused, malformed: sum.malformed + counts.malformed, unchanged: sum.unchanged + counts.unchanged, faults: [...sum.faults, ...counts.faults] }
    failed ||= counts.faults.length > 0
  }
}
process.stdout.write(`${line(`all ${done.size} pieces`, 'changes', sum, performance.now() / 1_000)}\n`)
// A case whose evidence is not authentic shows nothing.
process.exit(failed || done.size === 0 ? 1 : 0)
