import { CocoonError } from '@cocoon-net/protocol'
import { parseOnce } from '../parse-once.ts'
import { parseCertificate } from './certificate.ts'
import { parseCrl } from './crl.ts'
import type { Certificate } from './certificate.ts'
import type { Crl } from './crl.ts'

/** NVIDIA's chain has five certificates; nobody's has more than eight. */
const MAX_BLOCKS = 16
const MAX_PEM_BYTES = 65_536

export interface PemContents { readonly certificates: readonly Certificate[], readonly crls: readonly Crl[] }

function decodeBase64 (text: string): Uint8Array {
  const binary = atob(text)
  const out = new Uint8Array(binary.length)
  for (let i = 0; i < out.length; i++) {
    out[i] = binary.charCodeAt(i)
  }
  return out
}

/**
 * Certificates and revocation lists of a PEM text (RFC 7468) or of one DER object.
 *
 * @throws {CocoonError} evidence_malformed
 */
export const parsePemOrDer = parseOnce({ what: 'a certificate file', maxBytes: MAX_PEM_BYTES, maxKept: 128 }, parseContents)

/** PEM as Intel's service puts it into a header (percent-encoded), or as JSON writes a text (line ends escaped). */
function plainText (text: string): string {
  const decoded = text.includes('-----BEGIN%20') ? text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : text
  return decoded.replace(/\\[rn]/g, '\n')
}

function parseContents (data: Uint8Array): PemContents {
  if (data[0] === 0x30) {
    try {
      return { certificates: [parseCertificate(data)], crls: [] }
    } catch {
      return { certificates: [], crls: [parseCrl(data)] }
    }
  }
  const text = plainText(new TextDecoder().decode(data))
  const certificates: Certificate[] = []
  const crls: Crl[] = []
  for (const match of text.matchAll(/-----BEGIN (CERTIFICATE|X509 CRL)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g)) {
    let der: Uint8Array
    try {
      der = decodeBase64(match[2].replace(/\s/g, ''))
    } catch (error) {
      throw new CocoonError('evidence_malformed', 'a PEM block is not base64', { cause: error })
    }
    if (certificates.length + crls.length === MAX_BLOCKS) {
      throw new CocoonError('evidence_malformed', 'too many certificates')
    }
    if (match[1] === 'CERTIFICATE') {
      certificates.push(parseCertificate(der))
    } else {
      crls.push(parseCrl(der))
    }
  }
  if (certificates.length + crls.length === 0) {
    throw new CocoonError('evidence_malformed', 'no certificate in the file')
  }
  return { certificates, crls }
}
