import { asCocoonError } from '@cocoon-net/protocol'
import type { ErrorCode } from '@cocoon-net/protocol'

export type CheckName = 'binding' | 'network' | 'peer' | 'expiry' | 'beacon' | 'kind' | 'reportData' | 'measurement' | 'signature' | 'chain' | 'revocation' | 'tcb' | 'policy' | 'challenge' | 'runtime' | 'gpu'

/** One independent check. `absent` says that there was nothing to check; what follows from that is the policy's business. */
export interface Check {
  readonly name: CheckName
  readonly result: 'pass' | 'fail' | 'absent'
  readonly code: ErrorCode | null
  readonly message: string
}

export function pass (name: CheckName, message: string): Check {
  return { name, result: 'pass', code: null, message }
}

export function fail (name: CheckName, code: ErrorCode, message: string): Check {
  return { name, result: 'fail', code, message }
}

/** With a code where the absence is a reason to refuse. */
export function absent (name: CheckName, message: string, code: ErrorCode | null = null): Check {
  return { name, result: 'absent', code, message }
}

/** Kinds of evidence that can be recognised and verified. */
export const HARDWARE_KINDS = Object.freeze(['tdx', 'sgx', 'snp', 'nvidia'] as const)
export type HardwareKind = typeof HARDWARE_KINDS[number]

/** What authentic evidence says: bytes in hex, numbers in decimal. */
export interface Claims {
  readonly measurement: Readonly<Record<string, string>>
  /** SHA-256, hex, of the whole tuple: what allow-lists name. */
  readonly measurementDigest: string
  readonly reportData: string
  readonly [claim: string]: string | readonly string[] | Readonly<Record<string, string>>
}

/** One reason to refuse. */
export interface Reason {
  readonly check: CheckName
  readonly code: ErrorCode
  readonly message: string
}

/** A check lists its reasons in one message. */
export const REASON_SEPARATOR = '; '

/** The judgement of one piece of evidence, as `cocoon verify --json` prints it. */
export interface EvidenceReport {
  readonly verdict: 'verified' | 'refused'
  readonly kind: HardwareKind
  readonly tcbStatus: string | null
  /** Null when the evidence is not authentic: its claims are then anybody's. */
  readonly claims: Claims | null
  readonly checks: readonly Check[]
  /** Why it is refused: every reason of every check that did not pass, not only the first; none when it is verified. */
  readonly reasons: readonly Reason[]
  /** When the first certificate, list or signed JSON that the judgement rests on ends, unix milliseconds; null when it rests on none. */
  readonly freshUntilMs: number | null
  /** Versions of authentic collateral by what it is of: to be remembered, and given back as `knownVersions`. */
  readonly collateralVersions: CollateralVersions
}

/** Evaluation numbers by collateral, such as `{"tcb/TDX/90C06F000000": 18, "qe/TD_QE": 18}`. */
export type CollateralVersions = Readonly<Record<string, number>>

/** The higher of two versions each; `known` itself when nothing is higher, so that a caller sees whether to write. */
export function newestVersions (known: CollateralVersions, seen: CollateralVersions): CollateralVersions {
  const higher = Object.entries(seen).filter(([key, version]) => version > (known[key] ?? -1))
  return higher.length === 0 ? known : { ...known, ...Object.fromEntries(higher) }
}

/** Without a pass of each of these nothing is verified: absence refuses. */
const REQUIRED: readonly CheckName[] = ['signature', 'chain', 'revocation', 'tcb', 'policy']

/** Verified means: every required check passed, and none failed. */
export function evidenceReport (init: Omit<EvidenceReport, 'verdict' | 'reasons' | 'freshUntilMs' | 'collateralVersions'> & Partial<EvidenceReport>): EvidenceReport {
  const passed = REQUIRED.every(name => init.checks.some(check => check.name === name && check.result === 'pass'))
  const failed = init.checks.some(check => check.result === 'fail')
  const verdict = passed && !failed && init.claims != null ? 'verified' : 'refused'
  return { freshUntilMs: null, collateralVersions: {}, ...init, verdict, reasons: verdict === 'verified' ? [] : reasonsOf(init.checks) }
}

/** What is absent without a code refuses nothing by itself. */
function reasonsOf (checks: readonly Check[]): Reason[] {
  return checks.flatMap(({ name, result, code, message }) => result === 'pass' || code == null
    ? []
    : message.split(REASON_SEPARATOR).map(one => ({ check: name, code, message: one })))
}

/** Runs a step that throws a CocoonError on refusal, and turns that into a failed check. */
export function attempt<T> (name: CheckName, step: () => T): { value: T, check: null } | { value: null, check: Check } {
  try {
    return { value: step(), check: null }
  } catch (error) {
    const known = asCocoonError(error, 'evidence_malformed')
    return { value: null, check: fail(name, known.code, known.message) }
  }
}
