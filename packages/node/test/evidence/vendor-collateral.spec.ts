import { createServer } from 'node:http'
import { collateralNeeds, encodeGpuEvidence, productionPolicy } from '@cocoon-net/attestation'
import { verifyEvidenceUnder } from '@cocoon-net/attestation/testing'
import { createGpuTestPlatform, createSnpTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { fromHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { fetchCollateral } from '../../src/evidence/vendor-collateral.ts'
import type { CollateralNeeds } from '@cocoon-net/attestation'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const atMs = Date.UTC(2026, 5, 1)
const seed = new Uint8Array(32).fill(4)
const tdx = createTdxTestPlatform({ seed, atMs })
const quote = tdx.quote(new Uint8Array(64))

interface Reply { readonly body: string | Uint8Array, readonly headers?: Record<string, string>, readonly status?: number }

/** Answers as Intel's service does, with the collateral of the test platform. */
function intelReplies (): Record<string, Reply> {
  const bundle = JSON.parse(new TextDecoder().decode(tdx.collateral())) as Record<string, string>
  const chain = (name: string): string => encodeURIComponent(bundle[name])
  return {
    '/tdx/certification/v4/tcb?fmspc=': { body: `{"tcbInfo":${bundle.tcb_info},"signature":"${bundle.tcb_info_signature}"}`, headers: { 'TCB-Info-Issuer-Chain': chain('tcb_info_issuer_chain') } },
    '/tdx/certification/v4/qe/identity': { body: `{"enclaveIdentity":${bundle.qe_identity},"signature":"${bundle.qe_identity_signature}"}`, headers: { 'SGX-Enclave-Identity-Issuer-Chain': chain('qe_identity_issuer_chain') } },
    '/sgx/certification/v4/pckcrl?ca=platform&encoding=der': { body: fromHex(bundle.pck_crl), headers: { 'SGX-PCK-CRL-Issuer-Chain': chain('pck_crl_issuer_chain') } },
    '/root.der': { body: fromHex(bundle.root_ca_crl) }
  }
}

function derOf (pem: Uint8Array): Uint8Array[] {
  return [...new TextDecoder().decode(pem).matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)].map(([, body]) => Uint8Array.from(Buffer.from(body, 'base64')))
}

describe('collateral from the vendors', () => {
  let server: Server
  let base: string
  let asked: string[]
  let replies: Record<string, Reply>
  let listener: RequestListener | undefined

  before(async () => {
    server = createServer((request, response) => {
      const url = request.url ?? ''
      asked.push(url)
      if (listener != null) {
        listener(request, response)
        return
      }
      const [, reply] = Object.entries(replies).find(([path]) => url.startsWith(path)) ?? []
      response.writeHead(reply?.status ?? (reply == null ? 404 : 200), reply?.headers).end(reply?.body)
    })
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    asked = []
    replies = intelReplies()
    listener = undefined
  })
  after(async () => {
    server.closeAllConnections()
    await new Promise(resolve => { server.close(resolve) })
  })

  const needsOf = (evidence: Uint8Array): CollateralNeeds => collateralNeeds(evidence) as CollateralNeeds
  const fetched = async (needs: CollateralNeeds = needsOf(quote), timeoutMs?: number): Promise<Uint8Array> =>
    fetchCollateral(needs, { urls: { intel: base, intelRootCrl: `${base}/root.der`, amd: base, nvidiaManifests: base, nvidiaOcsp: `${base}/ocsp` }, timeoutMs })
  const failure = async (timeoutMs?: number): Promise<string> => fetched(undefined, timeoutMs).then(() => 'fetched', (error: unknown) => (error as { code: string }).code)

  it('is what verifies a TDX quote, byte for byte as Intel signed it', async () => {
    const collateral = await fetched()
    const roots = { intel: [tdx.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
    expect(verifyEvidenceUnder(roots, { evidence: quote, collateral, atMs, policy: productionPolicy }).verdict).to.equal('verified')
    expect(asked).to.have.lengthOf(4)
    expect(needsOf(quote).subject).to.match(/^intel\/tdx\/[0-9A-F]{12}\/platform$/)
  })

  it('is what verifies an SEV-SNP report: the chip\'s key, its chain and its revocation list', async () => {
    const snp = createSnpTestPlatform({ seed, atMs })
    const report = snp.report(new Uint8Array(64), { version: 3 })
    const needs = needsOf(report)
    const [vcek, , , crl] = derOf(snp.chain())
    const chain = new TextDecoder().decode(snp.chain({ crl: false })).split('-----END CERTIFICATE-----\n').slice(1).join('-----END CERTIFICATE-----\n')
    replies = { '/vcek/v1/Milan/cert_chain': { body: chain }, '/vcek/v1/Milan/crl': { body: crl }, '/vcek/v1/Milan/5151': { body: vcek } }
    const collateral = await fetched(needs)
    const roots = { intel: [], amd: { Milan: [snp.rootSpkiHash], Genoa: [], Turin: [] }, nvidia: [] }
    expect(verifyEvidenceUnder(roots, { evidence: report, collateral, atMs, policy: productionPolicy }).verdict).to.equal('verified')
    expect(asked.find(url => url.includes('5151'))).to.equal(`/vcek/v1/Milan/${'51'.repeat(64)}?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219`)
  })

  describe('for a GPU', () => {
    const gpu = createGpuTestPlatform({ seed, atMs })
    const transcript = gpu.transcript(new Uint8Array(32))
    const needs = needsOf(encodeGpuEvidence({ v: 1, transcript, chain: [...gpu.chain] }))
    const manifests: Record<string, Uint8Array> = { '/v1/rim/NV_GPU_DRIVER_GH100_550.90.07': gpu.manifest('driver'), '/v1/rim/NV_GPU_VBIOS_1010_0200_882_96009F0001': gpu.manifest('vbios') }
    // In the order of their certificates' serial numbers, with which a request ends.
    const responses = new Map(gpu.ocsp().map((der, i) => [i < 3 ? 0x11 + i : 0x21 + i - 3, der]))
    let types: Set<string | undefined>

    /** Answers as NVIDIA's service of manifests and its responder do. */
    const answers: RequestListener = (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => { parts.push(part) })
      request.on('end', () => {
        const manifest = manifests[request.url ?? '']
        if (manifest != null) {
          response.end(JSON.stringify({ id: 'x', rim: Buffer.from(manifest).toString('base64'), rim_format: 'TEXT' }))
          return
        }
        types.add(`${request.method ?? ''} ${request.headers['content-type'] ?? ''}`)
        response.end(responses.get(Buffer.concat(parts).at(-1) ?? 0))
      })
    }

    beforeEach(() => {
      types = new Set()
      listener = answers
    })

    it('is what verifies a transcript: both manifests, and a response for each certificate once', async () => {
      const collateral = await fetched(needs)
      const roots = { intel: [], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [gpu.rootSpkiHash], nvidiaManifests: [gpu.manifestRootSpkiHash] }
      expect(verifyEvidenceUnder(roots, { evidence: transcript, chain: gpu.chain, collateral, atMs, policy: productionPolicy }).verdict).to.equal('verified')
      expect([...types]).to.deep.equal(['POST application/ocsp-request'])
      expect(asked).to.have.lengthOf(2 + 6)
      expect(needs.subject).to.match(/^nvidia\/GH100\/550\.90\.07\/96\.00\.9F\.00\.01\/[0-9a-f]{64}$/)
    })

    it('fails with the same code: no JSON, no manifest, not XML, nothing', async () => {
      for (const body of ['', 'x', '{}', '{"rim":""}', '{"rim":7}', JSON.stringify({ rim: Buffer.from('<a/>').toString('base64') })]) {
        listener = (_, response) => { response.end(body) }
        expect(await fetched(needs).then(() => 'fetched', (error: unknown) => (error as { code: string }).code), body).to.equal('collateral_missing')
      }
    })
  })

  it('is asked for by nothing but what evidence names; garbage names nothing', () => {
    for (const garbage of [new Uint8Array(0), new Uint8Array(5_000), quote.subarray(0, 2_000), new Uint8Array(1_184).fill(2)]) {
      expect(collateralNeeds(garbage)).to.equal(null)
    }
  })

  it('fails with one code: absent, too large, of another shape, elsewhere, too late', async () => {
    const [tcb] = Object.keys(replies)
    const faults: Array<Partial<Reply>> = [
      { status: 404 }, { status: 302, headers: { location: `${base}/root.der` } }, { body: new Uint8Array(70_000) }, { body: '{}' }, { body: 'null' }, { headers: {} }, { headers: { 'TCB-Info-Issuer-Chain': '%E0%A4%A' } }
    ]
    for (const fault of faults) {
      replies = intelReplies()
      replies[tcb] = { ...replies[tcb], ...fault }
      expect(await failure(), JSON.stringify(fault).slice(0, 60)).to.equal('collateral_missing')
    }
    listener = () => { /* never answers */ }
    expect(await failure(50)).to.equal('collateral_missing')
  })
})
