import * as asn1js from 'asn1js'

/**
 * Reads DER (X.690) with asn1js, and nothing but the types that certificates and revocation lists use. The package with
 * the schemas of X.509 takes five times as long, and that was most of the cost of a verification.
 */

/** A platform's list has a thousand entries of four nodes at most. */
const MAX_NODES = 8_192
const MAX_DEPTH = 32

/** Any node. */
export type Node = asn1js.BaseBlock

/** A whole file, of at most `maxNodes` nodes; bytes after it are refused. */
export function parseDer (der: Uint8Array, maxNodes = MAX_NODES): Node {
  const { offset, result } = asn1js.fromBER(der, { maxNodes, maxDepth: MAX_DEPTH, parseEmbedded: false })
  if (offset !== der.byteLength) {
    throw new TypeError('not DER')
  }
  return result
}

/** Tag and length and value, as they stand: what a signature covers, and what names are compared by. */
export function rawOf (node: Node): Uint8Array {
  return new Uint8Array(node.valueBeforeDecodeView)
}

export function sequenceOf (node: Node | undefined): readonly Node[] {
  if (!(node instanceof asn1js.Sequence)) {
    throw new TypeError('a sequence is missing')
  }
  return node.valueBlock.value
}

export function setOf (node: Node | undefined): readonly Node[] {
  if (!(node instanceof asn1js.Set)) {
    throw new TypeError('a set is missing')
  }
  return node.valueBlock.value
}

/** The nodes inside the tag [n], or null when this is another node. */
export function tagged (node: Node | undefined, n: number): readonly Node[] | null {
  return node instanceof asn1js.Constructed && node.idBlock.tagClass === 3 && node.idBlock.tagNumber === n ? node.valueBlock.value : null
}

/** Whether a node is the tag [n] in the place of a NULL. */
export function nullOf (node: Node | undefined, n: number): boolean {
  return node instanceof asn1js.Primitive && node.idBlock.tagClass === 3 && node.idBlock.tagNumber === n && rawOf(node).byteLength === 2
}

export function isInteger (node: Node | undefined): node is asn1js.Integer {
  return node instanceof asn1js.Integer
}

/** The content of an integer: big-endian, in two's complement. */
export function integerBytes (node: Node | undefined): Uint8Array {
  if (!isInteger(node)) {
    throw new TypeError('an integer is missing')
  }
  return new Uint8Array(node.valueBlock.valueHexView)
}

export function oidOf (node: Node | undefined): string {
  if (!(node instanceof asn1js.ObjectIdentifier)) {
    throw new TypeError('an object identifier is missing')
  }
  return node.valueBlock.toString()
}

export function bitsOf (node: Node | undefined): Uint8Array {
  if (!(node instanceof asn1js.BitString) || node.valueBlock.unusedBits !== 0) {
    throw new TypeError('a bit string of whole bytes is missing')
  }
  return flagsOf(node)
}

/** A bit string of flags, whatever its last byte leaves unused. */
export function flagsOf (node: Node | undefined): Uint8Array {
  if (!(node instanceof asn1js.BitString) || node.valueBlock.isConstructed) {
    throw new TypeError('a bit string is missing')
  }
  return new Uint8Array(node.valueBlock.valueHexView)
}

export function octetsOf (node: Node | undefined): Uint8Array {
  if (!(node instanceof asn1js.OctetString) || node.valueBlock.isConstructed) {
    throw new TypeError('an octet string is missing')
  }
  return new Uint8Array(node.valueBlock.valueHexView)
}

export function isTime (node: Node | undefined): node is asn1js.UTCTime | asn1js.GeneralizedTime {
  return node instanceof asn1js.UTCTime || node instanceof asn1js.GeneralizedTime
}

/** Unix milliseconds. RFC 5280 §4.1.2.5: times "MUST be expressed in Greenwich Mean Time (Zulu) and MUST include seconds". */
export function timeOf (node: Node | undefined): number {
  if (!isTime(node)) {
    throw new TypeError('a time is missing')
  }
  const text = new TextDecoder('latin1').decode(node.valueBlock.valueHexView)
  const ms = node.toDate().getTime()
  if (!/^(\d{2})?\d{12}Z$/.test(text) || Number.isNaN(ms)) {
    throw new TypeError('not a time in UTC')
  }
  return ms
}

export function booleanOf (node: Node | undefined): boolean {
  if (!(node instanceof asn1js.Boolean)) {
    throw new TypeError('a boolean is missing')
  }
  return node.valueBlock.value
}

export function isBoolean (node: Node | undefined): boolean {
  return node instanceof asn1js.Boolean
}

/** A text of any of the string types, or null. */
export function textOf (node: Node | undefined): string | null {
  return node instanceof asn1js.BaseStringBlock ? node.valueBlock.value : null
}

export interface Extension { readonly id: string, readonly critical: boolean, readonly value: Uint8Array }

/** Extensions ::= SEQUENCE OF SEQUENCE { extnID, critical DEFAULT FALSE, extnValue } (RFC 5280 §4.1). */
export function extensionsOf (node: Node | undefined): Extension[] {
  return sequenceOf(node).map(one => {
    const [id, ...rest] = sequenceOf(one)
    const critical = rest.length === 2 && booleanOf(rest[0])
    return { id: oidOf(id), critical, value: octetsOf(rest.at(-1)) }
  })
}
