import { absent, fail, pass } from '../report.ts'
import { crlFault, newestCrl, nextBeginMs } from '../x509/crl.ts'
import { ocspVerdict } from '../x509/ocsp.ts'
import type { Material } from '../material/collector.ts'
import type { Check } from '../report.ts'
import type { Certificate } from '../x509/certificate.ts'

/** Certificates whose issuers answer for them: leaf first, and the last only as the issuer of the one before. */
export interface RevocableChain { readonly what: string, readonly certificates: readonly Certificate[] }

interface Standing { readonly state: 'good' | 'missing' | 'refused', readonly message: string, readonly endMs: number }

const good = (endMs: number): Standing => ({ state: 'good', message: '', endMs })
const missing = (message: string): Standing => ({ state: 'missing', message, endMs: Infinity })
const refused = (message: string): Standing => ({ state: 'refused', message, endMs: Infinity })

/**
 * An OCSP response or the issuer's revocation list must say that the certificate stands, and neither may say that it does
 * not. A list that is not the issuer's says nothing.
 */
function standingOf (certificate: Certificate, issuer: Certificate, material: Material, atMs: number): Standing {
  const ocsp = ocspVerdict(material.ocspResponses, certificate, issuer, atMs)
  if (ocsp.state === 'refused') {
    return refused(ocsp.message)
  }
  const crl = newestCrl(material.crls.map(placed => placed.crl), issuer, atMs)
  const fault = crl == null ? null : crlFault(crl, issuer, [certificate], atMs)
  if (fault != null) {
    return refused(fault)
  }
  const endsMs = [ocsp.state === 'good' ? ocsp.endMs : null, crl?.nextUpdateMs].filter(ms => ms != null)
  return endsMs.length === 0 ? missing(`no OCSP response for ${certificate.commonName}`) : good(Math.min(...endsMs, nextBeginMs(material.crls, atMs) - 1))
}

/** Every certificate below the last of each chain. Absent when nothing was wrong but that responses are. */
export function checkRevocation (chains: readonly RevocableChain[], material: Material, atMs: number): { check: Check, endMs: number } {
  const standings = chains.flatMap(({ what, certificates }) => certificates.slice(0, -1).map((certificate, i) => {
    const { message, ...standing } = standingOf(certificate, certificates[i + 1], material, atMs)
    return { ...standing, message: `${message} (${what})` }
  }))
  const faults = material.faults.filter(({ part }) => part === 'revocation').map(({ message }) => message)
  const messagesOf = (state: Standing['state']): string[] => standings.filter(one => one.state === state).map(({ message }) => message)
  const refusals = [...faults, ...messagesOf('refused')]
  const endMs = Math.min(Infinity, ...standings.map(standing => standing.endMs))
  if (refusals.length > 0) {
    return { check: fail('revocation', 'evidence_refused', refusals.join('; ')), endMs }
  }
  const absences = messagesOf('missing')
  return absences.length > 0
    ? { check: absent('revocation', absences.join('; '), 'collateral_missing'), endMs }
    : { check: pass('revocation', `none of ${standings.length} certificates is revoked`), endMs }
}
