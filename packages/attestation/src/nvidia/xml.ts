import { CocoonError } from '@cocoon-net/protocol'
import { DOMParser, onWarningStopParsing } from '@xmldom/xmldom'
import type { Attr, Document, Element } from '@xmldom/xmldom'

/**
 * XML as NVIDIA's manifests use it, which is little: elements, attributes and text in ASCII. Declarations of types,
 * entities, comments, CDATA and processing instructions are refused before anything is parsed, and with them all that
 * canonical XML would have to say of them.
 */

/** NVIDIA's have 20 kB; with two dozen alternatives for each digest they would have this. */
export const MAX_XML_BYTES = 131_072
/** NVIDIA's have some 90 elements and 480 attributes; a manifest of this size all of digests has 1,600. */
const MAX_TAGS = 1_024
const MAX_ATTRIBUTES = 2_048
const MAX_NAMESPACES = 64
const MAX_DEPTH = 16
const DECLARATION = /^<\?xml version="1\.0"(?: encoding="(?:UTF-8|utf-8|US-ASCII|us-ascii)")?(?: standalone="(?:yes|no)")?\s*\?>/
/** Printable ASCII and the blanks of XML, without the ampersand that begins references. */
const PLAIN = /^[\t\n\r\x20-\x25\x27-\x7e]*$/
const XMLNS = 'http://www.w3.org/2000/xmlns/'
const XML = 'http://www.w3.org/XML/1998/namespace'
const ELEMENT = 1
const TEXT = 3

function malformed (message: string, cause?: unknown): CocoonError {
  return new CocoonError('evidence_malformed', message, { cause })
}

/**
 * The root element. The work is bounded by the bounds above: what is too much of anything is not parsed.
 *
 * @throws {CocoonError} evidence_malformed
 */
export function parseXml (data: Uint8Array): Element {
  if (data.byteLength > MAX_XML_BYTES) {
    throw malformed('XML is too large')
  }
  const text = new TextDecoder().decode(data).replace(DECLARATION, '')
  if (!PLAIN.test(text) || text.includes('<!') || text.includes('<?')) {
    throw malformed('XML with a type, an entity, a comment or the like')
  }
  checkBounds(text)
  let document: Document
  try {
    document = new DOMParser({ onError: onWarningStopParsing }).parseFromString(text, 'text/xml')
  } catch (cause) {
    throw malformed('not XML', cause)
  }
  const root = document.documentElement
  if (root == null) {
    throw malformed('XML without an element')
  }
  return root
}

function checkBounds (text: string): void {
  const tags = text.split('<', MAX_TAGS + 2)
  if (tags.length > MAX_TAGS + 1 || text.split('xmlns', MAX_NAMESPACES + 2).length > MAX_NAMESPACES + 1) {
    throw malformed('XML with too many elements or namespaces')
  }
  let depth = 0
  let attributes = 0
  for (const tag of tags.slice(1)) {
    const head = tag.slice(0, tag.indexOf('>') + 1)
    attributes += head.split('=', MAX_ATTRIBUTES + 2).length - 1
    if (attributes > MAX_ATTRIBUTES) {
      throw malformed('XML with too many attributes')
    }
    if (tag.startsWith('/')) {
      depth--
    } else if (!head.endsWith('/>')) {
      depth++
    }
    if (depth > MAX_DEPTH) {
      throw malformed('XML with too many elements in each other')
    }
  }
}

/** The elements directly under one; text between them must be blank. */
export function childrenOf (parent: Element): Element[] {
  const children: Element[] = []
  for (let node = parent.firstChild; node != null; node = node.nextSibling) {
    if (node.nodeType === ELEMENT) {
      children.push(node as Element)
    } else if (node.nodeType !== TEXT || (node.nodeValue ?? '').trim() !== '') {
      throw malformed(`text stands in ${parent.localName ?? ''}`)
    }
  }
  return children
}

/** The text of an element that holds nothing else. */
export function textOf (element: Element): string {
  for (let node = element.firstChild; node != null; node = node.nextSibling) {
    if (node.nodeType !== TEXT) {
      throw malformed(`${element.localName ?? ''} is not text alone`)
    }
  }
  return element.textContent ?? ''
}

type Namespaces = ReadonlyMap<string, string>

function attributesOf (element: Element): Attr[] {
  return Array.from({ length: element.attributes.length }, (_, i) => element.attributes.item(i)).filter(attribute => attribute != null)
}

/** What an element declares, by prefix; the default one's prefix is empty. */
function declaredBy (element: Element): Array<[prefix: string, uri: string]> {
  return attributesOf(element).filter(({ namespaceURI }) => namespaceURI === XMLNS).map(({ prefix, localName, value }) => {
    // Namespaces in XML 1.0 §2.2: "the attribute value in a prefixed namespace declaration" must not be empty
    if (prefix != null && value === '') {
      throw malformed('a prefix without a name space')
    }
    return [prefix == null ? '' : localName ?? '', value]
  })
}

function namespacesAt (element: Element): Namespaces {
  const path: Element[] = []
  for (let node: Element | null = element; node?.nodeType === ELEMENT; node = node.parentNode as Element | null) {
    path.unshift(node)
  }
  return new Map(path.flatMap(declaredBy))
}

/** By code point, as canonical XML sorts; all is ASCII here. */
const compare = (a: string, b: string): number => Number(a > b) - Number(a < b)

function escapeAttribute (value: string): string {
  return value.replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll('\t', '&#x9;').replaceAll('\n', '&#xA;').replaceAll('\r', '&#xD;')
}

function escapeText (value: string): string {
  return value.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;')
}

/**
 * Canonical XML 1.1 of an element with all that is in it, in what `parseXml` lets through: "the namespace axis contains all
 * namespaces in scope", namespaces sorted by prefix, then attributes by namespace and local name (www.w3.org/TR/xml-c14n11
 * §2.2, §2.3). Attributes of the prefix xml, which a part would inherit by rules of its own, are refused.
 *
 * @throws {CocoonError} evidence_malformed
 */
export function canonicalXml (element: Element): string {
  const out: string[] = []
  write(element, namespacesAt(element), new Map(), out)
  return out.join('')
}

function write (element: Element, inScope: Namespaces, rendered: Namespaces, out: string[]): void {
  const shown = [...inScope].filter(([prefix, uri]) => (rendered.get(prefix) ?? '') !== uri).sort(([a], [b]) => compare(a, b))
  const attributes = attributesOf(element).filter(({ namespaceURI }) => namespaceURI !== XMLNS)
  if (attributes.some(({ namespaceURI }) => namespaceURI === XML)) {
    throw malformed('an attribute of the prefix xml')
  }
  attributes.sort((a, b) => compare(a.namespaceURI ?? '', b.namespaceURI ?? '') || compare(a.localName ?? '', b.localName ?? ''))
  out.push('<', element.nodeName)
  for (const [prefix, uri] of shown) {
    out.push(prefix === '' ? ' xmlns' : ` xmlns:${prefix}`, '="', escapeAttribute(uri), '"')
  }
  for (const { nodeName, value } of attributes) {
    out.push(' ', nodeName, '="', escapeAttribute(value), '"')
  }
  out.push('>')
  for (let node = element.firstChild; node != null; node = node.nextSibling) {
    if (node.nodeType === ELEMENT) {
      const child = node as Element
      const declared = declaredBy(child)
      write(child, declared.length === 0 ? inScope : new Map([...inScope, ...declared]), inScope, out)
    } else if (node.nodeType === TEXT) {
      out.push(escapeText(node.nodeValue ?? ''))
    } else {
      throw malformed('something in the XML that is no element and no text')
    }
  }
  out.push('</', element.nodeName, '>')
}
