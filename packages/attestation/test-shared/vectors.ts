import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import { productionPolicy, verifyEvidence } from '../src/index.ts'
import type { EvidenceReport } from '../src/index.ts'

/** A case of the vectors' table. */
export interface Case {
  readonly id: string
  readonly kind: string
  readonly evidence: string
  readonly collateral?: string
  readonly chain?: readonly string[]
  readonly at: string
  readonly verdict: string
  readonly tcbStatus?: string
  readonly checks: Readonly<Record<string, string>>
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const vectors = join(process.env.COCOON_SHARED ?? join(root, '..', 'shared'), 'vectors')
export const present = existsSync(join(vectors, 'expected.json'))

export function read (file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(vectors, file)))
}

export function judge (one: Case, evidence: Uint8Array = read(one.evidence)): EvidenceReport {
  return verifyEvidence({
    evidence,
    collateral: one.collateral == null ? null : read(one.collateral),
    chain: (one.chain ?? []).map(read),
    atMs: Date.parse(one.at),
    policy: productionPolicy
  })
}

export function readCases (): Case[] {
  return (JSON.parse(readFileSync(join(vectors, 'expected.json'), 'utf8')) as { cases: Case[] }).cases
}

/** The only test where there are no vectors: a run that claims completeness must not pass without them. */
export function leftOut (): void {
  it('is left out: no vectors', () => {
    expect(process.env.CI, `no vectors at ${vectors}`).to.not.equal('true')
    console.warn(`LEFT OUT: there are no vectors at ${vectors}; set COCOON_SHARED`)
  })
}
