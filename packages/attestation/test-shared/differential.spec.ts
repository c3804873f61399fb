import { verify } from '@phala/dcap-qvl'
import { expect } from 'aegir/chai'
import { productionPolicy, verifyEvidence } from '../src/index.ts'
import { judge, leftOut, present, read, readCases } from './vectors.ts'
import type { Case } from './vectors.ts'
import type { EvidenceReport } from '../src/index.ts'

type Bundle = Record<string, string>

const HEX_FIELDS = ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']

function bundleOf (one: Case): Bundle {
  return JSON.parse(new TextDecoder().decode(read(one.collateral ?? ''))) as Bundle
}

/** The other implementation's TCB status, or null when it refuses. */
function otherStatus (one: Case, bundle: Bundle, evidence: Uint8Array = read(one.evidence)): string | null {
  const collateral: Record<string, unknown> = { ...bundle }
  for (const field of HEX_FIELDS) {
    collateral[field] = new Uint8Array(Buffer.from(bundle[field], 'hex'))
  }
  try {
    return verify(evidence, collateral as unknown as Parameters<typeof verify>[1], Date.parse(one.at) / 1_000).status
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

  const later = cases.find(({ id }) => id === 'tdx-v5-up-to-date') ?? sound
  const judgeBundle = (one: Case, bundle: Bundle): EvidenceReport => verifyEvidence({
    evidence: read(one.evidence),
    collateral: new TextEncoder().encode(JSON.stringify(bundle)),
    atMs: Date.parse(one.at),
    policy: productionPolicy
  })

  // Where both check, both refuse: a byte of what Intel signed, a signature, another platform's collateral, another time.
  const refusals: Array<[string, (bundle: Bundle) => Bundle]> = [
    ['a digit of the TCB info', bundle => ({ ...bundle, tcb_info: bundle.tcb_info.replace('"svn":5', '"svn":4') })],
    ['a digit of the QE identity', bundle => ({ ...bundle, qe_identity: bundle.qe_identity.replace('"isvprodid":2', '"isvprodid":1') })],
    ['the signature of the TCB info', bundle => ({ ...bundle, tcb_info_signature: bundle.qe_identity_signature })],
    ['the signature of the QE identity', bundle => ({ ...bundle, qe_identity_signature: bundle.tcb_info_signature })],
    ['the signer\'s chain', bundle => ({ ...bundle, tcb_info_issuer_chain: bundle.pck_crl_issuer_chain })]
  ]
  for (const [name, change] of refusals) {
    it(`both refuse another value of ${name}`, () => {
      for (const one of [sound, later]) {
        const bundle = change(bundleOf(one))
        expect(otherStatus(one, bundle)).to.equal(null)
        expect(judgeBundle(one, bundle).verdict).to.equal('refused')
      }
    })
  }

  it('both refuse a changed bit of the quote, and agree outside what is signed', () => {
    for (const one of [sound, later]) {
      const bundle = bundleOf(one)
      for (let at = 0; at < read(one.evidence).byteLength; at += 97) {
        const evidence = read(one.evidence)
        evidence[at] ^= 1 << (at & 7)
        let mine: string | null
        try {
          mine = judge(one, evidence).tcbStatus
        } catch {
          mine = null
        }
        const other = otherStatus({ ...one, evidence: '' }, bundle, evidence)
        // Here certificates are read whole and in any order, there as PEM by position: a flip in the text may be seen by one alone.
        if (mine != null && other != null) {
          expect(other, `byte ${at}`).to.equal(mine)
        }
        if (at < 632) {
          expect([mine, other], `byte ${at}`).to.deep.equal([null, null])
        }
      }
    }
  })

  // "accepts empty, garbage, badly signed and swapped CRLs"
  const holes: Array<[string, (bundle: Bundle) => Bundle]> = [
    ['an empty revocation list', bundle => ({ ...bundle, pck_crl: '' })],
    ['a garbage revocation list', bundle => ({ ...bundle, pck_crl: 'deadbeef' })],
    ['an empty list of the root', bundle => ({ ...bundle, root_ca_crl: '' })],
    ['a swapped revocation list', bundle => ({ ...bundle, pck_crl: bundle.root_ca_crl })],
    ['both lists exchanged', bundle => ({ ...bundle, pck_crl: bundle.root_ca_crl, root_ca_crl: bundle.pck_crl })],
    ['a badly signed revocation list', bundle => ({ ...bundle, pck_crl: `${bundle.pck_crl.slice(0, -8)}00000000` })]
  ]
  for (const [name, attack] of holes) {
    it(`${name}: accepted there, refused here`, () => {
      const bundle = attack(bundleOf(sound))
      expect(otherStatus(sound, bundle)).to.equal('UpToDate')
      const report = judgeBundle(sound, bundle)
      expect(report.verdict).to.equal('refused')
      expect(report.checks.find(check => check.name === 'revocation')?.result).to.equal('fail')
    })
  }
})
