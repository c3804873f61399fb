import { asCocoonError } from '@cocoon-net/protocol'
import { looksLikeCertificateTable, readCertificateTable } from '../amd/certificate-table.ts'
import { looksLikeOcsp } from '../x509/ocsp.ts'
import { parsePemOrDer } from '../x509/pem.ts'
import { Collector } from './collector.ts'
import { decodeText } from './decode-text.ts'
import { addManifest, addNvidiaJson, addOcsp } from './nvidia-files.ts'
import { addAnswer, addBundle, isBundle } from './signed-json.ts'
import type { Material } from './collector.ts'

/** The real ones have 19 kB. */
const MAX_FILE_BYTES = 262_144
const MAX_FILES = 64
/** How DER of a sequence of more than 127 bytes begins in hex and in base64. */
const WRITTEN_DER = /^["']?(?:(?:0[xX])?30:?8|MI)/

export interface MaterialInput {
  /** Files given as collateral: Intel's JSON in one object or as its service answers, certificates, lists, OCSP responses, NVIDIA's manifests. */
  readonly collateral?: readonly Uint8Array[]
  /** Files given as certificate chain. */
  readonly chain?: readonly Uint8Array[]
  readonly unreadable?: readonly UnreadableMaterial[]
}

/** A file that was named and could not be read. */
export interface UnreadableMaterial { readonly as: 'collateral' | 'chain', readonly message: string }

/** The checks that a faulty file leaves without a base. */
const PARTS = Object.freeze({ collateral: ['revocation', 'tcb'], chain: ['chain'] } as const)

/** Reads files of any of the known shapes. Never throws: what cannot be read is a fault. */
export function readMaterial (input: MaterialInput): Material {
  const out = new Collector()
  const files = [
    ...(input.collateral ?? []).map(data => ({ data, as: 'collateral' as const })),
    ...(input.chain ?? []).map(data => ({ data, as: 'chain' as const }))
  ]
  for (const [i, { data, as }] of files.entries()) {
    const message = i >= MAX_FILES ? 'has too many files' : readFile(out, data)
    if (message != null) {
      faultOf(out, { as, message: `the ${as} ${message}` })
    }
  }
  const unreadable = input.unreadable ?? []
  unreadable.forEach(one => { faultOf(out, one) })
  return { ...out, given: files.length + unreadable.length > 0 }
}

function faultOf (out: Collector, { as, message }: UnreadableMaterial): void {
  for (const part of PARTS[as]) {
    out.fault(part, message)
  }
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
  if (looksLikeCertificateTable(data)) {
    return readTable(out, data)
  }
  // No DER begins as any of these texts does.
  const text = new TextDecoder().decode(data).trim()
  if (text.startsWith('{')) {
    return readJson(out, text)
  }
  if (text.startsWith('<')) {
    return addManifest(out, data)
  }
  return readBlocks(out, (WRITTEN_DER.test(text) ? decodeText(data) : null) ?? data)
}

/** What a host gives with an SEV-SNP report. */
function readTable (out: Collector, data: Uint8Array): string | null {
  const entries = readCertificateTable(data)
  const faults = entries.map(({ der }) => readBlocks(out, der)).filter(fault => fault != null)
  return entries.length === 0 ? 'is a table without certificates' : faults[0] ?? null
}

function readBlocks (out: Collector, data: Uint8Array): string | null {
  try {
    if (looksLikeOcsp(data)) {
      addOcsp(out, data)
    } else {
      out.add(parsePemOrDer(data))
    }
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
  if (isBundle(value)) {
    addBundle(out, text, value)
    return null
  }
  return addAnswer(out, text, value) || addNvidiaJson(out, value) ? null : 'is not of a known shape'
}
