import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { absent, attempt, fail, pass } from '../report.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import { crlFault, newestCrl, nextBeginMs } from '../x509/crl.ts'
import { openQeIdentity, openTcbInfo } from './collateral.ts'
import { pckPlatformOf } from './pck.ts'
import { mergeStatus, moduleLevel, platformLevel, qeLevel, teeTcbSvnsOf, worstStatus } from './tcb.ts'
import type { Opened, QeIdentity, TcbInfo, TcbStatus } from './collateral.ts'
import type { PckPlatform } from './pck.ts'
import type { Quote } from './quote.ts'
import type { Material } from '../material/collector.ts'
import type { Policy } from '../policy.ts'
import type { Check, CollateralVersions } from '../report.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Crl } from '../x509/crl.ts'

export interface CollateralInput {
  /** Authentic. */
  readonly quote: Quote
  /** PCK certificate, its CA, the pinned root. */
  readonly chain: readonly Certificate[]
  readonly material: Material
  readonly rootSpkiHashes: readonly string[]
  readonly policy: Policy
  readonly knownVersions: CollateralVersions
  readonly atMs: number
}

export interface CollateralJudgement {
  readonly checks: readonly Check[]
  readonly tcbStatus: TcbStatus | null
  /** Intel's advisories that the matched levels name, sorted; null where no level matched. */
  readonly advisories: readonly string[] | null
  /** When what passed ends, unix milliseconds. */
  readonly endsMs: readonly number[]
  readonly versions: CollateralVersions
}

interface Opening<T> { readonly value: Opened<T> | null, readonly fault: CocoonError | null }

function opening<T> (step: () => Opened<T>): Opening<T> {
  try {
    return { value: step(), fault: null }
  } catch (error) {
    return { value: null, fault: asCocoonError(error, 'evidence_malformed') }
  }
}

/** Judges revocation and TCB, each by itself: a fault of one hides nothing about the other. */
export function judgeCollateral (input: CollateralInput): CollateralJudgement {
  const platform = opening(() => ({ value: pckPlatformOf(input.chain[0]), chain: [], nextMs: Infinity }))
  const info = opening(() => openTcbInfo({ ...input, misfit: value => tcbInfoMisfit(value, input.quote, platform.value?.value) }))
  const identity = opening(() => openQeIdentity({ ...input, misfit: value => value.id === (input.quote.tee === 'tdx' ? 'TD_QE' : 'QE') ? null : 'the collateral is for another kind of evidence' }))
  const signers = [info, identity].flatMap(({ value }) => value?.chain.slice(0, 1) ?? [])
  const revocation = checkRevocation(input, signers)
  const { check, status, advisories, endMs } = checkTcb(input, platform, info, identity)
  return {
    checks: [revocation.check, check],
    tcbStatus: status,
    advisories,
    endsMs: [endMs, ...revocation.endsMs, ...[info, identity].flatMap(({ value }) => value == null ? [] : [value.value.nextUpdate, value.nextMs - 1, ...value.chain.map(one => one.notAfterMs)])],
    versions: {
      ...(info.value == null ? {} : { [tcbKey(info.value.value)]: info.value.value.tcbEvaluationDataNumber }),
      ...(identity.value == null ? {} : { [qeKey(identity.value.value)]: identity.value.value.tcbEvaluationDataNumber })
    }
  }
}

function tcbKey (info: TcbInfo): string {
  return `tcb/${info.id}/${info.fmspc}`
}

function qeKey (identity: QeIdentity): string {
  return `qe/${identity.id}`
}

function tcbInfoMisfit (info: TcbInfo, quote: Quote, platform: PckPlatform | undefined): string | null {
  if (info.id !== (quote.tee === 'tdx' ? 'TDX' : 'SGX')) {
    return 'the collateral is for another kind of evidence'
  }
  return info.fmspc === platform?.fmspc && info.pceId === platform.pceId ? null : 'the collateral is for another platform'
}

function faultsOf (material: Material, part: 'revocation' | 'tcb'): string[] {
  return material.faults.filter(fault => fault.part === part).map(fault => fault.message)
}

/** "CRL present, by the right issuer, in date": the root's list for the CAs and signers, the CA's for the platform. */
function checkRevocation (input: CollateralInput, signers: readonly Certificate[]): { check: Check, endsMs: number[] } {
  const { chain: [leaf, ca, root], material, atMs } = input
  const faults = faultsOf(material, 'revocation')
  if (material.crls.length === 0 && faults.length === 0) {
    return { check: absent('revocation', material.given ? 'no revocation lists' : 'no collateral', 'collateral_missing'), endsMs: [] }
  }
  const given = (role: 'root' | 'pckCa'): readonly Crl[] => material.crls
    .filter(one => (one.role == null || one.role === role) && (one.issuers == null || isChainOf(one.issuers, ca, input)))
    .map(({ crl }) => crl)
  const issuersEndMs = material.crls.flatMap(one => one.issuers ?? []).map(one => one.notAfterMs).filter(ms => ms >= atMs)
  const ofRoot = newestCrl(given('root'), root, atMs)
  const ofCa = newestCrl(given('pckCa'), ca, atMs)
  const revoked = [crlFault(ofRoot, root, [ca, ...signers], atMs), crlFault(ofCa, ca, [leaf], atMs)].filter(fault => fault != null)
  return {
    check: faults.length + revoked.length === 0
      ? pass('revocation', 'no certificate is revoked')
      : fail('revocation', 'evidence_refused', [...faults, ...revoked].join('; ')),
    endsMs: [ofRoot?.nextUpdateMs, ofCa?.nextUpdateMs, nextBeginMs(material.crls, atMs) - 1, ...issuersEndMs].filter(ms => ms != null)
  }
}

/** Whether the chain that came with the platform's list is that of the CA which stands in the quote. */
function isChainOf (issuers: readonly Certificate[], ca: Certificate, { rootSpkiHashes, atMs }: CollateralInput): boolean {
  const chain = chainFrom(leavesOf(issuers)[0], issuers)
  return chainFault(chain, rootSpkiHashes, atMs) == null && chain[0].spkiHash === ca.spkiHash
}

interface TcbCheck {
  readonly check: Check
  readonly status: TcbStatus | null
  readonly advisories: readonly string[] | null
  /** When a floor or the end of a grace window changes it, unix milliseconds. */
  readonly endMs: number
}

function unmatched (check: Check): TcbCheck {
  return { check, status: null, advisories: null, endMs: Infinity }
}

function checkTcb (input: CollateralInput, platform: Opening<PckPlatform>, info: Opening<TcbInfo>, identity: Opening<QeIdentity>): TcbCheck {
  const { material, atMs, policy } = input
  const faults = faultsOf(material, 'tcb')
  if (material.tcbInfos.length + material.qeIdentities.length + faults.length === 0) {
    return unmatched(absent('tcb', material.given ? 'no TCB info' : 'no collateral', 'collateral_missing'))
  }
  const failed = [platform, info, identity].map(({ fault }) => fault).filter(fault => fault != null)
  if (platform.value == null || info.value == null || identity.value == null || faults.length > 0) {
    return unmatched(fail('tcb', failed[0]?.code ?? 'evidence_malformed', [...faults, ...failed.map(({ message }) => message)].join('; ')))
  }
  const [tcbInfo, qeIdentity] = [info.value.value, identity.value.value]
  const floor = evaluationFloor(policy, atMs)
  const low = ([[tcbKey(tcbInfo), tcbInfo], [qeKey(qeIdentity), qeIdentity]] as const)
    .filter(([key, { tcbEvaluationDataNumber }]) => tcbEvaluationDataNumber < Math.max(floor, input.knownVersions[key] ?? 0))
    .map(([key]) => `the evaluation number of ${key} is below ${Math.max(floor, input.knownVersions[key] ?? 0)}${floor > (input.knownVersions[key] ?? 0) ? `, the floor of the ${policy.name} policy` : ''}`)
  if (low.length > 0) {
    return unmatched(fail('tcb', 'evidence_refused', low.join('; ')))
  }
  const platformValue = platform.value.value
  const matched = attempt('tcb', () => matchLevels(input, tcbInfo, qeIdentity, platformValue))
  return matched.value ?? unmatched(matched.check)
}

/** "Version floors for collateral are dated." */
function evaluationFloor (policy: Policy, atMs: number): number {
  return Math.max(0, ...policy.evaluationFloors.filter(floor => Date.parse(floor.from) <= atMs).map(floor => floor.number))
}

/** When a floor begins that these numbers are below, unix milliseconds. */
function nextFloorMs (policy: Policy, atMs: number, number: number): number {
  return Math.min(Infinity, ...policy.evaluationFloors.filter(floor => floor.number > number).map(floor => Date.parse(floor.from)).filter(ms => ms > atMs))
}

/** @throws {CocoonError} evidence_refused */
function matchLevels (input: CollateralInput, info: TcbInfo, identity: QeIdentity, platform: PckPlatform): TcbCheck {
  const { quote, policy, atMs } = input
  const qe = qeLevel(identity, quote.qeReport)
  const moments = teeTcbSvnsOf(quote.td).map(svns => ({
    level: platformLevel(info, platform, svns),
    module: quote.td == null || svns == null ? null : moduleLevel(info, quote.td, svns)
  }))
  const faults = [...moments.flatMap(({ level, module }) => [level == null ? 'no TCB level matches' : null, module?.fault]), qe.fault].filter(fault => fault != null)
  if (faults.length > 0) {
    throw new CocoonError('evidence_refused', [...new Set(faults)].join('; '))
  }
  const matched = moments.map(({ level, module }) => [level, module?.level, qe.level].filter(part => part != null))
  const status = worstStatus(matched.map(([level, ...parts]) => mergeStatus(level.status, parts.map(part => part.status))))
  const advisories = [...new Set(matched.flat().flatMap(part => part.advisories))].sort()
  const newestMs = Math.max(...matched.flat().map(part => part.newestLevelMs))
  const inGrace = status === 'OutOfDate' && atMs <= newestMs + policy.outOfDateGraceMs
  const message = `${status}${advisories.length === 0 ? '' : `, advisories ${advisories.join(', ')}`}${inGrace ? ', inside the grace window' : ''}`
  const floorMs = nextFloorMs(policy, atMs, Math.min(info.tcbEvaluationDataNumber, identity.tcbEvaluationDataNumber)) - 1
  const endMs = Math.min(floorMs, inGrace ? newestMs + policy.outOfDateGraceMs : Infinity)
  // No policy makes a revoked platform good again.
  const accepted = status !== 'Revoked' && (policy.tcbStatuses.includes(status) || inGrace)
  return { status, advisories, endMs, check: accepted ? pass('tcb', message) : fail('tcb', 'evidence_refused', message) }
}
