import { toHex } from '@cocoon-net/protocol'
import { toPem } from './pem.ts'
import type { PemLabel } from './pem.ts'

const ENTRY_BYTES = 24
const MAX_ENTRIES = 16
/** By GUID: what stands there, as PEM calls it. */
const PEM_LABELS: Readonly<Record<string, PemLabel>> = Object.freeze({
  '63da758de6644564adc5f4b93be8accd': 'CERTIFICATE', // VCEK
  a8074bc2a25a483eaae639c045a0b8a1: 'CERTIFICATE', // VLEK
  '4ab7b379bbac4fe4a02f05aef327c782': 'CERTIFICATE', // ASK
  c0b406a4a803495297433fb6014cd0ae: 'CERTIFICATE', // ARK
  '92f81bc358114d3d97ffd19f88dc67ea': 'X509 CRL'
})

/**
 * The certificates that a host gives with an SEV-SNP report, as PEM: entries of {GUID, offset, length}, ended by zeros,
 * then DER (AMD 56421, GHCB specification, §4.1.8.1; GUIDs as RFC 9562 orders them). What is unknown or out of bounds is passed over; the verifier
 * judges what is left.
 */
export function readCertTable (table: Uint8Array): string {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  let pem = ''
  for (let i = 0; i < MAX_ENTRIES && (i + 1) * ENTRY_BYTES <= table.byteLength; i++) {
    const at = i * ENTRY_BYTES
    const guid = toHex(table.subarray(at, at + 16))
    const offset = view.getUint32(at + 16, true)
    const end = offset + view.getUint32(at + 20, true)
    const label = PEM_LABELS[guid]
    if (label != null && offset < end && end <= table.byteLength) {
      pem += toPem(label, table.subarray(offset, end))
    }
  }
  return pem
}
