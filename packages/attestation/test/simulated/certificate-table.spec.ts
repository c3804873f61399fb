import { createSnpTestPlatform } from '@cocoon-net/attestation-simulated'
import { concat, fromHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { looksLikeCertificateTable } from '../../src/amd/certificate-table.ts'
import { detectKind, isMaterial, productionPolicy, readCertificateTable } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'

const GUID = Object.freeze({
  vcek: '63da758d-e664-4564-adc5-f4b93be8accd',
  vlek: 'a8074bc2-a25a-483e-aae6-39c045a0b8a1',
  ask: '4ab7b379-bbac-4fe4-a02f-05aef327c782',
  ark: 'c0b406a4-a803-4952-9743-3fb6014cd0ae',
  crl: '92f81bc3-5811-4d3d-97ff-d19f88dc67ea',
  unknown: '00112233-4455-6677-8899-aabbccddeeff'
})
const atMs = Date.UTC(2026, 5, 1)
const platform = createSnpTestPlatform({ seed: new Uint8Array(32).fill(1), atMs })
const roots = { intel: [], amd: { Milan: [platform.rootSpkiHash], Genoa: [], Turin: [] }, nvidia: [] }
const report = platform.report(new Uint8Array(64))
const [vcek, ask, ark, crl] = [...new TextDecoder().decode(platform.chain()).matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)].map(([, body]) => Uint8Array.from(Buffer.from(body, 'base64')))

function u32 (value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

function table (...entries: ReadonlyArray<readonly [keyof typeof GUID, Uint8Array]>): Uint8Array {
  let offset = (entries.length + 1) * 24
  const heads = entries.map(([name, der]) => {
    offset += der.byteLength
    return concat(fromHex(GUID[name].replaceAll('-', '')), u32(offset - der.byteLength), u32(der.byteLength))
  })
  return concat(...heads, new Uint8Array(24), ...entries.map(([, der]) => der))
}

const sound = table(['vcek', vcek], ['ask', ask], ['ark', ark], ['crl', crl])

function judge (evidence: Uint8Array, ...chain: Uint8Array[]): EvidenceReport {
  return verifyEvidenceUnder(roots, { evidence, chain, atMs, policy: productionPolicy })
}

describe('the certificates that a host gives', () => {
  it('stand after an extended report, with or without padding, or in a file of their own', () => {
    for (const evidence of [concat(report, sound), concat(report, sound, new Uint8Array(4_096))]) {
      expect(detectKind(evidence)).to.equal('snp')
      expect(judge(evidence)).to.deep.equal(judge(report, sound))
      expect(judge(evidence).verdict).to.equal('verified')
    }
    expect(isMaterial(sound)).to.be.true()
    expect(judge(concat(report, table(['vcek', vcek], ['ask', ask])), ark, crl).verdict).to.equal('verified')
    expect(judge(concat(report, table(['unknown', vcek], ['ark', ark])), platform.chain()).verdict, 'unknown ones are passed over').to.equal('verified')
  })

  it('an extended report without any is a report, and bytes that are no table make it none', () => {
    expect(judge(concat(report, new Uint8Array(24)), platform.chain()).verdict).to.equal('verified')
    expect(judge(concat(report, new Uint8Array(4_096))).checks.find(({ name }) => name === 'chain')).to.include({ result: 'absent', code: 'evidence_missing' })
    for (const rest of [new Uint8Array(1), new Uint8Array(23), new Uint8Array(24).fill(1), new Uint8Array(4_096).fill(1, 4_095)]) {
      expect(detectKind(concat(report, rest)), String(rest.byteLength)).to.equal(null)
    }
    expect(isMaterial(new Uint8Array(4_096))).to.be.false()
  })

  it('a table of the unknown alone is none', () => {
    expect(looksLikeCertificateTable(table(['unknown', vcek]))).to.be.false()
    expect(looksLikeCertificateTable(table(['unknown', vcek], ['ask', ask]))).to.be.true()
    expect(looksLikeCertificateTable(table(['vlek', vcek]))).to.be.true()
    expect([23, 24, 65_536, 65_537].map(bytes => looksLikeCertificateTable(new Uint8Array(bytes)))).to.deep.equal([false, true, true, false])
  })

  it('damage to it refuses', () => {
    for (const damaged of [table(['vcek', ask], ['ask', ask], ['ark', ark], ['crl', crl]), table(['vcek', vcek], ['ask', ask], ['ark', ark]), table(['vcek', vcek.slice(1)], ['ask', ask], ['ark', ark], ['crl', crl]), table(['vcek', vcek], ['ask', ask], ['ark', ark], ['crl', crl], ['vlek', vcek.slice(1)])]) {
      expect(judge(concat(report, damaged)).verdict).to.equal('refused')
      expect(judge(report, damaged).verdict).to.equal('refused')
    }
    expect(judge(concat(report, sound), vcek.slice(1)).verdict).to.equal('refused')
  })

  it('entries end at zeros, at sixteen, and at the table\'s own end', () => {
    expect(readCertificateTable(concat(new Uint8Array(24), sound))).to.deep.equal([])
    const one = Uint8Array.of(1)
    const many = table(...Array.from({ length: 17 }, () => ['vcek', one] as const))
    expect(readCertificateTable(many)).to.have.lengthOf(16)
    const single = table(['crl', one])
    expect(readCertificateTable(single)).to.deep.equal([{ label: 'X509 CRL', der: one }])
    expect(readCertificateTable(single.subarray(0, -1))).to.deep.equal([])
    expect(readCertificateTable(table(['crl', new Uint8Array()]))).to.deep.equal([])
    expect(readCertificateTable(single.subarray(0, 23))).to.deep.equal([])
    const wild = single.slice()
    wild.fill(0xff, 16, 24)
    expect(readCertificateTable(wild)).to.deep.equal([])
  })
})
