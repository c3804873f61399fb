import { CocoonError, equalBytes, sha256, toHex } from '@cocoon-net/protocol'
import { AsnConvert } from '@peculiar/asn1-schema'
import { CertificateList } from '@peculiar/asn1-x509'
import { LRUCache } from 'lru-cache'
import { serialOf, signedBy } from './certificate.ts'
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

const parsed = new LRUCache<string, Crl>({ max: 32 })

/** @throws {CocoonError} evidence_malformed */
export function parseCrl (der: Uint8Array): Crl {
  if (der.byteLength > MAX_CRL_BYTES) {
    throw new CocoonError('evidence_malformed', 'a revocation list is too large')
  }
  const id = toHex(sha256(der))
  let crl = parsed.get(id)
  if (crl == null) {
    try {
      const asn = AsnConvert.parse(der, CertificateList)
      const raw = (asn as CertificateList & { tbsCertListRaw?: ArrayBuffer }).tbsCertListRaw
      if (raw == null) {
        throw new TypeError('no raw list')
      }
      const tbs = asn.tbsCertList
      crl = {
        id,
        tbs: new Uint8Array(raw),
        issuer: new Uint8Array(AsnConvert.serialize(tbs.issuer)),
        thisUpdateMs: tbs.thisUpdate.getTime().getTime(),
        nextUpdateMs: tbs.nextUpdate?.getTime().getTime() ?? null,
        unknownCritical: [tbs.crlExtensions, ...(tbs.revokedCertificates ?? []).map(entry => entry.crlEntryExtensions)].some(list => list?.some(one => one.critical) ?? false),
        revoked: new Set((tbs.revokedCertificates ?? []).map(entry => serialOf(new Uint8Array(entry.userCertificate)))),
        algorithm: asn.signatureAlgorithm.algorithm,
        signature: new Uint8Array(asn.signature)
      }
    } catch (error) {
      throw new CocoonError('evidence_malformed', 'a revocation list cannot be parsed', { cause: error })
    }
    parsed.set(id, crl)
  }
  return crl
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
