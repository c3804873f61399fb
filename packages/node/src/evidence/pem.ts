export type PemLabel = 'CERTIFICATE' | 'X509 CRL'

/** One block of RFC 7468. */
export function toPem (label: PemLabel, der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** The blocks of a PEM text, each still as PEM. */
export function splitPem (text: string): Uint8Array[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new TextEncoder().encode(`${block}\n`))
}
