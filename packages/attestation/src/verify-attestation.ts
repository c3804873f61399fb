import { CocoonError, asCocoonError, bindingHashOf, decodeBinding, equalBytes, fromHex, reportDataOf, toHex } from '@cocoon-net/protocol'
import { checkBeacon, checkChallenge, checkExpiry, checkNetwork, checkPeer, checkRuntime } from './binding-checks.ts'
import { judgeGpu } from './gpu-evidence.ts'
import { kindAllowed } from './policy.ts'
import { absent, fail, pass } from './report.ts'
import { PRODUCTION_ROOTS } from './roots.ts'
import { verifyEvidenceUnder } from './verify-evidence.ts'
import type { AttestationInput } from './attestation-input.ts'
import type { Policy } from './policy.ts'
import type { Check, EvidenceReport } from './report.ts'
import type { TrustedRoots } from './roots.ts'
import type { Binding, Tier } from '@cocoon-net/protocol'

export interface AttestationVerdict {
  readonly ok: boolean
  /** What the evidence is worth; `open` whenever it is not `ok`. */
  readonly tier: Tier
  /** Hex of SHA-256 of the binding. */
  readonly bindingHash: string
  readonly checks: readonly Check[]
  /** The report on hardware evidence, or null. */
  readonly report: EvidenceReport | null
  /** The report on the GPU's transcript; null when there is none that can be read. */
  readonly gpuReport: EvidenceReport | null
}

/** What is found out before the CPU's evidence is judged. */
interface Cheap { readonly checks: Check[], gpuReport: EvidenceReport | null }

interface Judged { readonly tier: Tier, readonly checks: readonly Check[], readonly report: EvidenceReport | null }

/**
 * Judges one provider for one connection: pure, fail closed, cheap checks first. Every independent check is reported;
 * none runs on input that an earlier one has not authenticated.
 */
export function verifyAttestation (input: AttestationInput): AttestationVerdict {
  return verifyAttestationUnder(PRODUCTION_ROOTS, input)
}

/** The same under other roots: for a private test root, never for production. */
export function verifyAttestationUnder (roots: TrustedRoots, input: AttestationInput): AttestationVerdict {
  const bindingHash = bindingHashOf(input.binding)
  const cheap: Cheap = { checks: [], gpuReport: null }
  const { tier, checks: ofEvidence, report } = judge(roots, input, bindingHash, cheap)
  const checks = [...cheap.checks, ...ofEvidence]
  const ok = checks.every(check => check.result !== 'fail')
  return { ok, tier: ok ? tier : 'open', bindingHash: toHex(bindingHash), checks, report, gpuReport: cheap.gpuReport }
}

function judge (roots: TrustedRoots, input: AttestationInput, bindingHash: Uint8Array, before: Cheap): Judged {
  const { checks } = before
  const { network, policy, nowMs } = input
  const refused = (...faults: Check[]): Judged => ({ tier: 'open', checks: faults, report: null })
  let binding: Binding
  try {
    binding = decodeBinding(input.binding)
  } catch (error) {
    return refused(fail('binding', error instanceof CocoonError ? error.code : 'frame_malformed', 'the binding cannot be parsed'))
  }
  checks.push(
    pass('binding', 'deterministic encoding, all keys known'),
    checkNetwork(binding, input),
    checkPeer(binding, input),
    checkExpiry(binding, input),
    checkBeacon(binding, input),
    checkChallenge(binding, bindingHash, input)
  )
  const kind = binding.evidenceKind
  if (!kindAllowed(kind, policy, network)) {
    return refused(fail('kind', 'evidence_kind_refused', `${kind} evidence is not accepted under the ${policy.name} policy on ${network.name}`))
  }
  checks.push(pass('kind', `${kind} evidence is accepted under the ${policy.name} policy${kind === 'simulated' ? ': it proves nothing about hardware, not private' : ''}`), checkRuntime(binding, input))
  const gpuRoots = kind === 'simulated' ? simulatedRoots(policy.simulationRoots) : roots
  const gpu = judgeGpu(binding, input.gpuEvidence, { policy, atMs: nowMs, roots: gpuRoots, collateral: input.gpuCollateral })
  if (gpu != null) {
    checks.push(gpu.check)
    before.gpuReport = gpu.report
  }
  if (kind === 'none') {
    return refused(absent('signature', 'no evidence: not private'))
  }
  if (input.evidence.byteLength === 0) {
    return refused(fail('signature', 'evidence_missing', 'the binding names evidence and none came'))
  }
  return kind === 'simulated' ? judgeSimulated(input) : judgeHardware(roots, kind, input)
}

function checkReportData (reportData: Uint8Array, input: AttestationInput): Check {
  return equalBytes(reportData, reportDataOf(input.binding))
    ? pass('reportData', 'commits to this binding')
    : fail('reportData', 'report_data_mismatch', 'the evidence commits to another binding')
}

/** Evidence in a vendor's format under a root that only the policy of a devnet lists: the same code, another root. */
function judgeSimulated (input: AttestationInput): Judged {
  const { nowMs: atMs, policy, evidence, collateral, knownVersions } = input
  const roots = simulatedRoots(policy.simulationRoots)
  let report: EvidenceReport
  try {
    report = verifyEvidenceUnder(roots, { evidence, collateral, atMs, policy, knownVersions })
  } catch (error) {
    return { tier: 'open', checks: [fail('signature', asCocoonError(error).code, 'the evidence cannot be parsed')], report: null }
  }
  return { tier: 'simulated', checks: checksOf(report, input), report }
}

function simulatedRoots (roots: readonly string[]): TrustedRoots {
  return { intel: roots, amd: { Milan: roots, Genoa: roots, Turin: roots }, nvidia: roots, nvidiaManifests: roots }
}

/** The report's checks, what the evidence commits to, and a refusal wherever the report is none of a verified kind. */
function checksOf (report: EvidenceReport, input: AttestationInput): Check[] {
  const checks = [...report.checks]
  if (report.claims != null) {
    checks.push(checkReportData(fromHex(report.claims.reportData), input))
  }
  if (report.verdict !== 'verified' && checks.every(check => check.result !== 'fail')) {
    checks.push(fail('policy', 'collateral_missing', checks.filter(check => check.result === 'absent').map(check => check.message).join('; ')))
  }
  return checks
}

function judgeHardware (roots: TrustedRoots, kind: 'tdx' | 'snp', input: AttestationInput): Judged {
  const { policy, evidence, collateral, nowMs: atMs, knownVersions } = input
  let report: EvidenceReport
  try {
    report = verifyEvidenceUnder(roots, { evidence, kind, collateral, atMs, policy, knownVersions })
  } catch (error) {
    return { tier: 'open', checks: [fail('signature', asCocoonError(error).code, 'the evidence cannot be parsed')], report: null }
  }
  // Where hardware is to be trusted, what could not be checked is a refusal: absent collateral, no allow-list of code.
  const strict = report.claims == null
    ? report.checks
    : report.checks.map(check => check.result === 'absent' ? fail(check.name, check.code ?? 'evidence_refused', check.message) : check)
  const checks = checksOf({ ...report, checks: strict }, input)
  return { tier: tierOf(report, policy), checks, report }
}

/** `gold` is for chips that the policy lists; a chip without a proof of its own identity never is one. */
function tierOf (report: EvidenceReport, policy: Policy): Tier {
  const chip = report.claims?.processorIdHash
  return typeof chip === 'string' && report.claims?.signingKey !== 'vlek' && policy.goldProcessors.includes(chip) ? 'gold' : 'silver'
}
