import { encodeCbor, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { verifyEcdsa } from '../crypto.ts'
import { chainFileFault } from '../material/read-material.ts'
import { absent, attempt, evidenceReport, fail, pass } from '../report.ts'
import { AMD_PRODUCTS } from '../roots.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import { crlFault, newestCrl, nextBeginMs } from '../x509/crl.ts'
import { endorsementKeyOf } from './endorsement-key.ts'
import { belowMinimum, snpPolicyFaults, tcbDifferences } from './policy-rules.ts'
import { decodeTcb, parseSnpReport } from './snp-report.ts'
import type { SnpReport } from './snp-report.ts'
import type { Material } from '../material/collector.ts'
import type { Policy } from '../policy.ts'
import type { Check, Claims, EvidenceReport } from '../report.ts'
import type { AmdProduct, TrustedRoots } from '../roots.ts'
import type { Certificate } from '../x509/certificate.ts'

export interface SnpInput {
  readonly evidence: Uint8Array
  /** VCEK or VLEK, its CA, AMD's root, and the root's revocation list, in any order, among others. */
  readonly material: Material
  readonly atMs: number
  readonly policy: Policy
  readonly roots: Pick<TrustedRoots, 'amd'>
}

/**
 * Verifies an SEV-SNP report of version 2 to 5 for Milan, Genoa and Turin. Pure.
 *
 * @throws {CocoonError} evidence_malformed when the bytes are not a report
 */
export function verifySnpReport (input: SnpInput): EvidenceReport {
  const { atMs, policy, roots } = input
  const report = parseSnpReport(input.evidence)
  const { chain, isSigned } = chainOf(report, input.material.certificates)
  const leaf: Certificate | undefined = chain[0]
  const signature = checkSignature(leaf, isSigned)
  const product = AMD_PRODUCTS.find(name => roots.amd[name].includes(chain.at(-1)?.spkiHash ?? '')) ?? null
  const chainCheck = checkChain(chain, product, report, input)
  const authentic = signature.result === 'pass' && chainCheck.result === 'pass'
  const checks: Check[] = [signature, chainCheck]
  if (!authentic || product == null) {
    const why = 'not judged: the report is not authentic'
    checks.push(absent('revocation', why), absent('tcb', why), absent('policy', why), absent('measurement', why))
    return evidenceReport({ kind: 'snp', tcbStatus: null, checks, claims: null })
  }
  const revocation = checkRevocation(input.material, chain, atMs)
  const tcb = attempt('tcb', () => checkTcb(report, leaf, product, policy))
  const faults = snpPolicyFaults(report)
  checks.push(
    revocation.check,
    tcb.check ?? tcb.value,
    faults.length === 0 ? pass('policy', `the ${policy.name} rules`) : fail('policy', 'evidence_refused', faults.join('; ')),
    checkMeasurement(report, policy)
  )
  return evidenceReport({
    kind: 'snp',
    // AMD publishes no status: without the policy's minimum there is nothing to compare with.
    tcbStatus: tcb.value?.result === 'pass' && policy.snpMinimumTcb[product] != null ? 'UpToDate' : null,
    checks,
    claims: claimsOf(report, product),
    freshUntilMs: Math.min(...chain.map(one => one.notAfterMs), ...revocation.endsMs)
  })
}

function signs (leaf: Certificate, report: SnpReport): boolean {
  return verifyEcdsa(leaf.publicKey, report.signed, report.signature, 'raw')
}

/** Endorsement key, its CA, root. Of several keys, as a folder may hold them, that which signed the report. */
function chainOf (report: SnpReport, pool: readonly Certificate[]): { chain: readonly Certificate[], isSigned: boolean } {
  const leaves = leavesOf(pool).filter(certificate => !certificate.isCa)
  const signer = leaves.find(leaf => signs(leaf, report))
  return { chain: chainFrom(signer ?? leaves[0], pool), isSigned: signer != null }
}

function checkSignature (leaf: Certificate | undefined, isSigned: boolean): Check {
  const name = 'signature'
  if (leaf == null) {
    return absent(name, 'no endorsement key', 'evidence_missing')
  }
  return isSigned ? pass(name, `signed by the ${leaf.commonName}`) : fail(name, 'bad_signature', 'the report is not signed by this endorsement key')
}

function checkChain (chain: readonly Certificate[], product: AmdProduct | null, report: SnpReport, input: SnpInput): Check {
  const name = 'chain'
  const { certificates } = input.material
  const fileFault = chainFileFault(input.material)
  if (certificates.length === 0 && fileFault == null) {
    return absent(name, 'no certificates: endorsement key, its CA and root are needed', 'evidence_missing')
  }
  if (chain.length !== 3 && fileFault == null) {
    return fail(name, 'evidence_missing', 'the chain is not complete: endorsement key, its CA and root are needed')
  }
  const fault = fileFault ?? chainFault(chain, Object.values(input.roots.amd).flat(), input.atMs)
  if (fault != null || product == null) {
    return fail(name, 'evidence_refused', fault ?? 'the chain does not end at a pinned root')
  }
  const [leaf, ca] = chain
  const kind = leaf.commonName === 'SEV-VLEK' ? 'vlek' : 'vcek'
  const names = kind === 'vlek' ? ['SEV-VLEK', `SEV-VLEK-${product}`] : ['SEV-VCEK', `SEV-${product}`]
  if (leaf.commonName !== names[0] || ca.commonName !== names[1]) {
    return fail(name, 'evidence_refused', 'the chain is not that of an endorsement key')
  }
  const key = attempt(name, () => endorsementKeyOf(leaf, product))
  if (key.check != null) {
    return key.check
  }
  if (!isOfProduct(key.value.productName, product)) {
    return fail(name, 'evidence_refused', 'the endorsement key is of another product than its root')
  }
  return pass(name, `leads to the pinned root for ${product}`)
}

/** Bergamo and Siena stand under the root keys of Genoa (AMD 57230). */
const NAMES_UNDER_ROOT: Readonly<Record<AmdProduct, readonly string[]>> = Object.freeze({ Milan: ['Milan'], Genoa: ['Genoa', 'Bergamo', 'Siena'], Turin: ['Turin'] })

/** Product names look like "Milan-B0" in a VCEK, and like "Genoa" in others and in a VLEK. */
function isOfProduct (productName: string, product: AmdProduct): boolean {
  return NAMES_UNDER_ROOT[product].includes(productName.split('-')[0])
}

function checkRevocation (material: Material, chain: readonly Certificate[], atMs: number): { check: Check, endsMs: number[] } {
  const [leaf, ca, root] = chain
  const faults = material.faults.filter(({ part }) => part === 'revocation').map(({ message }) => message)
  if (material.crls.length === 0 && faults.length === 0) {
    return { check: absent('revocation', 'no revocation list of AMD\'s root', 'collateral_missing'), endsMs: [] }
  }
  const crl = newestCrl(material.crls.map(({ crl }) => crl), root, atMs)
  const fault = crlFault(crl, root, [leaf, ca], atMs)
  const all = [...faults, ...(fault == null ? [] : [fault])]
  return {
    check: all.length === 0 ? pass('revocation', 'no certificate is revoked') : fail('revocation', 'evidence_refused', all.join('; ')),
    endsMs: [crl?.nextUpdateMs, nextBeginMs(material.crls, atMs) - 1].filter(ms => ms != null)
  }
}

/** "the VCEK's TCB extension equals the reported TCB" */
function checkTcb (report: SnpReport, leaf: Certificate, product: AmdProduct, policy: Policy): Check {
  const key = endorsementKeyOf(leaf, product)
  const reported = decodeTcb(report.reportedTcb, product)
  const faults: string[] = []
  const differences = tcbDifferences(key.tcb, reported)
  if (differences.length > 0) {
    faults.push(`the endorsement key is for another TCB (${differences.join(', ')})`)
  }
  const below = belowMinimum(reported, product, policy)
  if (below.length > 0) {
    faults.push(`the TCB is below the minimum (${below.join(', ')})`)
  }
  if (report.product != null && report.product !== product) {
    faults.push('the report is of another product than the endorsement key')
  }
  const kind = key.hardwareId == null ? 'vlek' : 'vcek'
  // Reports of firmware that knows no VLEK have zeros there, which mean VCEK.
  if (report.signingKey !== kind) {
    faults.push('the report names another kind of key')
  }
  // Turin's chip ids have eight bytes and zeros after them.
  if (key.hardwareId != null && !equalBytes(key.hardwareId, report.chipId.subarray(0, key.hardwareId.byteLength))) {
    faults.push('the endorsement key is of another chip')
  }
  const text = `boot loader ${reported.bootLoader}, tee ${reported.tee}, snp ${reported.snp}, microcode ${reported.microcode}`
  return faults.length === 0 ? pass('tcb', text) : fail('tcb', 'evidence_refused', faults.join('; '))
}

/** "Measurement means all of": SNP {MEASUREMENT, HOST_DATA, POLICY}. */
function measurementOf (report: SnpReport): { fields: Readonly<Record<string, string>>, digest: string } {
  const fields = { measurement: toHex(report.measurement), hostData: toHex(report.hostData), policy: report.policy.toString(16).padStart(16, '0') }
  return { fields, digest: toHex(sha256(encodeCbor(fields))) }
}

function checkMeasurement (report: SnpReport, policy: Policy): Check {
  if (policy.measurements == null) {
    return absent('measurement', 'no measurement allow-list')
  }
  return policy.measurements.includes(measurementOf(report).digest)
    ? pass('measurement', 'on the allow-list')
    : fail('measurement', 'evidence_refused', `the measurement is not on the allow-list of the ${policy.name} policy`)
}

function claimsOf (report: SnpReport, product: AmdProduct): Claims {
  const { fields, digest } = measurementOf(report)
  const { fmc, bootLoader, tee, snp, microcode } = decodeTcb(report.reportedTcb, product)
  const zeroChip = report.chipId.every(byte => byte === 0)
  return {
    measurement: fields,
    measurementDigest: digest,
    reportData: toHex(report.reportData),
    reportVersion: String(report.version),
    product,
    vmpl: String(report.vmpl),
    signingKey: report.signingKey,
    reportedTcb: { fmc: String(fmc), bootLoader: String(bootLoader), tee: String(tee), snp: String(snp), microcode: String(microcode) },
    guestSvn: String(report.guestSvn),
    familyId: toHex(report.familyId),
    imageId: toHex(report.imageId),
    idKeyDigest: toHex(report.idKeyDigest),
    authorKeyDigest: toHex(report.authorKeyDigest),
    reportId: toHex(report.reportId),
    // "A zero CHIP_ID proves no uniqueness."
    ...(zeroChip ? {} : { processorIdHash: toHex(sha256(report.chipId)) })
  }
}
