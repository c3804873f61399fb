/**
 * Every single-bit flip and every truncation of every quote and report of a folder of vectors (`expected.json` and the
 * files that it names): `npm run flips -w packages/attestation -- --vectors DIR [--case ID] [--stride N]`. Exits 1 when
 * one that must refuse does not.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { decodeEvidence, productionPolicy, verifyEvidence } from '../src/index.ts'
import { flipBits, truncate } from '../test/simulated/flips.ts'
import type { EvidenceReport } from '../src/index.ts'
import type { FlipCounts } from '../test/simulated/flips.ts'

interface Case { readonly id: string, readonly kind: string, readonly evidence: string, readonly collateral?: string, readonly chain?: readonly string[], readonly at: string }

const { values } = parseArgs({ options: { vectors: { type: 'string' }, case: { type: 'string' }, stride: { type: 'string', default: '1' } } })
if (values.vectors == null) {
  process.stderr.write('usage: npm run flips -w packages/attestation -- --vectors DIR [--case ID] [--stride N]\n')
  process.exit(2)
}
const folder = values.vectors
const stride = Number(values.stride)
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)))
const { cases } = JSON.parse(new TextDecoder().decode(read('expected.json'))) as { cases: Case[] }

const line = (id: string, what: string, { refused, malformed, unchanged, faults }: FlipCounts, seconds: number): string =>
  `${id}: ${refused + malformed + unchanged} ${what}: ${refused} refused, ${malformed} not recognised, ${unchanged} outside what is signed (claims unchanged), ${faults.length} faults, ${seconds.toFixed(0)} s`

let failed = false
const done = new Set<string>()
for (const one of cases) {
  const judge = (evidence: Uint8Array): EvidenceReport => verifyEvidence({
    evidence,
    collateral: one.collateral == null ? null : read(one.collateral),
    chain: (one.chain ?? []).map(read),
    atMs: Date.parse(one.at),
    policy: productionPolicy
  })
  const evidence = decodeEvidence(read(one.evidence))
  const honest = judge(evidence)
  // Evidence that is not authentic to begin with has no claims to change, and each piece needs one run.
  if (honest.claims == null || done.has(one.evidence) || (values.case != null && values.case !== one.id)) {
    continue
  }
  done.add(one.evidence)
  // The files are read once.
  const files = { collateral: one.collateral == null ? null : read(one.collateral), chain: (one.chain ?? []).map(read) }
  const input = { kind: one.kind, evidence, honest, judge: (changed: Uint8Array) => verifyEvidence({ evidence: changed, ...files, atMs: Date.parse(one.at), policy: productionPolicy }) }
  for (const [what, step] of [['flips', flipBits], ['truncations', truncate]] as const) {
    const start = performance.now()
    const counts = step(input, place => place % stride === 0)
    process.stdout.write(`${line(one.id, what, counts, (performance.now() - start) / 1_000)}\n${counts.faults.map(fault => `  ${fault}\n`).join('')}`)
    failed ||= counts.faults.length > 0
  }
}
process.exit(failed ? 1 : 0)
