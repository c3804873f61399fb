import { asCocoonError, fromHex, utf8 } from '@cocoon-net/protocol'
import { parsePemOrDer } from '../x509/pem.ts'
import { decodeText } from './decode-text.ts'
import { memberText } from './member-text.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Crl } from '../x509/crl.ts'

/** The real ones have 19 kB. */
const MAX_FILE_BYTES = 262_144
const MAX_JSON_TEXT = 131_072
const MAX_FILES = 64
/** Of each kind: room for a folder with the collateral of several platforms. */
const MAX_SIGNED = 8
/** Certificates and lists together: room for all of AMD's and Intel's issuers and the keys of many machines. */
const MAX_PARSED = 96
/** Intel's issuer chains have two certificates. */
const MAX_ISSUERS = 4
const SIGNATURE_HEX = /^[0-9a-fA-F]{128}$/
const HEX = /^([0-9a-fA-F]{2})+$/
/** How DER of a sequence of more than 127 bytes begins in hex and in base64. */
const WRITTEN_DER = /^["']?(?:(?:0[xX])?30:?8|MI)/

/** JSON that Intel signed: the text exactly as it was signed, still unread. */
export interface SignedText {
  readonly text: string
  readonly signature: Uint8Array
  /** The certificates that came with it; empty when they lie in files of their own. */
  readonly issuers: readonly Certificate[]
}

/** A revocation list, with what the place where it stood says of it. */
export interface PlacedCrl {
  readonly crl: Crl
  /** Whose list it was given as; null where nothing was said. */
  readonly role: 'root' | 'pckCa' | null
  /** The issuer's chain, where one came with it. */
  readonly issuers: readonly Certificate[] | null
}

/** What cannot be used, and the check that it leaves without a base. */
export interface MaterialFault { readonly part: 'chain' | 'revocation' | 'tcb', readonly message: string }

/** Certificates, lists and collateral from everywhere, parsed on the outside, nothing of it trusted yet. */
export interface Material {
  readonly certificates: readonly Certificate[]
  readonly crls: readonly PlacedCrl[]
  readonly tcbInfos: readonly SignedText[]
  readonly qeIdentities: readonly SignedText[]
  readonly faults: readonly MaterialFault[]
  /** Whether any file came at all. */
  readonly given: boolean
}

export interface MaterialInput {
  /** Files given as collateral: Intel's JSON in one object or as its service answers, certificates, lists. */
  readonly collateral?: readonly Uint8Array[]
  /** Files given as certificate chain. */
  readonly chain?: readonly Uint8Array[]
}

class Collector {
  readonly certificates: Certificate[] = []
  readonly crls: PlacedCrl[] = []
  readonly tcbInfos: SignedText[] = []
  readonly qeIdentities: SignedText[] = []
  readonly faults: MaterialFault[] = []

  fault (part: MaterialFault['part'], message: string): void {
    this.faults.push({ part, message })
  }

  /** Runs a step whose failure is a fault of one part. */
  part (part: MaterialFault['part'], what: string, step: () => void): void {
    try {
      step()
    } catch (error) {
      this.fault(part, `${what}: ${asCocoonError(error, 'evidence_malformed').message}`)
    }
  }

  pem (data: Uint8Array): readonly Certificate[] {
    const { certificates, crls } = parsePemOrDer(data)
    if (this.certificates.length + this.crls.length + certificates.length + crls.length > MAX_PARSED) {
      throw new RangeError('too many certificates and lists')
    }
    this.certificates.push(...certificates)
    this.crls.push(...crls.map(crl => ({ crl, role: null, issuers: null })))
    return certificates
  }
}

/** Reads files of any of the known shapes. Never throws: what cannot be read is a fault. */
export function readMaterial (input: MaterialInput): Material {
  const out = new Collector()
  const files = [
    ...(input.collateral ?? []).map(data => ({ data, parts: ['revocation', 'tcb'] as const, what: 'the collateral' })),
    ...(input.chain ?? []).map(data => ({ data, parts: ['chain'] as const, what: 'the chain' }))
  ]
  for (const [i, { data, parts, what }] of files.entries()) {
    const message = i >= MAX_FILES ? 'has too many files' : readFile(out, data)
    if (message != null) {
      for (const part of parts) {
        out.fault(part, `${what} ${message}`)
      }
    }
  }
  return { ...out, given: files.length > 0 }
}

/** Why the files given as chain cannot all be used, or null. */
export function chainFileFault (material: Material): string | null {
  const messages = material.faults.filter(({ part }) => part === 'chain').map(({ message }) => message)
  return messages.length === 0 ? null : messages.join('; ')
}

/** Whether a file is of a known shape at all: what a folder holds besides is passed over. */
export function isMaterial (data: Uint8Array): boolean {
  return readFile(new Collector(), data) == null
}

/** Null, or why the file as a whole cannot be used. */
function readFile (out: Collector, data: Uint8Array): string | null {
  if (data.byteLength > MAX_FILE_BYTES) {
    return 'is too large'
  }
  if (!isDer(data)) {
    const text = new TextDecoder().decode(data).trim()
    if (text.startsWith('{')) {
      return readJson(out, text)
    }
    const der = WRITTEN_DER.test(text) ? decodeText(data) : null
    if (der != null) {
      return readBlocks(out, der)
    }
  }
  return readBlocks(out, data)
}

/** A sequence of more than 127 bytes: every certificate and list is one, and no text begins so. */
function isDer (data: Uint8Array): boolean {
  return data[0] === 0x30 && data[1] >= 0x80
}

function readBlocks (out: Collector, data: Uint8Array): string | null {
  try {
    out.pem(data)
    return null
  } catch (error) {
    return `cannot be used: ${asCocoonError(error, 'evidence_malformed').message}`
  }
}

function readJson (out: Collector, text: string): string | null {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text) as Record<string, unknown>
  } catch {
    return 'is not JSON'
  }
  if (BUNDLE_KEYS.some(key => key in value)) {
    readBundle(out, value)
    return null
  }
  // As Intel's service answers: the signature covers the member's bytes as they stand.
  for (const [key, list] of [['tcbInfo', out.tcbInfos], ['enclaveIdentity', out.qeIdentities]] as const) {
    if (key in value) {
      out.part('tcb', key, () => { addSigned(list, memberText(text, key), value.signature, []) })
      return null
    }
  }
  return 'is not of a known shape'
}

const BUNDLE_KEYS = ['tcb_info', 'qe_identity', 'pck_crl', 'root_ca_crl'] as const

/** Intel's collateral as one object: lists as hex of DER, the signed JSON verbatim as text. All nine members must be there. */
function readBundle (out: Collector, bundle: Record<string, unknown>): void {
  const chain = (key: string): readonly Certificate[] => {
    const text = textOf(bundle[key])
    // Counted before they are parsed, which is what costs.
    if (text.split('-----BEGIN').length - 1 > MAX_ISSUERS) {
      throw new RangeError('too many certificates')
    }
    return parsePemOrDer(utf8(text)).certificates
  }
  const list = (key: string): readonly Crl[] => parsePemOrDer(HEX.test(textOf(bundle[key])) ? fromHex(textOf(bundle[key])) : utf8(textOf(bundle[key]))).crls
  out.part('revocation', 'root_ca_crl', () => {
    out.crls.push(...list('root_ca_crl').map(crl => ({ crl, role: 'root' as const, issuers: null })))
  })
  out.part('revocation', 'pck_crl', () => {
    const issuers = chain('pck_crl_issuer_chain')
    out.crls.push(...list('pck_crl').map(crl => ({ crl, role: 'pckCa' as const, issuers })))
  })
  for (const [key, signed] of [['tcb_info', out.tcbInfos], ['qe_identity', out.qeIdentities]] as const) {
    out.part('tcb', key, () => { addSigned(signed, textOf(bundle[key]), bundle[`${key}_signature`], chain(`${key}_issuer_chain`)) })
  }
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
