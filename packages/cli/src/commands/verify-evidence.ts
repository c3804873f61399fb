import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { errorText, printResult } from '../output.ts'
import { readBounded, readMaterialFiles } from './verify-files.ts'
import { readVersions, writeVersions } from './verify-memory.ts'
import type { Invocation } from '../invocation.ts'
import type { MaterialFiles } from './verify-files.ts'
import type { Check, Claims, CollateralVersions, EvidenceReport, Policy, UnreadableMaterial } from '@cocoon-net/attestation'

/** Date, or date and time with seconds optional, in UTC or with an offset; without one it is UTC. */
const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:[Tt](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)([Zz]|[+-]\d{2}:\d{2})?)?$/

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

/** @throws {CocoonError} usage for anything but a date that exists */
function timeOf (text: string): number {
  const [, date, time = '00:00', zone = 'Z'] = ISO_TIME.exec(text) ?? []
  const dayMs = Date.parse(`${date}T00:00:00Z`)
  const atMs = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  // Date.parse lets 30 February pass as 2 March.
  if (date === undefined || Number.isNaN(atMs) || !new Date(dayMs).toISOString().startsWith(date)) {
    throw new CocoonError('usage', '--at takes a time such as 2026-03-01T00:00:00Z')
  }
  return atMs
}

interface Options { readonly collateral?: string, readonly chain?: readonly string[], readonly at?: string, readonly policy?: string }

type Result = EvidenceReport & { readonly at: string, readonly note: string }

const MARK = Object.freeze({ pass: 'ok', fail: 'NO', absent: '--' })
const NAME_CHARS = 11

/** A check, with each of its reasons on a line of its own. */
function checkLines (check: Check): string[] {
  const [first, ...more] = check.message.split('; ')
  const code = check.code === null ? '' : ` (${check.code})`
  return [`${MARK[check.result]}  ${check.name.padEnd(NAME_CHARS)}  ${first}${code}`, ...more.map(reason => `${' '.repeat(NAME_CHARS + 6)}${reason}`)]
}

function claimLines (name: string, claim: Claims[string], indent = '  '): string[] {
  if (typeof claim === 'string') {
    return [`${indent}${name}: ${claim}`]
  }
  return Array.isArray(claim)
    ? [`${indent}${name}: ${claim.length === 0 ? 'none' : claim.join(', ')}`]
    : [`${indent}${name}:`, ...Object.entries(claim).flatMap(([key, value]) => claimLines(key, value, `${indent}  `))]
}

function reportText (report: Result): string {
  return [
    `${report.verdict}: ${report.kind} evidence${report.tcbStatus === null ? '' : `, TCB ${report.tcbStatus}`}, at ${report.at}`,
    ...report.checks.flatMap(checkLines),
    ...(report.verdict === 'verified' && report.freshUntilMs !== null ? [`This holds until ${new Date(report.freshUntilMs).toISOString()}.`] : []),
    ...(report.claims === null ? [] : ['The evidence says:', ...Object.entries(report.claims).flatMap(([name, claim]) => claimLines(name, claim))]),
    report.note
  ].join('\n')
}

/** What this judgement does not cover, in words. */
function noteOf (policy: Policy, unreadable: readonly UnreadableMaterial[]): string {
  const code = policy.measurements === null ? 'No measurement allow-list was given: which code ran was not judged. ' : ''
  const unread = unreadable.map(({ message }) => `${message}. `).join('')
  return `${unread}${code}Evidence alone was judged: no binding, no challenge, no beacon.`
}

function judge (verify: () => EvidenceReport): EvidenceReport {
  try {
    return verify()
  } catch (error) {
    if (error instanceof CocoonError && error.code === 'evidence_malformed') {
      throw new CocoonError('file_unusable', `The file is not evidence of a known kind: ${error.message}`, { cause: error })
    }
    throw error
  }
}

interface Given {
  readonly collateral: readonly Uint8Array[]
  readonly chain: readonly Uint8Array[]
  readonly unreadable: readonly UnreadableMaterial[]
}

/** What the flags name. What cannot be read refuses, as any other fault of it does. */
async function readGiven (options: Options): Promise<Given> {
  const { isMaterial } = await import('@cocoon-net/attestation')
  const collateral = options.collateral === undefined ? [] : [await readMaterialFiles(options.collateral, isMaterial)]
  const chain = await Promise.all((options.chain ?? []).map(async path => readMaterialFiles(path, isMaterial)))
  const faultsOf = (as: UnreadableMaterial['as'], read: readonly MaterialFiles[]): UnreadableMaterial[] => read.flatMap(({ faults }) => faults.map(message => ({ as, message })))
  return {
    collateral: collateral.flatMap(({ files }) => files),
    chain: chain.flatMap(({ files }) => files),
    unreadable: [...faultsOf('collateral', collateral), ...faultsOf('chain', chain)]
  }
}

/** The versions remembered, or why they cannot be told: then nobody knows whether the collateral was rolled back. */
async function recall (home: string): Promise<{ versions: CollateralVersions, unreadable: readonly UnreadableMaterial[] }> {
  try {
    return { versions: await readVersions(home), unreadable: [] }
  } catch (error) {
    return { versions: {}, unreadable: [{ as: 'collateral', message: asCocoonError(error).message }] }
  }
}

/** Judges evidence from hardware: exits 0 when verified, 1 when refused, 2 when it is no evidence of a known kind. */
export async function verifyHardwareEvidence (invocation: Invocation, evidence: Uint8Array): Promise<number> {
  const { newestVersions, verifyEvidence } = await import('@cocoon-net/attestation')
  const options = invocation.options as Options
  const atMs = options.at === undefined ? Date.now() : timeOf(options.at)
  const policy = await readPolicy(options.policy)
  const { collateral, chain, ...given } = await readGiven(options)
  // A judgement of another time is a question about that time: it reads and writes no memory.
  const memory = options.at === undefined ? await recall(invocation.home) : { versions: {}, unreadable: [] }
  const unreadable = [...given.unreadable, ...memory.unreadable]
  const allowedKinds = options.policy === undefined ? undefined : policy.allowedKinds
  const report = judge(() => verifyEvidence({ evidence, collateral, chain, unreadable, atMs, policy, knownVersions: memory.versions, allowedKinds }))
  const newest = newestVersions(memory.versions, report.collateralVersions)
  if (options.at === undefined && memory.unreadable.length === 0 && newest !== memory.versions) {
    await writeVersions(invocation.home, newest).catch((error: CocoonError) => { invocation.context.err(errorText(error)) })
  }
  const { verdict, kind, tcbStatus, claims, checks, reasons, freshUntilMs, collateralVersions } = report
  const result: Result = { verdict, kind, tcbStatus, at: new Date(atMs).toISOString(), claims, checks, reasons, freshUntilMs, collateralVersions, note: noteOf(policy, unreadable) }
  printResult(invocation.context, invocation.json, result, reportText)
  return report.verdict === 'verified' ? EXIT_DONE : EXIT_NO
}
