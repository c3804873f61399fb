import { readCertificateTable } from '@cocoon-net/attestation'
import { toPem } from './pem.ts'

/** The certificates that a host gives with an SEV-SNP report, as PEM. */
export function readCertTable (table: Uint8Array): string {
  return readCertificateTable(table).map(({ label, der }) => toPem(label, der)).join('')
}
