import { spkiHashOf, testCertificate, testCrl, testKey, toPem } from '@cocoon-net/attestation-simulated'
import { fromHex, toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { chainFrom, leavesOf } from '../../src/x509/build-chain.ts'
import { chainFault, parseCertificate } from '../../src/x509/certificate.ts'
import { crlFault, newestCrl, nextBeginMs, parseCrl } from '../../src/x509/crl.ts'
import { nullOf, parseDer } from '../../src/x509/der.ts'
import { parsePemOrDer } from '../../src/x509/pem.ts'
import type { Certificate } from '../../src/x509/certificate.ts'
import type { Crl } from '../../src/x509/crl.ts'
import type { TestCertificateInit, TestCrlInit, TestIssuer } from '@cocoon-net/attestation-simulated'

const AT = Date.UTC(2026, 5, 1)
const SECOND = 1_000
const seed = new Uint8Array(32).fill(3)
const root: TestIssuer = { name: 'root', key: testKey(seed, 'root') }
const ca: TestIssuer = { name: 'ca', key: testKey(seed, 'ca') }
const leaf: TestIssuer = { name: 'leaf', key: testKey(seed, 'leaf') }
const roots = [toHex(spkiHashOf(root.key))]

type Change = Partial<TestCertificateInit>

function certify (subject: TestIssuer, issuer: TestIssuer, isCa: boolean, change: Change = {}): Certificate {
  return parseCertificate(testCertificate({ ...subject, issuer, isCa, serial: 5, notBeforeMs: AT - SECOND, notAfterMs: AT + SECOND, ...change }))
}

function chainOf (change: { leaf?: Change, ca?: Change, root?: Change } = {}): Certificate[] {
  return [certify(leaf, ca, false, change.leaf), certify(ca, root, true, change.ca), certify(root, root, true, change.root)]
}

describe('certificates', () => {
  it('a chain holds from the first millisecond of each certificate to its last', () => {
    for (const which of ['leaf', 'ca', 'root']) {
      const within = { notBeforeMs: AT, notAfterMs: AT + 5 * SECOND }
      const wide = { notBeforeMs: AT - 100 * SECOND, notAfterMs: AT + 100 * SECOND }
      const chain = chainOf({ leaf: wide, ca: wide, root: wide, [which]: within })
      const faults = [AT - 1, AT, AT + 5 * SECOND, AT + 5 * SECOND + 1].map(ms => chainFault(chain, roots, ms))
      expect(faults).to.deep.equal([`${which} is out of date`, null, null, `${which} is out of date`])
    }
  })

  it('shows names without what a terminal would take for orders, and no more than 64 characters', () => {
    expect(certify({ ...leaf, name: 'a\u001b[2Jb\nc\u0080d' }, ca, false).commonName).to.equal('a?[2Jb?c?d')
    expect(certify({ ...leaf, name: ' ~'.repeat(32) }, ca, false).commonName).to.equal(' ~'.repeat(32))
    expect(certify({ ...leaf, name: 'x'.repeat(65) }, ca, false).commonName).to.equal('x'.repeat(64))
  })

  it('reads times of both centuries, and after 2049 in the other notation', () => {
    const { notBeforeMs, notAfterMs } = certify(leaf, ca, false, { notBeforeMs: Date.UTC(1999, 11, 31, 23, 59, 59), notAfterMs: Date.UTC(2050, 0, 1) })
    expect([notBeforeMs, notAfterMs]).to.deep.equal([Date.UTC(1999, 11, 31, 23, 59, 59), Date.UTC(2050, 0, 1)])
  })

  it('needs a chain of two at least, and a pinned root', () => {
    expect(chainFault([], roots, AT)).to.equal('the chain is too short')
    expect(chainFault(chainOf().slice(2), roots, AT)).to.equal('the chain is too short')
    expect(chainFault(chainOf().slice(1), roots, AT)).to.equal(null)
    expect(chainFault(chainOf(), [], AT)).to.equal('the chain does not end at a pinned root')
    expect(chainFault(chainOf().slice(0, 2), roots, AT)).to.equal('ca is not issued by ca')
  })

  it('refuses issuers that may not issue, and a leaf may be anything', () => {
    const digitalSignature = 1
    expect(chainFault(chainOf({ ca: { isCa: false } }), roots, AT)).to.equal('ca may not issue certificates')
    expect(chainFault(chainOf({ ca: { keyUsage: digitalSignature } }), roots, AT)).to.equal('ca may not issue certificates')
    expect(chainFault(chainOf({ root: { isCa: false } }), roots, AT)).to.equal('root may not issue certificates')
    expect(chainFault(chainOf({ leaf: { isCa: true } }), roots, AT)).to.equal(null)
  })

  it('keeps path lengths', () => {
    const middle: TestIssuer = { name: 'middle', key: testKey(seed, 'middle') }
    const long = (change: { ca?: Change, root?: Change }): string | null =>
      chainFault([certify(leaf, middle, false), certify(middle, ca, true), ...chainOf(change).slice(1)], roots, AT)
    expect(long({})).to.equal(null)
    expect(long({ ca: { pathLength: 1 }, root: { pathLength: 2 } })).to.equal(null)
    expect(long({ ca: { pathLength: 0 } })).to.equal('ca may not issue certificates of issuers')
    expect(long({ root: { pathLength: 1 } })).to.equal('root may not issue certificates of issuers')
    expect(chainFault(chainOf({ ca: { pathLength: 0 }, root: { pathLength: 1 } }), roots, AT)).to.equal(null)
  })

  it('refuses critical extensions that it does not read, and passes over others', () => {
    const extension = (critical: boolean): Change => ({ extensions: [{ id: '2.5.29.36', value: Uint8Array.of(0x30, 0), critical }] })
    for (const which of ['leaf', 'ca', 'root']) {
      expect(chainFault(chainOf({ [which]: extension(true) }), roots, AT)).to.equal(`${which} has a critical extension of an unknown kind`)
      expect(chainFault(chainOf({ [which]: extension(false) }), roots, AT)).to.equal(null)
    }
    expect(() => certify(leaf, ca, false, { extensions: [{ id: '2.5.29.19', value: Uint8Array.of(0x30, 0) }] })).to.throw().with.property('code', 'evidence_malformed')
  })

  it('refuses another issuer\'s name, and another\'s signature under the right name', () => {
    const impostor: TestIssuer = { name: 'ca', key: testKey(seed, 'impostor') }
    const [, caCertificate, rootCertificate] = chainOf()
    expect(chainFault([certify(leaf, { ...ca, name: 'other' }, false), caCertificate, rootCertificate], roots, AT)).to.equal('leaf is not issued by ca')
    expect(chainFault([certify(leaf, impostor, false), caCertificate, rootCertificate], roots, AT)).to.equal('leaf is not issued by ca')
  })

  it('a signature is of the issuer\'s curve with that curve\'s hash, and nothing else', () => {
    const large: TestIssuer = { name: 'root', key: testKey(seed, 'large', 'P-384') }
    const pinned = [toHex(spkiHashOf(large.key))]
    expect(chainFault([certify(leaf, large, false), certify(large, large, true)], pinned, AT)).to.equal(null)
    const [sha256, sha384] = [root.key.algorithm, large.key.algorithm]
    for (const [issuer, algorithm] of [[large, sha256], [root, sha384], [root, '1.2.840.113549.1.1.10'], [root, '1.2.840.10045.4.3.4']] as const) {
      const chain = [certify(leaf, { ...issuer, key: { ...issuer.key, algorithm } }, false), certify(issuer, issuer, true)]
      expect(chainFault(chain, [toHex(spkiHashOf(issuer.key))], AT)).to.equal('leaf is not issued by root')
    }
  })

  it('finds the chain in a heap, and of two issuers of one name that which signed', () => {
    const impostor = certify({ name: 'ca', key: testKey(seed, 'impostor') }, root, true)
    const chain = chainOf()
    for (const pool of [[impostor, ...chain], [...chain].reverse().concat(impostor)]) {
      expect(leavesOf(pool)).to.deep.equal([chain[0]])
      expect(chainFrom(chain[0], pool)).to.deep.equal(chain)
    }
    expect(chainFrom(undefined, chain)).to.deep.equal([])
    expect(chainFrom(chain[0], [chain[0], chain[2]])).to.deep.equal([chain[0]])
  })

  it('a circle of issuers ends', () => {
    const a: TestIssuer = { name: 'a', key: testKey(seed, 'a') }
    const b: TestIssuer = { name: 'b', key: testKey(seed, 'b') }
    const pool = [certify(a, b, true), certify(b, a, true)]
    expect(chainFrom(pool[0], pool)).to.have.lengthOf(2)
    const many = Array.from({ length: 9 }, (_, i) => certify({ name: `${i}`, key: a.key }, { name: `${i + 1}`, key: a.key }, true))
    expect(chainFrom(many[0], many)).to.have.lengthOf(6)
  })

  it('bounds files, blocks and certificates', () => {
    const pem = toPem(testCertificate({ ...leaf, issuer: ca, isCa: false, serial: 5, notBeforeMs: AT, notAfterMs: AT }))
    expect(parsePemOrDer(utf8(pem.repeat(16))).certificates).to.have.lengthOf(16)
    expect(() => parsePemOrDer(utf8(pem.repeat(17)))).to.throw('too many certificates')
    const padded = (length: number): Uint8Array => utf8(pem.padEnd(length, ' '))
    expect(parsePemOrDer(padded(65_536)).certificates).to.have.lengthOf(1)
    expect(() => parsePemOrDer(padded(65_537))).to.throw('too large')
    const sized = (bytes: number): Uint8Array => testCertificate({ ...leaf, issuer: ca, isCa: false, serial: 5, notBeforeMs: AT, notAfterMs: AT, extensions: [{ id: '1.2.3', value: new Uint8Array(bytes) }] })
    const overhead = sized(7_000).byteLength - 7_000
    const largest = sized(8_192 - overhead)
    expect(largest.byteLength).to.be.within(8_190, 8_192)
    expect(parseCertificate(largest).extensions.get('1.2.3')).to.have.lengthOf(8_192 - overhead)
    expect(() => parseCertificate(sized(8_193 - overhead + 8_192 - largest.byteLength))).to.throw('too large')
  })

  it('refuses bytes after a certificate, and one whose two algorithms differ', () => {
    const der = testCertificate({ ...leaf, issuer: ca, isCa: false, serial: 5, notBeforeMs: AT, notAfterMs: AT })
    expect(() => parseCertificate(Uint8Array.from([...der, 0]))).to.throw('cannot be parsed')
    const inner = der.slice()
    // ecdsa-with-SHA256 ends in 4.3.2; the first of two is the inner one.
    const at = inner.findIndex((byte, i) => byte === 0x04 && inner[i + 1] === 0x03 && inner[i + 2] === 0x02)
    inner[at + 2] = 3
    expect(() => parseCertificate(inner)).to.throw('cannot be parsed')
  })
})

describe('revocation lists', () => {
  const issuer = certify(root, root, true)
  const list = (change: Partial<TestCrlInit> = {}): Crl => parseCrl(testCrl({ issuer: root, revoked: [], thisUpdateMs: AT - SECOND, nextUpdateMs: AT + SECOND, ...change }))
  const leafCertificate = certify(leaf, ca, false)

  it('speak from their first millisecond to their last, and never without an end', () => {
    const crl = list({ thisUpdateMs: AT, nextUpdateMs: AT + SECOND })
    const faults = [AT - 1, AT, AT + SECOND, AT + SECOND + 1].map(ms => crlFault(crl, issuer, [leafCertificate], ms) == null)
    expect(faults).to.deep.equal([false, true, true, false])
    expect(crlFault(list({ nextUpdateMs: null }), issuer, [], AT)).to.include('out of date')
    expect(crlFault(null, issuer, [], AT)).to.equal('there is no revocation list signed by root')
  })

  it('name what they revoke', () => {
    expect(crlFault(list({ revoked: [4, 6] }), issuer, [leafCertificate], AT)).to.equal(null)
    expect(crlFault(list({ revoked: [4, 5] }), issuer, [leafCertificate], AT)).to.equal('leaf is revoked')
    expect(crlFault(list({ revoked: [5] }), issuer, [], AT)).to.equal(null)
  })

  it('the newest that has begun is taken, signed by the issuer, which may sign lists', () => {
    const [older, newer, future] = [AT - 3 * SECOND, AT, AT + SECOND].map(thisUpdateMs => list({ thisUpdateMs }))
    for (const lists of [[older, newer, future], [future, newer, older]]) {
      expect(newestCrl(lists, issuer, AT)).to.equal(newer)
      expect(newestCrl(lists, issuer, AT - 1)).to.equal(older)
    }
    expect(newestCrl([future], issuer, AT)).to.equal(future)
    expect(newestCrl([], issuer, AT)).to.equal(null)
    expect(newestCrl([list({ issuer: ca })], issuer, AT)).to.equal(null)
    expect(newestCrl([list({ issuer: { name: 'root', key: ca.key } })], issuer, AT)).to.equal(null)
    const keyCertSign = 32
    expect(newestCrl([newer], certify(root, root, true, { keyUsage: keyCertSign }), AT)).to.equal(null)
  })

  it('a list of changes only is none', () => {
    expect(list({ delta: true }).unknownCritical).to.be.true()
    expect(list().unknownCritical).to.be.false()
    expect(newestCrl([list({ delta: true, revoked: [5] })], issuer, AT)).to.equal(null)
  })

  it('say when the next of them begins', () => {
    const lists = [AT - SECOND, AT, AT + SECOND, AT + 2 * SECOND].map(thisUpdateMs => ({ crl: list({ thisUpdateMs }) }))
    expect(nextBeginMs(lists, AT)).to.equal(AT + SECOND)
    expect(nextBeginMs(lists, AT + 2 * SECOND)).to.equal(Infinity)
  })

  it('refuses bytes after a list, and a list that is too large', () => {
    const der = testCrl({ issuer: root, revoked: [], thisUpdateMs: AT, nextUpdateMs: AT })
    expect(() => parseCrl(Uint8Array.from([...der, 0]))).to.throw('cannot be parsed')
    expect(() => parseCrl(new Uint8Array(65_537))).to.throw('too large')
    expect(() => parseCrl(new Uint8Array(65_536))).to.throw('cannot be parsed')
  })
})

describe('a tag in the place of NULL', () => {
  it('is primitive, of its number, context-specific and empty', () => {
    const forms = { 8000: true, 8100: false, a000: false, '0500': false, 4000: false, c000: false, 800100: false }
    for (const [der, wanted] of Object.entries(forms)) {
      expect(nullOf(parseDer(fromHex(der)), 0), der).to.equal(wanted)
    }
  })
})
