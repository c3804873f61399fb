import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { expect } from 'aegir/chai'
import { detectKind, parsePolicy, productionPolicy } from '../../src/index.ts'
import { parseQuote } from '../../src/intel/quote.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'
import type { TestCollateralInit } from '@cocoon-net/attestation-simulated'

const atMs = Date.UTC(2026, 5, 1)
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [], nvidiaManifests: [] }
const reportData = new Uint8Array(64).fill(7)
const evidence = platform.quote(reportData, { version: 3 })
const forSgx: TestCollateralInit = { tcbInfo: info => ({ ...info, id: 'SGX' }), qeIdentity: one => ({ ...one, id: 'QE' }) }

function judge (init: TestCollateralInit = forSgx, quote = evidence): EvidenceReport {
  return verifyEvidenceUnder(roots, { evidence: quote, collateral: platform.collateral(init), atMs, policy: parsePolicy({ ...productionPolicy }) })
}

describe('SGX evidence under a private root', () => {
  it('version 3 verifies, with its claims', () => {
    const report = judge()
    expect(report).to.deep.include({ verdict: 'verified', kind: 'sgx', tcbStatus: 'UpToDate', collateralVersions: { 'tcb/SGX/00906ED50000': 18, 'qe/QE': 18 } })
    expect(report.claims).to.include({ reportData: '07'.repeat(64), quoteVersion: '3' })
    expect(report.claims?.measurement).to.deep.equal({
      mrenclave: '41'.repeat(32),
      mrsigner: 'dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5',
      attributes: '1500000000000000e700000000000000',
      isvprodid: '2',
      isvsvn: '4'
    })
    const { td, enclave } = parseQuote(evidence)
    expect([td, enclave?.isvSvn]).to.deep.equal([null, 4])
  })

  it('collateral of TDX is none for it', () => {
    for (const init of [{}, { tcbInfo: forSgx.tcbInfo }, { qeIdentity: forSgx.qeIdentity }]) {
      expect(judge(init).checks.find(({ name }) => name === 'tcb')).to.include({ result: 'fail', message: init.tcbInfo == null && init.qeIdentity == null ? 'the collateral is for another kind of evidence; the collateral is for another kind of evidence' : 'the collateral is for another kind of evidence' })
    }
  })

  it('every byte of what is signed counts', () => {
    for (let at = 48; at < 48 + 384; at += 17) {
      const changed = evidence.slice()
      changed[at] ^= 1
      expect(judge(forSgx, changed).claims, String(at)).to.equal(null)
    }
  })

  it('versions, kinds and key types in every company', () => {
    const kinds: Array<[number, number, number, string | null]> = [
      [3, 2, 0, 'sgx'], [3, 2, 0x81, null], [4, 2, 0x81, 'tdx'], [4, 2, 0, null], [5, 2, 0x81, 'tdx'], [5, 2, 0, null],
      [2, 2, 0, null], [6, 2, 0x81, null], [3, 3, 0, null], [4, 1, 0x81, null], [5, 3, 0x81, null], [4, 2, 1, null]
    ]
    for (const [version, keyType, tee, wanted] of kinds) {
      const header = new Uint8Array(48)
      new DataView(header.buffer).setUint16(0, version, true)
      new DataView(header.buffer).setUint16(2, keyType, true)
      new DataView(header.buffer).setUint32(4, tee, true)
      expect(detectKind(header), `${version} ${keyType} ${tee}`).to.equal(wanted)
      expect(detectKind(header.subarray(0, 47))).to.equal(null)
    }
  })
})
