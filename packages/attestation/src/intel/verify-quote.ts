import { CocoonError, encodeCbor, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { verifyEcdsa } from '../crypto.ts'
import { absent, attempt, evidenceReport, fail, pass } from '../report.ts'
import { chainFault } from '../x509/certificate.ts'
import { crlFault } from '../x509/crl.ts'
import { parsePemOrDer } from '../x509/pem.ts'
import { openSignedJson, parseCollateral } from './collateral.ts'
import { pckPlatformOf } from './pck.ts'
import { tdxPolicyFaults, sgxPolicyFaults } from './policy-rules.ts'
import { parseQuote, qeBound } from './quote.ts'
import { mergeStatus, moduleLevel, platformLevel, qeLevel } from './tcb.ts'
import type { Collateral, QeIdentity, TcbInfo, TcbStatus } from './collateral.ts'
import type { PckPlatform } from './pck.ts'
import type { Quote } from './quote.ts'
import type { Policy } from '../policy.ts'
import type { Check, Claims, EvidenceReport } from '../report.ts'
import type { TrustedRoots } from '../roots.ts'
import type { Certificate } from '../x509/certificate.ts'

const PCK_NAME = 'Intel SGX PCK Certificate'
const PCK_CA_NAMES: readonly string[] = ['Intel SGX PCK Platform CA', 'Intel SGX PCK Processor CA']

export interface QuoteInput {
  readonly evidence: Uint8Array
  readonly collateral: Uint8Array | null
  readonly atMs: number
  readonly policy: Policy
  readonly roots: Pick<TrustedRoots, 'intel'>
}

/**
 * Verifies a DCAP quote: SGX of version 3, TDX of versions 4 and 5. Pure.
 *
 * @throws {CocoonError} evidence_malformed when the bytes are not a quote
 */
export function verifyQuote (input: QuoteInput): EvidenceReport {
  const { atMs, policy, roots } = input
  const quote = parseQuote(input.evidence)
  const chain = pckChainOf(quote)
  const signature = checkSignature(quote, chain[0])
  const chainCheck = checkPckChain(chain, roots.intel, atMs)
  const authentic = signature.result === 'pass' && chainCheck.result === 'pass'
  const checks: Check[] = [signature, chainCheck]
  let collateral: Collateral | null = null
  let collateralFault: Check | null = null
  if (input.collateral != null) {
    const opened = attempt('tcb', () => parseCollateral(input.collateral ?? new Uint8Array()))
    collateral = opened.value
    collateralFault = opened.check
  }
  let tcbStatus: TcbStatus | null = null
  if (!authentic) {
    const why = 'not judged: the quote is not authentic'
    checks.push(absent('revocation', why), absent('tcb', why), absent('policy', why), absent('measurement', why))
  } else {
    if (collateral == null) {
      const why = input.collateral == null ? 'no collateral' : 'no usable collateral'
      checks.push(collateralFault == null ? absent('revocation', why) : { ...collateralFault, name: 'revocation' }, collateralFault ?? absent('tcb', why))
    } else {
      const usable = collateral
      checks.push(checkRevocation(usable, chain, roots.intel, atMs))
      const tcb = attempt('tcb', () => judgeTcb(quote, chain[0], usable, input))
      tcbStatus = tcb.value?.status ?? null
      checks.push(tcb.value?.check ?? tcb.check ?? fail('tcb', 'internal', 'not judged'))
    }
    checks.push(...judgePolicy(quote, policy))
  }
  return evidenceReport({ kind: quote.tee, tcbStatus, checks, claims: authentic ? claimsOf(quote, chain[0]) : null })
}

function pckChainOf (quote: Quote): readonly Certificate[] {
  try {
    return parsePemOrDer(quote.pckChain).certificates
  } catch {
    return []
  }
}

/** Attestation key over the quote, the QE's report over that key, the PCK key over the QE's report. */
function checkSignature (quote: Quote, pck: Certificate | undefined): Check {
  const name = 'signature'
  const point = new Uint8Array(65)
  point[0] = 4
  point.set(quote.attestationKey, 1)
  if (!verifyEcdsa({ type: 'ec', curve: 'P-256', point }, quote.signed, quote.signature, 'raw')) {
    return fail(name, 'bad_signature', 'the quote is not signed by its attestation key')
  }
  const reportData = new Uint8Array(64)
  reportData.set(sha256(qeBound(quote)))
  if (!equalBytes(reportData, quote.qeReport.reportData)) {
    return fail(name, 'bad_signature', 'the quoting enclave does not vouch for the attestation key')
  }
  if (pck == null || !verifyEcdsa(pck.publicKey, quote.qeReportBytes, quote.qeReportSignature, 'raw')) {
    return fail(name, 'bad_signature', 'the quoting enclave\'s report is not signed by the platform')
  }
  return pass(name, 'quote, quoting enclave and platform key')
}

function checkPckChain (chain: readonly Certificate[], roots: readonly string[], atMs: number): Check {
  const fault = chainFault(chain, roots, atMs)
  if (fault != null) {
    return fail('chain', 'evidence_refused', fault)
  }
  const [leaf, ca] = chain
  if (chain.length !== 3 || leaf.isCa || leaf.commonName !== PCK_NAME || !PCK_CA_NAMES.includes(ca.commonName)) {
    return fail('chain', 'evidence_refused', 'the chain is not that of a PCK certificate')
  }
  return pass('chain', 'leads to Intel\'s root')
}

function checkRevocation (collateral: Collateral, chain: readonly Certificate[], roots: readonly string[], atMs: number): Check {
  const [leaf, ca, root] = chain
  const signers = [collateral.tcbInfo.chain[0], collateral.qeIdentity.chain[0]].filter(signer => signer != null)
  const faults = [
    crlFault(collateral.rootCrl, root, [ca, ...signers, ...collateral.pckCrlChain.slice(0, 1)], atMs),
    crlFault(collateral.pckCrl, ca, [leaf], atMs)
  ].filter(fault => fault != null)
  return faults.length === 0 ? pass('revocation', 'no certificate is revoked') : fail('revocation', 'evidence_refused', faults.join('; '))
}

/** @throws {CocoonError} evidence_refused, evidence_malformed, bad_signature, collateral_missing */
function judgeTcb (quote: Quote, pck: Certificate, collateral: Collateral, input: QuoteInput): { check: Check, status: TcbStatus | null } {
  const { atMs, policy, roots } = input
  const info = openSignedJson(collateral.tcbInfo, 'TCB info', roots.intel, atMs)
  const identity = openSignedJson(collateral.qeIdentity, 'QE identity', roots.intel, atMs)
  const refuse = (message: string): CocoonError => new CocoonError('evidence_refused', message)
  if (info.id !== (quote.tee === 'tdx' ? 'TDX' : 'SGX') || identity.id !== (quote.tee === 'tdx' ? 'TD_QE' : 'QE')) {
    throw refuse('the collateral is for another kind of evidence')
  }
  const floor = evaluationFloor(policy, atMs)
  if (info.tcbEvaluationDataNumber < floor || identity.tcbEvaluationDataNumber < floor) {
    throw refuse(`the collateral's evaluation number is below ${floor}`)
  }
  const platform = pckPlatformOf(pck)
  if (info.fmspc !== platform.fmspc || info.pceId !== platform.pceId) {
    throw refuse('the collateral is for another platform')
  }
  return matchLevels(quote, info, identity, platform, input)
}

function matchLevels (quote: Quote, info: TcbInfo, identity: QeIdentity, platform: PckPlatform, input: QuoteInput): { check: Check, status: TcbStatus } {
  const { atMs, policy } = input
  const qe = qeLevel(identity, quote.qeReport)
  const module = quote.td == null ? null : moduleLevel(info, quote.td)
  const level = platformLevel(info, platform, quote.td)
  const faults = [level == null ? 'no TCB level matches' : null, qe.fault, module?.fault ?? null].filter(fault => fault != null)
  if (level == null || faults.length > 0) {
    throw new CocoonError('evidence_refused', faults.join('; '))
  }
  const parts = [qe.level, module?.level].filter(part => part != null)
  const status = mergeStatus(level.status, parts.map(part => part.status))
  const advisories = [...new Set([level, ...parts].flatMap(part => part.advisories))].sort()
  const newestMs = Math.max(...[level, ...parts].map(part => part.newestLevelMs))
  const inGrace = status === 'OutOfDate' && atMs <= newestMs + policy.outOfDateGraceMs
  const message = `${status}${advisories.length === 0 ? '' : `, advisories ${advisories.join(', ')}`}${inGrace ? ', inside the grace window' : ''}`
  return { status, check: policy.tcbStatuses.includes(status) || inGrace ? pass('tcb', message) : fail('tcb', 'evidence_refused', message) }
}

/** "Version floors for collateral are dated." */
function evaluationFloor (policy: Policy, atMs: number): number {
  return Math.max(0, ...policy.evaluationFloors.filter(floor => Date.parse(floor.from) <= atMs).map(floor => floor.number))
}

function judgePolicy (quote: Quote, policy: Policy): Check[] {
  const faults = quote.td == null
    ? sgxPolicyFaults(quote)
    : tdxPolicyFaults(quote, quote.td)
  const check = faults.length === 0 ? pass('policy', `the ${policy.name} rules`) : fail('policy', 'evidence_refused', faults.join('; '))
  if (policy.measurements == null) {
    return [check, absent('measurement', 'no measurement allow-list')]
  }
  return [check, policy.measurements.includes(measurementOf(quote).digest)
    ? pass('measurement', 'on the allow-list')
    : fail('measurement', 'evidence_refused', 'the measurement is not on the allow-list')]
}

/** "Measurement means all of": TDX {MRTD, RTMR0–3, MRCONFIGID, ATTRIBUTES, XFAM}. Its digest is SHA-256 of the CBOR map of hex texts. */
function measurementOf (quote: Quote): { fields: Readonly<Record<string, string>>, digest: string } {
  const fields: Record<string, string> = {}
  if (quote.td != null) {
    const { td } = quote
    fields.mrtd = toHex(td.mrTd)
    td.rtmrs.forEach((rtmr, i) => { fields[`rtmr${i}`] = toHex(rtmr) })
    fields.mrconfigid = toHex(td.mrConfigId)
    fields.attributes = toHex(td.tdAttributes)
    fields.xfam = toHex(td.xfam)
  } else if (quote.enclave != null) {
    fields.mrenclave = toHex(quote.enclave.mrEnclave)
    fields.mrsigner = toHex(quote.enclave.mrSigner)
    fields.attributes = toHex(quote.enclave.attributes)
    fields.isvprodid = String(quote.enclave.isvProdId)
    fields.isvsvn = String(quote.enclave.isvSvn)
  }
  return { fields, digest: toHex(sha256(encodeCbor(fields))) }
}

function claimsOf (quote: Quote, pck: Certificate): Claims {
  const measurement = measurementOf(quote)
  let platform: Record<string, string> = {}
  try {
    const { fmspc, ppid } = pckPlatformOf(pck)
    platform = { fmspc, processorIdHash: toHex(sha256(new TextEncoder().encode(ppid))) }
  } catch {
    // The TCB check says so; claims simply lack the platform.
  }
  return {
    measurement: measurement.fields,
    measurementDigest: measurement.digest,
    reportData: toHex((quote.td ?? quote.enclave)?.reportData ?? new Uint8Array()),
    quoteVersion: String(quote.version),
    ...platform
  }
}
