import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { printResult } from '../output.ts'
import type { Invocation } from '../invocation.ts'
import type { EvidenceReport, Policy } from '@cocoon-net/attestation'

/** Evidence is a few kB, collateral some 20 kB. */
const MAX_FILE_BYTES = 1_024 * 1_024
const MAX_FOLDER_FILES = 64

export async function readBounded (path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES) {
      throw new RangeError('too large')
    }
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new CocoonError('file_unusable', `${path} cannot be read`, { cause })
  }
}

interface Material { readonly collateral: Uint8Array | null, readonly chain: readonly Uint8Array[] }

/** A folder gives its JSON file as collateral and everything else, PEM or DER, as chain; a file is collateral itself. */
async function readCollateral (path: string | undefined): Promise<Material> {
  if (path === undefined) {
    return { collateral: null, chain: [] }
  }
  const info = await stat(path).catch((cause: unknown) => { throw new CocoonError('file_unusable', `${path} cannot be read`, { cause }) })
  if (!info.isDirectory()) {
    return { collateral: await readBounded(path), chain: [] }
  }
  const names = (await readdir(path, { withFileTypes: true })).filter(entry => entry.isFile()).map(entry => entry.name).sort()
  if (names.length > MAX_FOLDER_FILES) {
    throw new CocoonError('file_unusable', `${path} holds more than ${MAX_FOLDER_FILES} files`)
  }
  const json = names.find(name => name.endsWith('.json'))
  const others = names.filter(name => /\.(pem|crt|cer|der|crl)$/i.test(name))
  return {
    collateral: json === undefined ? null : await readBounded(join(path, json)),
    chain: await Promise.all(others.map(async name => readBounded(join(path, name))))
  }
}

async function readPolicy (path: string | undefined): Promise<Policy> {
  const { parsePolicy, productionPolicy } = await import('@cocoon-net/attestation')
  if (path === undefined) {
    return productionPolicy
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(await readBounded(path)))
  } catch (cause) {
    throw new CocoonError('policy_invalid', `${path} is not JSON`, { cause })
  }
  return parsePolicy(value)
}

function timeOf (text: string | undefined): number {
  const atMs = text === undefined ? Date.now() : Date.parse(text)
  if (Number.isNaN(atMs)) {
    throw new CocoonError('usage', '--at takes a time such as 2026-03-01T00:00:00Z')
  }
  return atMs
}

function reportText (report: EvidenceReport & { note?: string }): string {
  const mark = { pass: 'ok', fail: 'NO', absent: '--' }
  return [
    `${report.verdict}: ${report.kind} evidence${report.tcbStatus === null ? '' : `, TCB ${report.tcbStatus}`}`,
    ...report.checks.map(check => `${mark[check.result]}  ${check.name}: ${check.message}`),
    ...(report.note === undefined ? [] : [report.note]),
    ''
  ].join('\n')
}

/** Judges evidence from hardware: exits 0 when verified, 1 when refused, 2 when it is no evidence of a known kind. */
export async function verifyHardwareEvidence (invocation: Invocation, evidence: Uint8Array): Promise<number> {
  const { verifyEvidence } = await import('@cocoon-net/attestation')
  const options = invocation.options as { collateral?: string, chain?: string[], at?: string, policy?: string }
  const atMs = timeOf(options.at)
  const policy = await readPolicy(options.policy)
  const material = await readCollateral(options.collateral)
  const chain = [...material.chain, ...await Promise.all((options.chain ?? []).map(readBounded))]
  let report: EvidenceReport
  try {
    report = verifyEvidence({ evidence, collateral: material.collateral, chain, atMs, policy })
  } catch (error) {
    if (error instanceof CocoonError && error.code === 'evidence_malformed') {
      throw new CocoonError('file_unusable', `The file is not evidence of a known kind: ${error.message}`, { cause: error })
    }
    throw error
  }
  const note = policy.measurements === null ? { note: 'No measurement allow-list was given: which code ran was not judged.' } : {}
  printResult(invocation.context, invocation.json, { ...report, ...note }, reportText)
  return report.verdict === 'verified' ? EXIT_DONE : EXIT_NO
}
