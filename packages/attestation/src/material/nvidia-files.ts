import { utf8 } from '@cocoon-net/protocol'
import { looksLikeOcsp, parseOcsp } from '../x509/ocsp.ts'
import { decodeText } from './decode-text.ts'
import type { Collector } from './collector.ts'

/** One for each certificate of a device's chain and two manifests' makes nine; with room for a folder of several devices. */
const MAX_RESPONSES = 24
const MAX_MANIFESTS = 16
/** How a manifest states its version. Read before it is parsed, to find those worth parsing. */
const VERSION = /\scolloquialVersion\s*=\s*["']([^"'<>&]{1,64})["']/

/** NVIDIA's collateral as one JSON object: manifests as text (or in base64), OCSP responses as base64 of DER. */
const BUNDLE = Object.freeze({ manifests: 'nvidia_rims', responses: 'nvidia_ocsp' } as const)

type Members = Readonly<Record<string, unknown>>

/** Takes XML that looks like a manifest; why it cannot be used, or null. */
export function addManifest (out: Collector, data: Uint8Array): string | null {
  const version = VERSION.exec(new TextDecoder().decode(data))?.[1]
  if (version == null) {
    return 'is not of a known shape'
  }
  if (out.manifests.length === MAX_MANIFESTS) {
    return 'has too many manifests'
  }
  out.manifests.push({ version, data })
  return null
}

/** @throws {CocoonError} evidence_malformed */
export function addOcsp (out: Collector, der: Uint8Array): void {
  // Those that could not be parsed cost as much.
  if (out.ocspResponses.length + out.faults.length >= MAX_RESPONSES) {
    throw new RangeError('too many OCSP responses')
  }
  out.ocspResponses.push(parseOcsp(der))
}

/** Takes a bundle, or what NVIDIA's service answers for a manifest; false when it is neither. */
export function addNvidiaJson (out: Collector, value: Members): boolean {
  if (typeof value.rim === 'string' && typeof value.id === 'string') {
    out.part('tcb', 'rim', () => { addEncodedManifest(out, value.rim) })
    return true
  }
  if (!Object.values(BUNDLE).some(key => Object.hasOwn(value, key))) {
    return false
  }
  out.part('tcb', BUNDLE.manifests, () => { arrayOf(value[BUNDLE.manifests], MAX_MANIFESTS).forEach(one => { addEncodedManifest(out, one) }) })
  out.part('revocation', BUNDLE.responses, () => {
    for (const one of arrayOf(value[BUNDLE.responses], MAX_RESPONSES)) {
      const der = bytesOf(one)
      if (!looksLikeOcsp(der)) {
        throw new TypeError('not an OCSP response')
      }
      addOcsp(out, der)
    }
  })
  return true
}

function addEncodedManifest (out: Collector, value: unknown): void {
  const fault = addManifest(out, typeof value === 'string' && value.startsWith('<') ? utf8(value) : bytesOf(value))
  if (fault != null) {
    throw new TypeError(`a manifest ${fault}`)
  }
}

function arrayOf (value: unknown, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) {
    throw new TypeError('not a list of a usable length')
  }
  return value
}

function bytesOf (value: unknown): Uint8Array {
  const bytes = typeof value === 'string' ? decodeText(utf8(value)) : null
  if (bytes == null) {
    throw new TypeError('not base64')
  }
  return bytes
}
