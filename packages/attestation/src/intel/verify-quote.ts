import { encodeCbor, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { verifyEcdsa } from '../crypto.ts'
import { chainFileFault } from '../material/read-material.ts'
import { absent, evidenceReport, fail, pass } from '../report.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import { parsePemOrDer } from '../x509/pem.ts'
import { judgeCollateral } from './judge-collateral.ts'
import { pckPlatformOf } from './pck.ts'
import { tdxPolicyFaults, sgxPolicyFaults } from './policy-rules.ts'
import { parseQuote, qeBound } from './quote.ts'
import type { Quote, TdReport } from './quote.ts'
import type { Material } from '../material/collector.ts'
import type { Policy } from '../policy.ts'
import type { Check, Claims, CollateralVersions, EvidenceReport } from '../report.ts'
import type { TrustedRoots } from '../roots.ts'
import type { Certificate } from '../x509/certificate.ts'

const PCK_NAME = 'Intel SGX PCK Certificate'
const NO_PCK = 'no PCK certificate: the quote carries none, and none was given'
const PCK_CA_NAMES: readonly string[] = ['Intel SGX PCK Platform CA', 'Intel SGX PCK Processor CA']

export interface QuoteInput {
  readonly evidence: Uint8Array
  readonly material: Material
  readonly atMs: number
  readonly policy: Policy
  readonly knownVersions: CollateralVersions
  readonly roots: Pick<TrustedRoots, 'intel'>
}

/**
 * Verifies a DCAP quote: SGX of version 3, TDX of versions 4 and 5. Pure.
 *
 * @throws {CocoonError} evidence_malformed when the bytes are not a quote
 */
export function verifyQuote (input: QuoteInput): EvidenceReport {
  const { atMs, policy, roots, material, knownVersions } = input
  const quote = parseQuote(input.evidence)
  const chain = pckChainOf(quote, material.certificates)
  const signature = checkSignature(quote, chain[0])
  const chainCheck = checkPckChain(quote, chain, input)
  if (signature.result !== 'pass' || chainCheck.result !== 'pass') {
    const why = 'not judged: the quote is not authentic'
    const checks = [signature, chainCheck, absent('revocation', why), absent('tcb', why), absent('policy', why), absent('measurement', why)]
    return evidenceReport({ kind: quote.tee, tcbStatus: null, checks, claims: null })
  }
  const judged = judgeCollateral({ quote, chain, material, rootSpkiHashes: roots.intel, policy, knownVersions, atMs })
  return evidenceReport({
    kind: quote.tee,
    tcbStatus: judged.tcbStatus,
    checks: [signature, chainCheck, ...judged.checks, ...judgePolicy(quote, policy)],
    claims: claimsOf(quote, chain[0], judged.advisories),
    freshUntilMs: Math.min(...chain.map(one => one.notAfterMs), ...judged.endsMs),
    collateralVersions: judged.versions
  })
}

/**
 * The chain that the quote carries, or, where it carries none, that of the PCK certificate among the files given which
 * did sign. In whatever order they stand: what they are follows from who signed them.
 */
function pckChainOf (quote: Quote, given: readonly Certificate[]): readonly Certificate[] {
  if (quote.pckChain.byteLength === 0) {
    const keys = given.filter(one => one.commonName === PCK_NAME)
    return chainFrom(keys.find(key => vouches(key, quote)) ?? keys[0], given)
  }
  try {
    const { certificates } = parsePemOrDer(quote.pckChain)
    return chainFrom(leavesOf(certificates)[0], certificates)
  } catch {
    return []
  }
}

function vouches (pck: Certificate, quote: Quote): boolean {
  return verifyEcdsa(pck.publicKey, quote.qeReportBytes, quote.qeReportSignature, 'raw')
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
  if (pck == null && quote.pckChain.byteLength === 0) {
    return absent(name, NO_PCK, 'evidence_missing')
  }
  if (pck == null || !vouches(pck, quote)) {
    return fail(name, 'bad_signature', 'the quoting enclave\'s report is not signed by the platform')
  }
  return pass(name, 'quote, quoting enclave and platform key')
}

function checkPckChain (quote: Quote, chain: readonly Certificate[], { material, roots, atMs }: QuoteInput): Check {
  const fileFault = chainFileFault(material)
  if (chain.length === 0 && quote.pckChain.byteLength === 0 && fileFault == null) {
    return absent('chain', NO_PCK, 'evidence_missing')
  }
  const fault = fileFault ?? chainFault(chain, roots.intel, atMs)
  if (fault != null) {
    return fail('chain', 'evidence_refused', fault)
  }
  const [leaf, ca] = chain
  if (chain.length !== 3 || leaf.isCa || leaf.commonName !== PCK_NAME || !PCK_CA_NAMES.includes(ca.commonName)) {
    return fail('chain', 'evidence_refused', 'the chain is not that of a PCK certificate')
  }
  return pass('chain', 'leads to the pinned root')
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
    : fail('measurement', 'evidence_refused', `the measurement is not on the allow-list of the ${policy.name} policy`)]
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

function claimsOf (quote: Quote, pck: Certificate, advisories: readonly string[] | null): Claims {
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
    ...(quote.td == null ? {} : tdClaims(quote.td)),
    ...platform,
    ...(advisories == null ? {} : { advisories })
  }
}

/** What the TD report says besides its measurement. */
function tdClaims (td: TdReport): Record<string, string> {
  return {
    teeTcbSvn: toHex(td.teeTcbSvn),
    mrSeam: toHex(td.mrSeam),
    mrOwner: toHex(td.mrOwner),
    mrOwnerConfig: toHex(td.mrOwnerConfig),
    ...(td.teeTcbSvn2 == null ? {} : { teeTcbSvn2: toHex(td.teeTcbSvn2) }),
    ...(td.mrServiceTd == null ? {} : { mrServiceTd: toHex(td.mrServiceTd) }),
    ...(td.extension == null ? {} : { vmId: String(td.extension.vmId), tdId: toHex(td.extension.tdId), deviceInfo: toHex(td.extension.deviceInfo) })
  }
}
