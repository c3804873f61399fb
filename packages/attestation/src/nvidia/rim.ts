import { CocoonError } from '@cocoon-net/protocol'
import { parseOnce } from '../parse-once.ts'
import { takeSignature } from './xml-signature.ts'
import { MAX_XML_BYTES, childrenOf, parseXml } from './xml.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Element } from '@xmldom/xmldom'

/** ISO/IEC 19770-2:2015. */
const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
/** Under this name space stand the digests, whose algorithm it is. */
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384'
/** A transcript holds at most as many blocks as a byte counts. */
const MAX_INDEX = 254
const MAX_ALTERNATIVES = 64
const DIGEST_HEX = /^[0-9a-fA-F]{96}$/
const VBIOS_VERSION = /^[0-9A-Fa-f]{2}(\.[0-9A-Fa-f]{2}){4}$/
const VERSION = /^[0-9A-Za-z._-]{1,64}$/

/** Known-good digests of a driver or a VBIOS: a Reference Integrity Manifest of NVIDIA. Parsed, and not trusted before its chain is. */
export interface Rim {
  /** Hex of SHA-256 of the file. */
  readonly id: string
  readonly kind: 'driver' | 'vbios'
  /** Such as `550.90.07`, or `96.00.9F.00.01`. */
  readonly version: string
  /** Such as `GH100`. */
  readonly product: string
  /** Each measurement that the manifest marks active, by its number in the transcript: hex digests, of which any is good. */
  readonly digests: ReadonlyMap<number, ReadonlySet<string>>
  /** The signer's and those above it. */
  readonly certificates: readonly Certificate[]
  /** Whether the first certificate's key signed the document that the digests were read from. */
  readonly isSigned: boolean
}

function malformed (message: string): CocoonError {
  return new CocoonError('evidence_malformed', message)
}

/**
 * A SWID tag (ISO/IEC 19770-2) as TCG's Reference Integrity Manifest Information Model uses it, with NVIDIA's attributes.
 *
 * @throws {CocoonError} evidence_malformed
 */
export const parseRim = parseOnce({ what: 'a manifest', maxBytes: MAX_XML_BYTES, maxKept: 32 }, convert)

function convert (data: Uint8Array, id: string): Rim {
  const root = parseXml(data)
  if (root.namespaceURI !== SWID || root.localName !== 'SoftwareIdentity') {
    throw malformed('the XML is no manifest')
  }
  const { certificates, holds } = takeSignature(root)
  return { id, ...contentOf(root), certificates, isSigned: holds }
}

/** Of what a version is: five bytes in hex make a VBIOS. */
export function kindOf (version: string): Rim['kind'] {
  return VBIOS_VERSION.test(version) ? 'vbios' : 'driver'
}

/** What a document without its signature says. */
function contentOf (root: Element): Pick<Rim, 'kind' | 'version' | 'product' | 'digests'> {
  const meta = onlyChild(root, 'Meta')
  const version = required(meta, 'colloquialVersion')
  const product = required(meta, 'product')
  if (!VERSION.test(version) || !VERSION.test(product)) {
    throw malformed('the manifest is of an unknown version or product')
  }
  return { kind: kindOf(version), version, product, digests: digestsOf(onlyChild(root, 'Payload')) }
}

function onlyChild (root: Element, name: string): Element {
  const found = childrenOf(root).filter(({ namespaceURI, localName }) => namespaceURI === SWID && localName === name)
  if (found.length !== 1) {
    throw malformed(`the manifest has ${found.length} ${name}`)
  }
  return found[0]
}

function required (element: Element, name: string): string {
  const value = element.getAttribute(name)
  if (value == null) {
    throw malformed(`${element.localName ?? ''} has no ${name}`)
  }
  return value
}

function integerOf (element: Element, name: string, max: number): number {
  const value = required(element, name)
  if (!/^(0|[1-9]\d{0,3})$/.test(value) || Number(value) > max) {
    throw malformed(`${name} is out of range`)
  }
  return Number(value)
}

function digestsOf (payload: Element): Map<number, Set<string>> {
  const out = new Map<number, Set<string>>()
  const seen = new Set<number>()
  for (const resource of childrenOf(payload)) {
    const index = integerOf(resource, 'index', MAX_INDEX)
    const active = required(resource, 'active')
    if (resource.namespaceURI !== SWID || resource.localName !== 'Resource' || seen.has(index) || !['True', 'False'].includes(active)) {
      throw malformed('a measurement of the manifest is of an unknown kind or stands twice')
    }
    seen.add(index)
    if (active === 'True') {
      // Manifests count from zero, and transcripts from one.
      out.set(index + 1, alternativesOf(resource))
    }
  }
  return out
}

function alternativesOf (resource: Element): Set<string> {
  const count = integerOf(resource, 'alternatives', MAX_ALTERNATIVES)
  const digests = Array.from({ length: count }, (_, i) => resource.getAttributeNS(SHA384, `Hash${i}`) ?? '')
  if (count === 0 || required(resource, 'size') !== '48' || digests.some(digest => !DIGEST_HEX.test(digest))) {
    throw malformed('a measurement of the manifest has no digests of SHA-384')
  }
  return new Set(digests.map(digest => digest.toLowerCase()))
}
