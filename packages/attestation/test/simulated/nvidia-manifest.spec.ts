import { createGpuTestPlatform } from '@cocoon-net/attestation-simulated'
import { CocoonError, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parseRim } from '../../src/nvidia/rim.ts'
import { takeSignature } from '../../src/nvidia/xml-signature.ts'
import { canonicalXml, childrenOf, parseXml, textOf } from '../../src/nvidia/xml.ts'

const gpu = createGpuTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: Date.UTC(2026, 5, 1) })
const file = gpu.manifest('driver')
const text = new TextDecoder().decode(file)
const ZERO = '0'.repeat(96)

function isRefused (xml: string | Uint8Array): boolean {
  try {
    const { isSigned } = parseRim(typeof xml === 'string' ? utf8(xml) : xml)
    return !isSigned
  } catch (error) {
    expect(error).to.be.instanceOf(CocoonError).with.property('code', 'evidence_malformed')
    return true
  }
}

/** Changes the text, and sees that there was something to change. */
function changed (from: string | RegExp, to: string): string {
  const out = text.replace(from, () => to)
  expect(out).to.not.equal(text)
  return out
}

describe('canonical XML', () => {
  const canonical = (xml: string): string => canonicalXml(parseXml(utf8(xml)))

  // www.w3.org/TR/xml-c14n11 §3.3, as far as it needs no document type
  it('sorts name spaces and attributes, writes ends, and drops what was declared already', () => {
    const input = '<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = "elem3"   id="elem3"   />\n   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I\'m"\n      xmlns:b="http://www.ietf.org"\n      xmlns:a="http://www.w3.org"\n      xmlns="http://example.org"/>\n   <e6 xmlns="" xmlns:a="http://www.w3.org">\n      <e7 xmlns="http://www.ietf.org">\n         <e8 xmlns="" xmlns:a="http://www.w3.org">\n            <e9 xmlns="" xmlns:a="http://www.ietf.org"/>\n         </e8>\n      </e7>\n   </e6>\n</doc>'
    const output = '<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id="elem3" name="elem3"></e3>\n   <e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I\'m" attr2="all" b:attr="sorted" a:attr="out"></e5>\n   <e6 xmlns:a="http://www.w3.org">\n      <e7 xmlns="http://www.ietf.org">\n         <e8 xmlns="">\n            <e9 xmlns:a="http://www.ietf.org"></e9>\n         </e8>\n      </e7>\n   </e6>\n</doc>'
    expect(canonical(input)).to.equal(output)
  })

  it('of a part begins with all name spaces that are in scope', () => {
    const root = parseXml(utf8('<a xmlns="urn:1" xmlns:b="urn:2"><c b:d="e"/></a>'))
    expect(canonicalXml(childrenOf(root)[0])).to.equal('<c xmlns="urn:1" xmlns:b="urn:2" b:d="e"></c>')
  })

  it('takes line ends and blanks in attributes as every parser of XML does', () => {
    expect(canonical('<a b="1\n2\t3">\r\nx\ry</a>')).to.equal('<a b="1 2 3">\nx\ny</a>')
    expect(canonical('<?xml version="1.0" encoding="UTF-8"?>\n<a b=\'"\'>x > y</a>\n')).to.equal('<a b="&quot;">x &gt; y</a>')
  })

  it('refuses attributes that a part would inherit', () => {
    expect(() => canonical('<a xml:lang="en"/>')).to.throw(CocoonError)
  })
})

describe('XML', () => {
  it('with types, entities, comments, instructions, CDATA or other than ASCII is not parsed', () => {
    for (const xml of [
      '<!DOCTYPE a><a/>', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', '<a>&amp;</a>', '<a b="&#65;"/>', '<a><!-- --></a>', '<a><![CDATA[x]]></a>',
      '<a><?b c?></a>', '<?xml version="1.1"?><a/>', '<?xml version="1.0" encoding="UTF-16"?><a/>', '<a>\u00e9</a>', '<a>\u0000</a>', '\ufeff\ufeff<a/>'
    ]) {
      expect(() => parseXml(utf8(xml)), xml).to.throw(CocoonError).with.property('code', 'evidence_malformed')
    }
  })

  it('that is not well formed is refused', () => {
    for (const xml of ['', 'x', '<a>', '</a>', '<a></b>', '<a/><b/>', '<a b="1" b="2"/>', '<a b/>', '<a b=1/>', '<a:b/>', '<a><b></a></b>', '<a/>x', '<a b="<"/>', '<1/>', '<a xmlns:b=""/>']) {
      expect(() => canonicalXml(parseXml(utf8(xml))), xml).to.throw(CocoonError).with.property('code', 'evidence_malformed')
    }
  })

  it('is bounded before it is parsed', () => {
    const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth)
    expect(parseXml(utf8(nested(16))).nodeName).to.equal('a')
    const attributes = Array.from({ length: 2_049 }, (_, i) => `a${i}=""`).join(' ')
    for (const xml of [nested(17), `<a>${'<b/>'.repeat(1_024)}</a>`, `<a ${attributes}/>`, `<a>${'<b c="" d="" e=""/>'.repeat(700)}</a>`, `<a ${Array.from({ length: 65 }, (_, i) => `xmlns:a${i}="urn:1"`).join(' ')}/>`, `<a>${' '.repeat(131_072)}</a>`]) {
      expect(() => parseXml(utf8(xml)), xml.slice(0, 20)).to.throw(CocoonError).with.property('code', 'evidence_malformed')
    }
  })
})

describe('a manifest', () => {
  it('gives what it marks active, counted from one, with all alternatives', () => {
    const rim = parseRim(file)
    expect(rim).to.include({ kind: 'driver', version: '550.90.07', product: 'GH100', isSigned: true })
    expect([...rim.digests.keys()]).to.deep.equal([8, ...Array.from({ length: 20 }, (_, i) => 22 + i)])
    expect(rim.digests.get(8)?.size).to.equal(2)
    expect(rim.certificates).to.have.lengthOf(4)
    expect(parseRim(gpu.manifest('vbios'))).to.include({ kind: 'vbios', version: '96.00.9F.00.01', isSigned: true })
  })

  it('no byte of it can be changed', () => {
    let refused = 0
    for (let at = 0; at < file.byteLength; at += 97) {
      const bytes = file.slice()
      bytes[at] ^= 1 << (at % 8)
      const before = refused
      refused += isRefused(bytes) ? 1 : 0
      if (refused === before) {
        // What stands in a certificate is judged with its chain.
        expect(at, `byte ${at}`).to.be.above(text.indexOf('<ds:X509Certificate>'))
      }
    }
    expect(refused).to.be.above(file.byteLength / 97 / 2)
  }).timeout(60_000)

  it('says the same when only its spelling differs', () => {
    const spelled = changed('<ns0:Payload ', '<ns0:Payload   ').replace('corpus="false"', 'corpus=\'false\'')
    const rim = parseRim(utf8(spelled))
    expect(rim.isSigned).to.equal(true)
    expect(rim.digests).to.deep.equal(parseRim(file).digests)
  })

  it('cannot be wrapped: a signed part within another document, a second signature, one that is not the last', () => {
    const forged = text.replaceAll(/ns2:Hash1="[0-9a-f]{96}"/g, `ns2:Hash1="${ZERO}"`)
    const signature = text.slice(text.indexOf('<ds:Signature '), text.indexOf('</ds:Signature>') + '</ds:Signature>'.length)
    const inner = text.trim()
    const wrappers = [
      forged.replace('</SoftwareIdentity>', `${inner}</SoftwareIdentity>`),
      forged.replace(signature, `<ns0:Original>${inner}</ns0:Original>`),
      forged.replace(signature, `<ns0:Original>${inner}</ns0:Original>${signature}`),
      forged.replace(signature, signature.replace('</ds:Signature>', `<ds:Object>${inner}</ds:Object></ds:Signature>`)),
      text.replace(signature, `${signature}${signature}`),
      text.replace(signature, `${signature}<ns0:Payload/>`),
      text.replace('<ns0:Payload', `${signature}<ns0:Payload`),
      text.replace(signature, ''),
      text.replace('<ds:Reference URI="">', '<ds:Reference URI="#part">'),
      text.replace('<ds:Reference URI="">', '<ds:Reference>'),
      text.replace('<ds:Reference URI="">', '<ds:Reference URI="" Type="urn:1">'),
      text.replace('<ds:Reference ', `<ds:Reference URI="#x">${signature}</ds:Reference><ds:Reference `)
    ]
    for (const [i, xml] of wrappers.entries()) {
      expect(xml, String(i)).to.not.equal(text)
      expect(isRefused(xml), `wrapper ${i}`).to.equal(true)
    }
  })

  it('takes the algorithms of NVIDIA\'s manifests and no others, in their places and no others', () => {
    const algorithms = [
      ['xmldsig-more#ecdsa-sha384', 'xmldsig-more#ecdsa-sha256'], ['xmldsig-more#ecdsa-sha384', 'xmldsig-more#hmac-sha384'], ['xmldsig-more#sha384', 'xmlenc#sha256'],
      ['#enveloped-signature', '#base64'], ['<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"', '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"'],
      ['<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>', ''], ['<ds:Transforms>', '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>'],
      ['<ds:KeyInfo>', '<ds:KeyInfo><ds:KeyValue/>'], ['<ds:SignatureValue>', '<ds:SignatureValue>AAAA'], ['<ds:DigestValue>', '<ds:DigestValue Id="x">']
    ]
    for (const [from, to] of algorithms) {
      expect(isRefused(changed(from, to)), to).to.equal(true)
    }
  })

  it('refuses what stands twice, what is missing, and what is out of range', () => {
    const unsigned = (from: string | RegExp, to: string): string => changed(from, to)
    for (const [from, to] of [
      [/<ns0:Meta /, '<ns0:Meta colloquialVersion="1" product="x"/><ns0:Meta '], ['<ns0:Payload ', '<ns0:Payload/><ns0:Payload '], ['index="1"', 'index="0"'], ['index="1"', 'index="255"'],
      ['index="1"', 'index="01"'], ['active="True"', 'active="true"'], ['alternatives="2"', 'alternatives="3"'], ['alternatives="2"', 'alternatives="0"'], ['alternatives="2"', 'alternatives="65"'],
      ['size="48"', 'size="32"'], ['ns2:Hash0', 'ns1:Hash0'], [/Hash1="[0-9a-f]/, 'Hash1="g'], ['product="GH100"', 'product=""'], ['colloquialVersion', 'version'],
      ['<ns0:Resource ', '<ns0:File '], [/xmlns="[^"]*"/, 'xmlns="urn:1"'], ['SoftwareIdentity', 'Software'], ['<ns0:Resource', 'text<ns0:Resource']
    ] as const) {
      expect(isRefused(unsigned(from, to)), to).to.equal(true)
    }
  })

  it('a document without a root\'s last signature is none', () => {
    expect(() => takeSignature(parseXml(utf8('<a/>')))).to.throw(CocoonError).with.property('code', 'evidence_malformed')
  })

  it('text stands alone in its element', () => {
    expect(textOf(parseXml(utf8('<a> x\ty </a>')))).to.equal(' x\ty ')
    expect(textOf(parseXml(utf8('<a/>')))).to.equal('')
    for (const xml of ['<a><b/></a>', '<a>x<b/></a>', '<a><b>x</b></a>', '<a><b/>x</a>']) {
      expect(() => textOf(parseXml(utf8(xml))), xml).to.throw('a is not text alone').with.property('code', 'evidence_malformed')
    }
  })
})
