import { toHex } from '@cocoon-net/protocol'

const ENTRY_BYTES = 24
const GUID_BYTES = 16
const MAX_ENTRIES = 16
/** Linux hands over 16 KiB at most. */
const MAX_TABLE_BYTES = 65_536
const END = '0'.repeat(2 * GUID_BYTES)
/** By GUID: what stands there, as PEM calls it. */
const LABELS: Readonly<Record<string, TableEntry['label']>> = Object.freeze({
  '63da758de6644564adc5f4b93be8accd': 'CERTIFICATE', // VCEK
  a8074bc2a25a483eaae639c045a0b8a1: 'CERTIFICATE', // VLEK
  '4ab7b379bbac4fe4a02f05aef327c782': 'CERTIFICATE', // ASK
  c0b406a4a803495297433fb6014cd0ae: 'CERTIFICATE', // ARK
  '92f81bc358114d3d97ffd19f88dc67ea': 'X509 CRL'
})

/** One object of a table, in DER. */
export interface TableEntry { readonly label: 'CERTIFICATE' | 'X509 CRL', readonly der: Uint8Array }

function guidAt (table: Uint8Array, at: number): string {
  return toHex(table.subarray(at, at + GUID_BYTES))
}

/**
 * The certificates that a host gives with an SEV-SNP report: entries of {GUID, offset, length}, ended by zeros, then DER
 * (AMD 56421, GHCB specification, §4.1.8.1; GUIDs as RFC 9562 orders them). What is unknown or out of bounds is passed
 * over: the verifier judges what is left.
 */
export function readCertificateTable (table: Uint8Array): TableEntry[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const entries: TableEntry[] = []
  for (let i = 0; i < MAX_ENTRIES && (i + 1) * ENTRY_BYTES <= table.byteLength; i++) {
    const at = i * ENTRY_BYTES
    const guid = guidAt(table, at)
    if (guid === END) {
      break
    }
    const offset = view.getUint32(at + GUID_BYTES, true)
    const end = offset + view.getUint32(at + GUID_BYTES + 4, true)
    const label = LABELS[guid]
    if (label != null && offset < end && end <= table.byteLength) {
      entries.push({ label, der: table.subarray(offset, end) })
    }
  }
  return entries
}

/** Whether bytes are a table: it begins with a GUID of AMD's or has one further on, or it is an empty one. */
export function looksLikeCertificateTable (data: Uint8Array): boolean {
  const fits = data.byteLength >= ENTRY_BYTES && data.byteLength <= MAX_TABLE_BYTES
  return fits && (guidAt(data, 0) in LABELS || readCertificateTable(data).length > 0 || data.every(byte => byte === 0))
}
