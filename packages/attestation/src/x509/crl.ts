import { equalBytes } from '@cocoon-net/protocol'
import { parseOnce } from '../parse-once.ts'
import { serialOf, signedBy } from './certificate.ts'
import { bitsOf, extensionsOf, integerBytes, isInteger, isTime, oidOf, parseDer, rawOf, sequenceOf, tagged, timeOf } from './der.ts'
import type { Certificate } from './certificate.ts'

/** Intel's platform CRL has 3.4 kB with 57 entries; room for a thousand. */
const MAX_CRL_BYTES = 65_536

/** A certificate revocation list (RFC 5280 §5). Parsed, not verified. */
export interface Crl {
  /** Hex of SHA-256 of the whole. */
  readonly id: string
  readonly tbs: Uint8Array
  readonly issuer: Uint8Array
  readonly thisUpdateMs: number
  /** Null when absent: such a list never is in date. */
  readonly nextUpdateMs: number | null
  readonly revoked: ReadonlySet<string>
  /** Whether it has a critical extension, as lists of a part or of changes only do: none is read here. */
  readonly unknownCritical: boolean
  readonly algorithm: string
  readonly signature: Uint8Array
}

/** @throws {CocoonError} evidence_malformed */
export const parseCrl = parseOnce({ what: 'a revocation list', maxBytes: MAX_CRL_BYTES, maxKept: 32 }, convert)

/** CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signatureValue } (RFC 5280 §5.1). */
function convert (der: Uint8Array, id: string): Crl {
  const [tbs, algorithm, signature] = sequenceOf(parseDer(der))
  const fields = [...sequenceOf(tbs)]
  if (isInteger(fields[0])) {
    fields.shift() // version
  }
  const [innerAlgorithm, issuer, thisUpdate, ...rest] = fields
  if (!equalBytes(rawOf(innerAlgorithm), rawOf(algorithm))) {
    throw new TypeError('two algorithms')
  }
  const nextUpdate = isTime(rest[0]) ? rest.shift() : null
  const lists = rest.map(node => tagged(node, 0))
  const entries = lists[0] === null ? sequenceOf(rest[0]).map(sequenceOf) : []
  const extensions = [lists.find(nodes => nodes != null)?.[0], ...entries.map(([, , ofEntry]) => ofEntry)].filter(node => node != null)
  return {
    id,
    tbs: rawOf(tbs),
    issuer: rawOf(issuer),
    thisUpdateMs: timeOf(thisUpdate),
    nextUpdateMs: nextUpdate == null ? null : timeOf(nextUpdate),
    revoked: new Set(entries.map(([serial]) => serialOf(integerBytes(serial)))),
    unknownCritical: extensions.flatMap(extensionsOf).some(({ critical }) => critical),
    algorithm: oidOf(sequenceOf(algorithm)[0]),
    signature: bitsOf(signature)
  }
}

/**
 * The newest at `atMs` of the lists that the issuer did sign: adding an older one rolls nothing back. RFC 5280 §5.2: "If a
 * CRL contains a critical extension that the application cannot process, then the application MUST NOT use that CRL".
 */
export function newestCrl (crls: readonly Crl[], issuer: Certificate, atMs: number): Crl | null {
  const signed = crls.filter(crl => !crl.unknownCritical && equalBytes(crl.issuer, issuer.subject) && issuer.maySignCrls && signedBy(crl, issuer))
  const begun = signed.filter(crl => crl.thisUpdateMs <= atMs)
  // With none but lists of the future, one of them, so that the fault found is that.
  return (begun.length > 0 ? begun : signed).reduce<Crl | null>((newest, crl) => newest == null || crl.thisUpdateMs > newest.thisUpdateMs ? crl : newest, null)
}

/** When the first of the lists that have not begun at `atMs` does, unix milliseconds; Infinity when all have. */
export function nextBeginMs (lists: ReadonlyArray<{ readonly crl: Crl }>, atMs: number): number {
  return Math.min(Infinity, ...lists.map(({ crl }) => crl.thisUpdateMs).filter(ms => ms > atMs))
}

/** Why an issuer's list does not speak at `atMs`, or does revoke one of these certificates; null when neither. */
export function crlFault (crl: Crl | null, issuer: Certificate, certificates: readonly Certificate[], atMs: number): string | null {
  if (crl == null) {
    return `there is no revocation list signed by ${issuer.commonName}`
  }
  if (atMs < crl.thisUpdateMs || crl.nextUpdateMs == null || atMs > crl.nextUpdateMs) {
    return `the revocation list of ${issuer.commonName} is out of date`
  }
  const revoked = certificates.find(certificate => crl.revoked.has(certificate.serial))
  return revoked == null ? null : `${revoked.commonName} is revoked`
}
