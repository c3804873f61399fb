import { utf8 } from '@cocoon-net/protocol'
import { sha384 } from '@noble/hashes/sha2.js'
import type { TestKey } from './test-certificates.ts'

const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384'
const RIM = 'https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/'
const DSIG = 'http://www.w3.org/2000/09/xmldsig#'
const C14N = 'http://www.w3.org/2006/12/xml-c14n11'
const ECDSA = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384'
const DIGEST = 'http://www.w3.org/2001/04/xmldsig-more#sha384'
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'

/** The name spaces that prefixes of these documents stand for, which order attributes in canonical XML. */
const NAMESPACES: Readonly<Record<string, string>> = Object.freeze({ ns1: RIM, ns2: SHA384 })

/** One measurement of a manifest, counted from zero. */
export interface TestResource { readonly index: number, readonly active: boolean, readonly digests: readonly string[] }

export interface TestManifestInit {
  readonly version: string
  readonly product: string
  readonly resources: readonly TestResource[]
  /** The signer first. */
  readonly certificates: readonly Uint8Array[]
  readonly key: TestKey
}

interface Node {
  readonly name: string
  readonly namespaces?: ReadonlyArray<readonly [name: string, uri: string]>
  readonly attributes?: ReadonlyArray<readonly [name: string, value: string]>
  readonly children?: ReadonlyArray<Node | string>
}

const show = (pairs: ReadonlyArray<readonly [string, string]>): string => pairs.map(([name, value]) => ` ${name}="${value}"`).join('')

/** As NVIDIA's tools write it: attributes as they come, empty elements closed at once. */
function plain ({ name, namespaces = [], attributes = [], children = [] }: Node): string {
  const head = `<${name}${show([...namespaces, ...attributes])}`
  return children.length === 0 ? `${head}/>` : `${head}>${children.map(child => typeof child === 'string' ? child : plain(child)).join('')}</${name}>`
}

/** As it is signed (www.w3.org/TR/xml-c14n11): sorted, and every element with its end. The names here need no escape. */
function canonical ({ name, namespaces = [], attributes = [], children = [] }: Node): string {
  const keyOf = ([attribute]: readonly [string, string]): string => {
    const [prefix, local] = attribute.includes(':') ? attribute.split(':') : ['', attribute]
    return `${NAMESPACES[prefix] ?? ''} ${local}`
  }
  const byKey = (a: readonly [string, string], b: readonly [string, string]): number => keyOf(a) < keyOf(b) ? -1 : 1
  const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => a < b ? -1 : 1
  const head = show([...[...namespaces].sort(byName), ...[...attributes].sort(byKey)])
  return `<${name}${head}>${children.map(child => typeof child === 'string' ? child : canonical(child)).join('')}</${name}>`
}

function base64 (bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

const ROOT_NAMESPACES = Object.freeze([['xmlns', SWID], ['xmlns:ns0', SWID], ['xmlns:ns2', SHA384]] as const)

function documentOf ({ version, product, resources }: TestManifestInit, signature: readonly Node[]): Node {
  const meta: Node = {
    name: 'ns0:Meta',
    namespaces: [['xmlns:ns1', RIM]],
    attributes: [['colloquialVersion', version], ['edition', 'GPU'], ['product', product], ['revision', 'r1'], ['PayloadType', 'direct'], ['ns1:BindingSpec', 'RIMIM'], ['ns1:PlatformManufacturerStr', 'Test']]
  }
  const rows = resources.flatMap(({ index, active, digests }): Array<Node | string> => ['\n        ', {
    name: 'ns0:Resource',
    attributes: [
      ['type', 'Measurement'], ['index', String(index)], ['active', active ? 'True' : 'False'], ['alternatives', String(digests.length)],
      ...digests.map((digest, i) => [`ns2:Hash${i}`, digest] as const), ['name', `Measurement_${index}`], ['size', '48']
    ]
  }])
  return {
    name: 'SoftwareIdentity',
    namespaces: ROOT_NAMESPACES,
    attributes: [['name', product], ['tagId', `${product}-${version}`], ['version', '1.0'], ['corpus', 'false'], ['tagVersion', '0']],
    children: [
      '\n    ', { name: 'ns0:Entity', attributes: [['role', 'softwareCreator tagCreator'], ['name', 'Test']] },
      '\n    ', meta,
      '\n    ', { name: 'ns0:Payload', namespaces: [['xmlns:SHA384', SHA384]], children: [...rows, '\n    '] },
      '\n', ...signature
    ]
  }
}

function signedInfoOf (digest: Uint8Array): Node {
  const algorithm = (name: string, value: string): Node => ({ name: `ds:${name}`, attributes: [['Algorithm', value]] })
  const reference: Node = {
    name: 'ds:Reference',
    attributes: [['URI', '']],
    children: [
      { name: 'ds:Transforms', children: [algorithm('Transform', ENVELOPED), algorithm('Transform', C14N)] },
      algorithm('DigestMethod', DIGEST),
      { name: 'ds:DigestValue', children: [base64(digest)] }
    ]
  }
  return { name: 'ds:SignedInfo', children: [algorithm('CanonicalizationMethod', C14N), algorithm('SignatureMethod', ECDSA), reference] }
}

/** A manifest of known-good digests: a SWID tag with an enveloped signature, in NVIDIA's form. SIMULATED, NOT PRIVATE. */
export function testManifest (init: TestManifestInit): Uint8Array {
  const signedInfo = signedInfoOf(sha384(utf8(canonical(documentOf(init, [])))))
  // A part is signed with all the name spaces that are in scope where it stands.
  const signedBytes = utf8(canonical({ ...signedInfo, namespaces: [...ROOT_NAMESPACES, ['xmlns:ds', DSIG]] }))
  const signature: Node = {
    name: 'ds:Signature',
    namespaces: [['xmlns:ds', DSIG]],
    children: [
      signedInfo,
      { name: 'ds:SignatureValue', children: [base64(init.key.signRaw(signedBytes))] },
      { name: 'ds:KeyInfo', children: [{ name: 'ds:X509Data', children: init.certificates.map(der => ({ name: 'ds:X509Certificate', children: [base64(der)] })) }] }
    ]
  }
  return utf8(`${plain(documentOf(init, [signature]))}\n`)
}
