import { productionPolicy, verifyEvidence } from '@cocoon-net/attestation'
import { verifyEvidenceUnder } from '@cocoon-net/attestation/testing'
import { createSnpTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { concat, fromHex, toHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { openTsmCollector } from '../../src/evidence/tsm-collector.ts'
import { TSM_DIRECTORY, readTsmReport } from '../../src/evidence/tsm-report.ts'
import { fakeKernel } from './fake-kernel.ts'
import type { FakeKernel, FakeKernelInit } from './fake-kernel.ts'

const atMs = Date.UTC(2026, 5, 1)
const seed = new Uint8Array(32).fill(4)
const tdx = createTdxTestPlatform({ seed, atMs })
const reportData = Uint8Array.from({ length: 64 }, (_, i) => i)

function u32 (value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24)
}

/** The GHCB's table of [GUID, DER]. */
function certTable (entries: ReadonlyArray<readonly [string, Uint8Array]>): Uint8Array {
  let offset = (entries.length + 1) * 24
  const heads: Uint8Array[] = []
  for (const [guid, der] of entries) {
    heads.push(fromHex(guid.replaceAll('-', '')), u32(offset), u32(der.byteLength))
    offset += der.byteLength
  }
  return concat(...heads, new Uint8Array(24), ...entries.map(([, der]) => der))
}

function derOf (pem: Uint8Array): Uint8Array[] {
  return [...new TextDecoder().decode(pem).matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)].map(([, body]) => Uint8Array.from(Buffer.from(body, 'base64')))
}

describe('evidence through configfs', () => {
  const kernels: FakeKernel[] = []
  const kernel = async (init: Partial<FakeKernelInit> = {}): Promise<FakeKernel> => {
    const made = await fakeKernel({ driver: 'tdx_guest', report: (inblob) => tdx.quote(inblob), ...init })
    kernels.push(made)
    return made
  }
  const refused = async (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing was refused', (error: unknown) => `${(error as { code: string }).code}: ${(error as Error).message}`)

  after(async () => { await Promise.all(kernels.map(async ({ stop }) => stop())) })

  it('is a TDX quote over the data, and leaves no request behind', async () => {
    const fake = await kernel()
    const collector = await openTsmCollector(fake)
    expect(collector.kind).to.equal('tdx')
    const { evidence, collateral } = await collector.collect(reportData, {})
    expect(collateral).to.equal(null)
    const roots = { intel: [tdx.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
    const report = verifyEvidenceUnder(roots, { evidence, collateral: tdx.collateral(), atMs, policy: productionPolicy })
    expect(report.verdict).to.equal('verified')
    expect(report.claims?.reportData).to.equal(toHex(reportData))
    expect(fake.requests.size).to.equal(0)
    expect(verifyEvidence({ evidence, collateral: tdx.collateral(), atMs, policy: productionPolicy }).verdict).to.equal('refused')
  })

  it('is an SEV-SNP report with the certificates that the host gives', async () => {
    const snp = createSnpTestPlatform({ seed, atMs })
    const [vcek, ask, ark, crl] = derOf(snp.chain())
    const auxblob = certTable([
      ['63da758d-e664-4564-adc5-f4b93be8accd', vcek], ['4ab7b379-bbac-4fe4-a02f-05aef327c782', ask],
      ['c0b406a4-a803-4952-9743-3fb6014cd0ae', ark], ['92f81bc3-5811-4d3d-97ff-d19f88dc67ea', crl], ['00112233-4455-6677-8899-aabbccddeeff', vcek]
    ])
    const collector = await openTsmCollector(await kernel({ driver: 'sev_guest', report: (inblob) => snp.report(inblob), auxblob }))
    expect(collector.kind).to.equal('snp')
    const { evidence, collateral } = await collector.collect(reportData, {})
    const roots = { intel: [], amd: { Milan: [snp.rootSpkiHash], Genoa: [], Turin: [] }, nvidia: [] }
    expect(verifyEvidenceUnder(roots, { evidence, collateral, atMs, policy: productionPolicy }).verdict).to.equal('verified')
  })

  it('passes over a table that points outside of itself', async () => {
    const snp = createSnpTestPlatform({ seed, atMs })
    const table = certTable([['63da758d-e664-4564-adc5-f4b93be8accd', new Uint8Array(40)]])
    for (const end of [0, 5, 23, 24, 40, table.byteLength - 1]) {
      const collector = await openTsmCollector(await kernel({ driver: 'sev_guest', report: (inblob) => snp.report(inblob), auxblob: table.subarray(0, end) }))
      expect((await collector.collect(reportData, {})).collateral).to.equal(null)
    }
  })

  it('asks again when another writer changed the request, and takes no report of foreign data', async () => {
    let disturbances = 2
    const disturbed = await kernel({
      onReport: async (_request, write) => {
        if (disturbances-- > 0) {
          await write(new Uint8Array(64))
        }
      }
    })
    const { outblob } = await readTsmReport({ ...disturbed, reportData })
    expect(toHex(outblob)).to.include(toHex(reportData))
    const always = await kernel({ onReport: async (_request, write) => write(new Uint8Array(64)) })
    expect(await refused(readTsmReport({ ...always, reportData }))).to.include('evidence_missing').and.include('attempts')
    expect(always.requests.size).to.equal(0)
  })

  it('waits for a busy kernel a few times, and says when it gives nothing', async () => {
    let busy = 3
    const error = (code: string): never => { throw Object.assign(new Error(code), { code }) }
    const waits = await kernel({ report: (inblob) => busy-- > 0 ? error('EBUSY') : tdx.quote(inblob) })
    expect((await readTsmReport({ ...waits, reportData })).kind).to.equal('tdx')
    for (const init of [{ report: () => error('EIO') }, { report: () => new Uint8Array(0) }, { report: () => new Uint8Array(40_000) }, { report: () => error('EBUSY') }]) {
      const fake = await kernel(init)
      expect(await refused(readTsmReport({ ...fake, reportData }))).to.include('evidence_missing')
      expect(fake.requests.size).to.equal(0)
    }
    expect(await refused(readTsmReport({ ...waits, reportData, signal: AbortSignal.abort() }))).to.include('in time')
  })

  it('is refused on a machine that is no guest, or of another kind', async () => {
    expect(await refused(openTsmCollector({ directory: '/nonexistent/tsm/report' }))).to.include('evidence_missing')
    expect(await refused(openTsmCollector(await kernel({ driver: 'arm_cca_guest' })))).to.include('arm_cca_guest')
    expect(TSM_DIRECTORY).to.equal('/sys/kernel/config/tsm/report')
  })
})
