import { fromHex, utf8 } from '@cocoon-net/protocol'
import { parsePemOrDer } from '../x509/pem.ts'
import { decodeText } from './decode-text.ts'
import { memberText } from './member-text.ts'
import type { Collector, SignedText } from './collector.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Crl } from '../x509/crl.ts'

const MAX_JSON_TEXT = 131_072
/** Of each kind: room for a folder with the collateral of several platforms. */
const MAX_SIGNED = 8
/** Intel's issuer chains have two certificates, a PCK's three. */
const MAX_ISSUERS = 4
const SIGNATURE_HEX = /^[0-9a-fA-F]{128}$/
const BUNDLE_KEYS = ['tcb_info', 'qe_identity', 'pck_crl', 'root_ca_crl'] as const

type Members = Readonly<Record<string, unknown>>

/** Whether a JSON object is Intel's collateral as one object. */
export function isBundle (value: Members): boolean {
  return BUNDLE_KEYS.some(key => Object.hasOwn(value, key))
}

/** Takes JSON as Intel's service answers, where the signature covers the member's bytes as they stand; false when it is none. */
export function addAnswer (out: Collector, source: string, value: Members): boolean {
  for (const [key, list] of [['tcbInfo', out.tcbInfos], ['enclaveIdentity', out.qeIdentities]] as const) {
    if (Object.hasOwn(value, key)) {
      out.part('tcb', key, () => { addSigned(list, memberText(source, key), value.signature, []) })
      return true
    }
  }
  return false
}

/**
 * Intel's collateral as one object: lists in hex, base64 or PEM; the signed JSON verbatim as text with its signature
 * beside it, or as Intel's service answers, with the signature inside. All members must be there, but for the chain of a
 * PCK certificate, which quotes carry themselves.
 */
export function addBundle (out: Collector, source: string, bundle: Members): void {
  const chain = (key: string): readonly Certificate[] => {
    const text = textOf(bundle[key])
    // Counted before they are parsed, which is what costs.
    if (text.split('-----BEGIN').length - 1 > MAX_ISSUERS) {
      throw new RangeError('too many certificates')
    }
    return parsePemOrDer(utf8(text)).certificates
  }
  const list = (key: string): readonly Crl[] => {
    const text = textOf(bundle[key])
    const der = text.includes('-----BEGIN') ? null : decodeText(utf8(text))
    return parsePemOrDer(der ?? utf8(text)).crls
  }
  out.part('revocation', 'root_ca_crl', () => {
    out.crls.push(...list('root_ca_crl').map(crl => ({ crl, role: 'root' as const, issuers: null })))
  })
  out.part('revocation', 'pck_crl', () => {
    const issuers = chain('pck_crl_issuer_chain')
    out.crls.push(...list('pck_crl').map(crl => ({ crl, role: 'pckCa' as const, issuers })))
  })
  for (const [key, inner, signed] of [['tcb_info', 'tcbInfo', out.tcbInfos], ['qe_identity', 'enclaveIdentity', out.qeIdentities]] as const) {
    out.part('tcb', key, () => {
      const text = typeof bundle[key] === 'string' ? textOf(bundle[key]) : memberText(source, key)
      const answer = bundle[`${key}_signature`] === undefined ? answerOf(text, inner) : { text, signature: bundle[`${key}_signature`] }
      addSigned(signed, answer.text, answer.signature, chain(`${key}_issuer_chain`))
    })
  }
  if (typeof bundle.pck_certificate_chain === 'string') {
    out.part('chain', 'pck_certificate_chain', () => { out.add({ certificates: chain('pck_certificate_chain'), crls: [] }) })
  }
}

/** What stands in an answer of Intel's service, with the signature that is in it. */
function answerOf (text: string | null, member: string): { text: string | null, signature: unknown } {
  const value = text == null ? null : JSON.parse(text) as { signature?: unknown } | null
  return { text: text == null ? null : memberText(text, member), signature: value?.signature }
}

function textOf (value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_JSON_TEXT) {
    throw new TypeError('not a text of a usable length')
  }
  return value
}

function addSigned (list: SignedText[], text: string | null, signature: unknown, issuers: readonly Certificate[]): void {
  if (text == null || text.length > MAX_JSON_TEXT || typeof signature !== 'string' || !SIGNATURE_HEX.test(signature)) {
    throw new TypeError('not signed text')
  }
  if (list.length === MAX_SIGNED) {
    throw new RangeError('too many of them')
  }
  list.push({ text, signature: fromHex(signature), issuers })
}
