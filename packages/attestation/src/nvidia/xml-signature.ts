import { CocoonError, equalBytes, utf8 } from '@cocoon-net/protocol'
import { sha384 } from '@noble/hashes/sha2.js'
import { verifyEcdsa } from '../crypto.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { canonicalXml, childrenOf, textOf } from './xml.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Element } from '@xmldom/xmldom'

const DSIG = 'http://www.w3.org/2000/09/xmldsig#'
/** The algorithms of NVIDIA's manifests; no others are taken. */
const ALGORITHM = Object.freeze({
  canonicalization: 'http://www.w3.org/2006/12/xml-c14n11',
  signature: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384',
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  digest: 'http://www.w3.org/2001/04/xmldsig-more#sha384'
})
/** NVIDIA's have four. */
const MAX_CERTIFICATES = 6
const DIGEST_BYTES = 48
/** r ‖ s on P-384. */
const SIGNATURE_BYTES = 96

function malformed (message: string): CocoonError {
  return new CocoonError('evidence_malformed', message)
}

/** An enveloped signature over all of a document but itself. */
export interface EnvelopedSignature {
  /** The signer's certificate and those above it, as they came: nothing of them is verified. */
  readonly certificates: readonly Certificate[]
  /** Whether the signer's key signed this very document. */
  readonly holds: boolean
}

/** The children of one element, of these names in this order and no others. */
function exactly (parent: Element, ...names: readonly string[]): Element[] {
  const children = childrenOf(parent)
  if (children.length !== names.length || children.some(({ namespaceURI, localName }, i) => namespaceURI !== DSIG || localName !== names[i])) {
    throw malformed(`${parent.localName ?? ''} does not hold ${names.join(', ')}`)
  }
  return children
}

function checkAlgorithm (element: Element, algorithm: string): void {
  if (element.attributes.length !== 1 || element.getAttribute('Algorithm') !== algorithm || element.childNodes.length > 0) {
    throw malformed(`${element.localName ?? ''} is not ${algorithm}`)
  }
}

function bytesOf (element: Element, lengthBytes: number | null): Uint8Array {
  const text = textOf(element)
  const bytes = /^[A-Za-z0-9+/=\s]+$/.test(text) ? decodeBase64(text) : null
  if (bytes == null || (lengthBytes != null && bytes.byteLength !== lengthBytes)) {
    throw malformed(`${element.localName ?? ''} is not base64 of the right length`)
  }
  return bytes
}

function decodeBase64 (text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.replace(/\s/g, '')), char => char.charCodeAt(0))
  } catch {
    return null
  }
}

/**
 * Takes the signature out of the document, so that what remains under `root` is what was signed and nothing else. XML
 * Signature 1.1 (www.w3.org/TR/xmldsig-core1), of which one shape is taken: one reference, to the whole document (URI ""),
 * the enveloped-signature transform, Canonical XML 1.1, ECDSA on P-384 with SHA-384. There is no other signature in the
 * document, and nothing is looked up by name, so that a signed part cannot be wrapped in another.
 *
 * @throws {CocoonError} evidence_malformed when there is no signature of that shape
 */
export function takeSignature (root: Element): EnvelopedSignature {
  const signatures = root.getElementsByTagNameNS('*', 'Signature')
  const signature = childrenOf(root).at(-1)
  if (signature == null || signatures.length !== 1 || signatures.item(0) !== signature || signature.namespaceURI !== DSIG) {
    throw malformed('the document does not end with its one signature')
  }
  const [signedInfo, value, keyInfo] = exactly(signature, 'SignedInfo', 'SignatureValue', 'KeyInfo')
  const [canonicalization, method, reference] = exactly(signedInfo, 'CanonicalizationMethod', 'SignatureMethod', 'Reference')
  checkAlgorithm(canonicalization, ALGORITHM.canonicalization)
  checkAlgorithm(method, ALGORITHM.signature)
  if (reference.attributes.length !== 1 || reference.getAttribute('URI') !== '') {
    throw malformed('the signature is not of the whole document')
  }
  const [transforms, digestMethod, digestValue] = exactly(reference, 'Transforms', 'DigestMethod', 'DigestValue')
  const [enveloped, canonical] = exactly(transforms, 'Transform', 'Transform')
  checkAlgorithm(enveloped, ALGORITHM.enveloped)
  checkAlgorithm(canonical, ALGORITHM.canonicalization)
  checkAlgorithm(digestMethod, ALGORITHM.digest)
  const digest = bytesOf(digestValue, DIGEST_BYTES)
  const certificates = certificatesOf(keyInfo)
  const signedBytes = utf8(canonicalXml(signedInfo))
  const signatureBytes = bytesOf(value, SIGNATURE_BYTES)
  root.removeChild(signature)
  const { publicKey } = certificates[0]
  const holds = equalBytes(sha384(utf8(canonicalXml(root))), digest) &&
    publicKey.type === 'ec' && publicKey.curve === 'P-384' && verifyEcdsa(publicKey, signedBytes, signatureBytes, 'raw')
  return { certificates, holds }
}

function certificatesOf (keyInfo: Element): Certificate[] {
  const [data] = exactly(keyInfo, 'X509Data')
  const elements = childrenOf(data)
  if (elements.length === 0 || elements.length > MAX_CERTIFICATES || elements.some(({ namespaceURI, localName }) => namespaceURI !== DSIG || localName !== 'X509Certificate')) {
    throw malformed('KeyInfo does not hold certificates alone')
  }
  return elements.map(element => parseCertificate(bytesOf(element, null)))
}
