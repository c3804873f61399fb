import { createGpuTestPlatform, createSnpTestPlatform, testCertificate, testKey } from '@cocoon-net/attestation-simulated'
import { toHex } from '@cocoon-net/protocol'
import { sha384 } from '@noble/hashes/sha2.js'
import { expect } from 'aegir/chai'
import { collateralNeeds, encodeGpuEvidence, manifestOcspRequests } from '../../src/index.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { integerBytes, octetsOf, oidOf, parseDer, sequenceOf } from '../../src/x509/der.ts'
import { ocspRequest } from '../../src/x509/ocsp.ts'
import { parsePemOrDer } from '../../src/x509/pem.ts'

const atMs = Date.UTC(2026, 5, 1)
const seed = new Uint8Array(32).fill(2)
const gpu = createGpuTestPlatform({ seed, atMs })
const evidence = (driverVersion?: string): Uint8Array => encodeGpuEvidence({ v: 1, transcript: gpu.transcript(new Uint8Array(32), { driverVersion }), chain: [...gpu.chain] })

/** OCSPRequest, tbsRequest, requestList, reqCert: the certificate that is asked about. */
function askedOf (request: Uint8Array): { hash: string, name: string, key: string, serial: string } {
  const [tbs] = sequenceOf(parseDer(request))
  const [list] = sequenceOf(tbs)
  const [certId] = sequenceOf(sequenceOf(list)[0])
  const [hash, name, key, serial] = sequenceOf(certId)
  return { hash: oidOf(sequenceOf(hash)[0]), name: toHex(octetsOf(name)), key: toHex(octetsOf(key)), serial: toHex(integerBytes(serial)) }
}

describe('what a GPU needs to be verified', () => {
  it('is its manifests, and an answer for each certificate that somebody answers for', () => {
    const needs = collateralNeeds(evidence())
    expect(needs).to.deep.include({ vendor: 'nvidia', manifestIds: ['NV_GPU_DRIVER_GH100_550.90.07', 'NV_GPU_VBIOS_1010_0200_882_96009F0001'] })
    const requests = needs?.vendor === 'nvidia' ? needs.ocspRequests.map(askedOf) : []
    const chain = gpu.chain.map(parseCertificate)
    expect(requests).to.deep.equal([1, 2, 3].map(i => {
      const { subject, publicKey } = chain[i + 1]
      const point = publicKey.type === 'ec' ? publicKey.point : new Uint8Array()
      return { hash: '2.16.840.1.101.3.4.2.2', name: toHex(sha384(subject)), key: toHex(sha384(point)), serial: chain[i].serial }
    }))
    expect(manifestOcspRequests(gpu.manifest('driver')).map(request => askedOf(request).serial)).to.deep.equal(['23', '22', '21'])
  })

  it('cannot be told where a part of a name would be part of a path', () => {
    expect(collateralNeeds(evidence('../550'))).to.equal(null)
    expect(collateralNeeds(evidence('x'.repeat(65)))).to.equal(null)
    expect(collateralNeeds(evidence('x'.repeat(64)))).to.not.equal(null)
  })

  it('asks with positive serial numbers, and nobody whose key is not of a curve', () => {
    const issuer = { name: 'issuer', key: testKey(seed, 'issuer', 'P-384') }
    const certify = (serial: number): Uint8Array => testCertificate({ ...issuer, issuer, serial, isCa: true, notBeforeMs: atMs, notAfterMs: atMs })
    const serials = [0x7f, 0x80, 0xff].map(serial => {
      const certificate = parseCertificate(certify(serial))
      return askedOf(ocspRequest(certificate, certificate) ?? new Uint8Array()).serial
    })
    expect(serials).to.deep.equal(['7f', '0080', '00ff'])
    const [key, rsaIssuer] = parsePemOrDer(createSnpTestPlatform({ seed, atMs }).chain()).certificates
    expect(ocspRequest(key, rsaIssuer)).to.equal(null)
  })
})
