import { CocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { errorText, printResult } from '../output.ts'
import { readBounded, readMaterialFiles } from './verify-files.ts'
import { NO_MEMORY, openMemory } from './verify-memory.ts'
import { reportText } from './verify-text.ts'
import type { Invocation } from '../invocation.ts'
import type { MaterialFiles } from './verify-files.ts'
import type { VerifyResult } from './verify-text.ts'
import type { EvidenceReport, Policy, UnreadableMaterial } from '@cocoon-net/attestation'

/** Date, or date and time with seconds optional, in UTC or with an offset; without one it is UTC. */
const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:[Tt](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)([Zz]|[+-]\d{2}:\d{2})?)?$/

async function readPolicy (path: string | undefined): Promise<Policy> {
  const { parsePolicy, productionPolicy } = await import('@cocoon-net/attestation')
  if (path === undefined) {
    return productionPolicy
  }
  const text = new TextDecoder().decode(await readBounded(path))
  let value: unknown
  try {
    value = JSON.parse(text)
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

interface Options { readonly collateral?: readonly string[], readonly chain?: readonly string[], readonly at?: string, readonly policy?: string }

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
      throw new CocoonError('file_unusable', `The evidence cannot be read: ${error.message}`, { cause: error })
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
  const readAll = async (paths: readonly string[] = []): Promise<MaterialFiles[]> => Promise.all(paths.map(async path => readMaterialFiles(path, isMaterial)))
  const [collateral, chain] = [await readAll(options.collateral), await readAll(options.chain)]
  const faultsOf = (as: UnreadableMaterial['as'], read: readonly MaterialFiles[]): UnreadableMaterial[] => read.flatMap(({ faults }) => faults.map(message => ({ as, message })))
  return {
    collateral: collateral.flatMap(({ files }) => files),
    chain: chain.flatMap(({ files }) => files),
    unreadable: [...faultsOf('collateral', collateral), ...faultsOf('chain', chain)]
  }
}

/** Judges evidence from hardware: exits 0 when verified, 1 when refused, 2 when it is no evidence of a known kind. */
export async function verifyHardwareEvidence (invocation: Invocation, evidence: Uint8Array): Promise<number> {
  const { verifyEvidence } = await import('@cocoon-net/attestation')
  const options = invocation.options as Options
  const atMs = options.at === undefined ? Date.now() : timeOf(options.at)
  const policy = await readPolicy(options.policy)
  const { collateral, chain, ...given } = await readGiven(options)
  // A judgement of another time is a question about that time: it reads and writes no memory.
  const memory = options.at === undefined ? await openMemory(invocation.home) : NO_MEMORY
  const unreadable: readonly UnreadableMaterial[] = [...given.unreadable, ...(memory.fault === null ? [] : [{ as: 'collateral' as const, message: memory.fault }])]
  const allowedKinds = options.policy === undefined ? undefined : policy.allowedKinds
  const report = judge(() => verifyEvidence({ evidence, collateral, chain, unreadable, atMs, policy, knownVersions: memory.versions, allowedKinds }))
  await memory.remember(report.collateralVersions).catch((error: CocoonError) => { invocation.context.err(errorText(error)) })
  const { verdict, kind, tcbStatus, claims, checks, reasons, freshUntilMs, collateralVersions } = report
  const result: VerifyResult = { verdict, kind, tcbStatus, at: new Date(atMs).toISOString(), claims, checks, reasons, freshUntilMs, collateralVersions, note: noteOf(policy, unreadable) }
  printResult(invocation.context, invocation.json, result, reportText)
  return report.verdict === 'verified' ? EXIT_DONE : EXIT_NO
}
