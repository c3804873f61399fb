import { devnetPolicy } from '@cocoon-net/attestation'
import { verifyEvidenceUnder } from '@cocoon-net/attestation/testing'
import { devnetPreset } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { SIMULATED_MEASUREMENTS, createSnpTestPlatform, createTdxTestPlatform } from '../src/index.ts'

describe('simulated measurements', () => {
  it('are those of the platforms, whatever their seed', () => {
    const atMs = Date.UTC(2026, 5, 1)
    const policy = devnetPolicy(devnetPreset(new Uint8Array(32)))
    const roots = (hash: string): Parameters<typeof verifyEvidenceUnder>[0] => ({ intel: [hash], amd: { Milan: [hash], Genoa: [hash], Turin: [hash] }, nvidia: [] })
    for (const fill of [1, 2]) {
      const seed = new Uint8Array(32).fill(fill)
      const tdx = createTdxTestPlatform({ seed, atMs })
      const quote = verifyEvidenceUnder(roots(tdx.rootSpkiHash), { evidence: tdx.quote(new Uint8Array(64)), collateral: tdx.collateral(), atMs, policy })
      expect(quote.claims?.measurementDigest).to.equal(SIMULATED_MEASUREMENTS.tdx)
      const snp = createSnpTestPlatform({ seed, atMs })
      const report = verifyEvidenceUnder(roots(snp.rootSpkiHash), { evidence: snp.report(new Uint8Array(64)), collateral: snp.chain(), atMs, policy })
      expect(report.claims?.measurementDigest).to.equal(SIMULATED_MEASUREMENTS.snp)
    }
  }).timeout(20_000)
})
