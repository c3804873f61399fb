import { expect } from 'aegir/chai'
import { productionPolicy, verifyEvidence } from '../src/index.ts'
import { parseRim } from '../src/nvidia/rim.ts'
import { PRODUCTION_ROOTS } from '../src/roots.ts'
import { chainFault } from '../src/x509/certificate.ts'
import { parsePemOrDer } from '../src/x509/pem.ts'
import { leftOut, present, read } from './vectors.ts'
import type { EvidenceReport } from '../src/index.ts'

const DRIVER = 'nvidia/Driver_RIM_test_no_gpu.swidtag'
const VBIOS = 'nvidia/1010_0200_882_96005E0001_test_no_gpu.swidtag'
/** When the certificates of both manifests hold. */
const AT_MS = Date.UTC(2024, 0, 1)

describe('NVIDIA\'s own manifests', () => {
  if (!present) {
    leftOut()
    return
  }

  it('are signed by NVIDIA, and say what they are for', () => {
    for (const [file, expected] of [[DRIVER, { kind: 'driver', version: '545.00', active: 21 }], [VBIOS, { kind: 'vbios', version: '96.00.5E.00.01', active: 12 }]] as const) {
      const rim = parseRim(read(file))
      expect(rim).to.include({ kind: expected.kind, version: expected.version, product: 'GH100', isSigned: true })
      expect(rim.digests.size).to.equal(expected.active)
      expect(chainFault(rim.certificates, PRODUCTION_ROOTS.nvidiaManifests ?? [], AT_MS)).to.equal(null)
      expect(chainFault(rim.certificates, PRODUCTION_ROOTS.nvidiaManifests ?? [], Date.UTC(2026, 0, 1))).to.include('out of date')
      // The root that NVIDIA publishes beside its verifier.
      expect(parsePemOrDer(read('nvidia/verifier_RIM_root.pem')).certificates[0].spkiHash).to.equal(rim.certificates.at(-1)?.spkiHash)
    }
  })

  it('no bit of what they say can be turned', () => {
    const file = read(DRIVER)
    const end = new TextDecoder().decode(file).indexOf('<ds:X509Certificate>')
    for (let at = 0; at < end; at += 211) {
      const changed = file.slice()
      changed[at] ^= 1 << (at % 8)
      let signed = false
      try {
        signed = parseRim(changed).isSigned
      } catch {
        // No manifest any more.
      }
      expect(signed, `byte ${at}`).to.equal(false)
    }
  }).timeout(20_000)

  it('of another driver and VBIOS than the transcript\'s prove nothing, and both versions are named', () => {
    const report: EvidenceReport = verifyEvidence({
      evidence: read('nvidia/hopperAttestationReport.txt'),
      chain: [read('nvidia/hopperCertChain.txt'), read('nvidia/verifier_device_root.pem')],
      collateral: [read(DRIVER), read(VBIOS)],
      atMs: AT_MS,
      policy: productionPolicy
    })
    expect(report.verdict).to.equal('refused')
    expect(report.claims).to.include({ driverVersion: '550.90.07', vbiosVersion: '96.00.9F.00.01' })
    const tcb = report.checks.find(({ name }) => name === 'tcb')
    expect(tcb).to.include({ result: 'fail', code: 'collateral_missing' })
    expect(tcb?.message).to.include('driver 550.90.07, but for 545.00').and.to.include('VBIOS 96.00.9F.00.01, but for 96.00.5E.00.01')
    expect(report.checks.find(({ name }) => name === 'revocation')).to.include({ result: 'absent', code: 'collateral_missing' })
  })
})
