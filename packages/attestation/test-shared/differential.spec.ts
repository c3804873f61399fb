import { verify } from '@phala/dcap-qvl'
import { expect } from 'aegir/chai'
import { productionPolicy, verifyEvidence } from '../src/index.ts'
import { judge, leftOut, present, read, readCases } from './vectors.ts'
import type { Case } from './vectors.ts'

type Bundle = Record<string, string>

const HEX_FIELDS = ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']

function bundleOf (one: Case): Bundle {
  return JSON.parse(new TextDecoder().decode(read(one.collateral ?? ''))) as Bundle
}

/** The other implementation's TCB status, or null when it refuses. */
function otherStatus (one: Case, bundle: Bundle): string | null {
  const collateral: Record<string, unknown> = { ...bundle }
  for (const field of HEX_FIELDS) {
    collateral[field] = new Uint8Array(Buffer.from(bundle[field], 'hex'))
  }
  try {
    return verify(read(one.evidence), collateral as unknown as Parameters<typeof verify>[1], Date.parse(one.at) / 1_000).status
  } catch {
    return null
  }
}

describe('against a second implementation of quote verification', () => {
  if (!present) {
    leftOut()
    return
  }
  const cases = readCases().filter(({ collateral }) => collateral != null)
  const [sound] = cases

  for (const one of cases) {
    it(`${one.id}: the same TCB status, or both refuse`, () => {
      const report = judge(one)
      expect(otherStatus(one, bundleOf(one))).to.equal(report.tcbStatus)
    })
  }

  // "accepts empty, garbage, badly signed and swapped CRLs"
  const holes: Array<[string, (bundle: Bundle) => Bundle]> = [
    ['a swapped revocation list', bundle => ({ ...bundle, pck_crl: bundle.root_ca_crl })],
    ['a badly signed revocation list', bundle => ({ ...bundle, pck_crl: `${bundle.pck_crl.slice(0, -8)}00000000` })]
  ]
  for (const [name, attack] of holes) {
    it(`${name}: accepted there, refused here`, () => {
      const bundle = attack(bundleOf(sound))
      expect(otherStatus(sound, bundle)).to.equal('UpToDate')
      const report = verifyEvidence({
        evidence: read(sound.evidence),
        collateral: new TextEncoder().encode(JSON.stringify(bundle)),
        atMs: Date.parse(sound.at),
        policy: productionPolicy
      })
      expect(report.verdict).to.equal('refused')
      expect(report.checks.find(check => check.name === 'revocation')?.result).to.equal('fail')
    })
  }
})
