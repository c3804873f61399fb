import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { QuoteVerifier } from '@phala/dcap-qvl'
import { expect } from 'aegir/chai'
import { productionPolicy } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { TestTd } from '@cocoon-net/attestation-simulated'

type Json = Record<string, unknown>
interface Levels { tcbLevels: Array<{ tcb: { tdxtcbcomponents: Array<{ svn: number }> } }> }

const AT = Date.UTC(2026, 5, 1)
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: AT })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
const HEX_FIELDS = ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']

/** The other implementation compares the module's version and svn as if they were components, and so needs them low in the levels. */
function lowLevels (info: Json): Json {
  return { ...info, tcbLevels: (info as unknown as Levels).tcbLevels.map(level => ({ ...level, tcb: { ...level.tcb, tdxtcbcomponents: [{ svn: 0 }, { svn: 0 }, ...level.tcb.tdxtcbcomponents.slice(2)] } })) }
}

function statuses (td: TestTd): { mine: string | null, other: string | null } {
  const evidence = platform.quote(new Uint8Array(64), { td })
  const collateral = platform.collateral({ tcbInfo: lowLevels })
  const mine = verifyEvidenceUnder(roots, { evidence, collateral, atMs: AT, policy: productionPolicy })
  const bundle = JSON.parse(new TextDecoder().decode(collateral)) as Record<string, string>
  const pem = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----\s*$/.exec(bundle.pck_crl_issuer_chain)?.[1] ?? ''
  const parsed = { ...bundle, ...Object.fromEntries(HEX_FIELDS.map(name => [name, new Uint8Array(Buffer.from(bundle[name], 'hex'))])) }
  let other: string | null
  try {
    other = QuoteVerifier.newWithRootCa(Buffer.from(pem, 'base64')).verify(evidence, parsed as unknown as Parameters<QuoteVerifier['verify']>[1], AT / 1_000).status
  } catch {
    other = null
  }
  return { mine: mine.verdict === 'verified' ? mine.tcbStatus : null, other }
}

describe('a second implementation, on self-made evidence', () => {
  const svn = (value: number, version: number): TestTd => ({ teeTcbSvn: new Uint8Array(16).fill(5).fill(value, 0, 1).fill(version, 1, 2) })

  it('both accept what is sound', () => {
    expect(statuses({})).to.deep.equal({ mine: 'UpToDate', other: 'UpToDate' })
  })

  // "checks no TDX module identity"
  const modules: Array<[string, TestTd]> = [
    ['an old TDX module', svn(3, 1)],
    ['a TDX module below every level', svn(1, 1)],
    ['a TDX module of an unknown version', svn(5, 9)]
  ]
  for (const [name, td] of modules) {
    it(`${name}: accepted there, refused here`, () => {
      expect(statuses(td)).to.deep.equal({ mine: null, other: 'UpToDate' })
    })
  }

  it('both refuse a platform below every level', () => {
    expect(statuses({ teeTcbSvn: new Uint8Array(16).fill(1) })).to.deep.equal({ mine: null, other: null })
  })
})
