import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collateralNeeds, gpuDigestOf, productionPolicy } from '@cocoon-net/attestation'
import { verifyEvidenceUnder } from '@cocoon-net/attestation/testing'
import { createSnpTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { KEMS, decodeBinding, devnetPreset, encodeBinding, gpuNonceOf, reportDataOf, toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { noCounters } from '../../src/counters.ts'
import { attestBinding } from '../../src/evidence/attest-binding.ts'
import { createCollateralSources } from '../../src/evidence/collateral-sources.ts'
import { openCollateralStore } from '../../src/evidence/collateral-store.ts'
import { openTsmCollector } from '../../src/evidence/tsm-collector.ts'
import { createProviderIdentity } from '../../src/provider/identity.ts'
import { fakeKernel } from './fake-kernel.ts'
import type { CollateralSources } from '../../src/evidence/collateral-sources.ts'
import type { EvidenceCollector, EvidenceInput } from '@cocoon-net/attestation'
import type { Binding } from '@cocoon-net/protocol'

const nowMs = Date.UTC(2026, 5, 1)
const tdx = createTdxTestPlatform({ seed: new Uint8Array(32).fill(6), atMs: nowMs })
const network = devnetPreset(new Uint8Array(32).fill(81))
const roots = { intel: [tdx.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
const verify = (input: EvidenceInput): ReturnType<typeof verifyEvidenceUnder> => verifyEvidenceUnder(roots, input)
const signal = new AbortController().signal
const bytes32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

const draft: Binding = {
  v: 1,
  networkId: network.networkId,
  role: 'provider',
  peerKey: new Uint8Array(36),
  hpkeKeys: [{ kem: KEMS.xWing, key: new Uint8Array(1_216) }],
  receiptKey: bytes32(1),
  stake: bytes32(0),
  payee: bytes32(2),
  models: [bytes32(3)],
  runtimeConfigDigest: bytes32(4),
  beacon: { seqno: 1, rootHash: bytes32(5), atMs: nowMs },
  notAfterMs: nowMs + 1,
  evidenceKind: 'tdx',
  gpuDigest: null
}

describe('attesting a binding', () => {
  let folder: string
  let kernel: Awaited<ReturnType<typeof fakeKernel>>
  let collector: EvidenceCollector

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cocoon-attest-'))
    kernel = await fakeKernel({ driver: 'tdx_guest', report: (inblob) => tdx.quote(inblob) })
    const command = join(folder, 'nvattest')
    await writeFile(command, `#!/bin/sh
printf '{"result_code":0,"evidences":[{"nonce":"%s","evidence":"AQID","certificate":"%s"}]}' "$1" "${Buffer.from('-----BEGIN CERTIFICATE-----\nMAAB\n-----END CERTIFICATE-----\n').toString('base64')}"
`)
    await chmod(command, 0o755)
    collector = await openTsmCollector({ ...kernel, gpuCommand: [command, '{nonce}'] })
  })
  after(async () => {
    await kernel.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const sourcesOf = async (stored: Uint8Array | null): Promise<CollateralSources> => {
    const store = await openCollateralStore(new MemoryLevel<string, string>())
    if (stored != null) {
      await store.keep(collateralNeeds(tdx.quote(new Uint8Array(64)))?.subject ?? '', stored, nowMs)
    }
    return createCollateralSources({ network, store, vendors: null, connections: () => [], counters: noCounters, now: () => nowMs })
  }

  it('binds both ways: the quote to the whole binding, the binding to the GPU, the GPU to the rest of it', async () => {
    const { binding, bytes, evidence, gpuEvidence } = await attestBinding(draft, { collector, sources: null, signal, now: () => nowMs })
    expect(toHex(evidence)).to.include(toHex(reportDataOf(bytes)))
    expect(decodeBinding(bytes)).to.deep.equal(binding)
    expect(bytes).to.deep.equal(encodeBinding(binding))
    expect(binding.gpuDigest).to.deep.equal(gpuDigestOf(gpuEvidence as Uint8Array))
    expect(gpuNonceOf(binding)).to.deep.equal(gpuNonceOf(draft))
  })

  it('staples collateral that allows a judgement, and nothing else', async () => {
    const attest = async (stored: Uint8Array | null): Promise<Uint8Array | null> => (await attestBinding(draft, { collector, sources: await sourcesOf(stored), signal, now: () => nowMs, verify })).collateral
    expect(await attest(tdx.collateral())).to.deep.equal(tdx.collateral())
    // Refused for its TCB, and authentic: the client shall see why.
    const old = tdx.collateral({ tcbInfo: (info) => ({ ...info, tcbLevels: [] }) })
    expect(await attest(old)).to.deep.equal(old)
    for (const useless of [null, utf8('garbage'), tdx.collateral({ signer: 'pck' }), createTdxTestPlatform({ seed: bytes32(9), atMs: nowMs }).collateral()]) {
      expect(await attest(useless)).to.equal(null)
    }
  })

  it('staples a cloud\'s own key, which the host gives, beside what AMD publishes', async () => {
    const snp = createSnpTestPlatform({ seed: bytes32(6), atMs: nowMs, kind: 'vlek' })
    const [vlek, ...published] = new TextDecoder().decode(snp.chain()).split(/(?<=-----END [A-Z0-9 ]+-----\n)/)
    const store = await openCollateralStore(new MemoryLevel<string, string>())
    await store.keep('amd/vlek/Milan', utf8(published.join('')), nowMs)
    const sources = createCollateralSources({ network, store, vendors: null, connections: () => [], counters: noCounters, now: () => nowMs })
    const guest: EvidenceCollector = { kind: 'snp', collect: async (reportData) => ({ evidence: snp.report(reportData), collateral: utf8(vlek) }) }
    const snpRoots = { intel: [], amd: { Milan: [snp.rootSpkiHash], Genoa: [], Turin: [] }, nvidia: [] }
    const judge = (input: EvidenceInput): ReturnType<typeof verifyEvidenceUnder> => verifyEvidenceUnder(snpRoots, input)
    const { evidence, collateral } = await attestBinding({ ...draft, evidenceKind: 'snp' }, { collector: guest, sources, signal, now: () => nowMs, verify: judge })
    expect(judge({ evidence, collateral, atMs: nowMs, policy: productionPolicy }).verdict).to.equal('verified')
    expect(judge({ evidence, collateral: utf8(vlek), atMs: nowMs, policy: productionPolicy }).verdict).to.equal('refused')
  })

  it('is done anew when what runs has changed', async () => {
    let model = bytes32(3)
    const identity = createProviderIdentity({
      network,
      peerKey: draft.peerKey,
      hpkeKey: { kem: KEMS.xWing, publicKey: draft.hpkeKeys[0].key } as never,
      receiptKey: draft.receiptKey,
      stake: draft.stake,
      payee: draft.payee,
      running: () => ({ models: [model], runtimeConfigDigest: draft.runtimeConfigDigest }),
      collector,
      beacon: async () => draft.beacon,
      now: () => nowMs
    })
    expect(identity.outdated()).to.equal(false)
    const first = await identity.refresh()
    expect(identity.outdated()).to.equal(false)
    model = bytes32(7)
    expect(identity.outdated()).to.equal(true)
    const second = await identity.refresh()
    expect(second.binding.models).to.deep.equal([model])
    expect(identity.outdated()).to.equal(false)
    expect(identity.find(first.hash)?.evidence).to.deep.equal(first.evidence)
    expect(identity.current().hash).to.deep.equal(second.hash)
  })
})
