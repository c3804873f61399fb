import { fromHex } from '@cocoon-net/protocol'

/** Line ends, quotation marks, the colons of some tools' hex, and the lines that stand around base64 as in PEM. */
const NOISE = /-----(?:BEGIN|END) [A-Za-z0-9 ]{1,64}-----|["'\s:]/g

/** Bytes written as hex (with or without 0x) or base64 (either alphabet, padded or not, bare or as PEM), or null when it is neither. */
export function decodeText (data: Uint8Array): Uint8Array | null {
  const text = new TextDecoder().decode(data).replace(NOISE, '')
  const hex = text.replace(/^0x/i, '')
  if (hex.length > 0 && hex.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(hex)) {
    return fromHex(hex.toLowerCase())
  }
  const base64 = text.replace(/[=]+$/, '').replaceAll('-', '+').replaceAll('_', '/')
  // A rest of one digit is no whole byte.
  if (base64.length > 0 && base64.length % 4 !== 1 && /^[A-Za-z0-9+/]+$/.test(base64)) {
    return Uint8Array.from(atob(base64), char => char.charCodeAt(0))
  }
  return null
}
