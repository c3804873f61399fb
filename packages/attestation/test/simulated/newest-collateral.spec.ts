import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { fromHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'
import type { TestCollateralInit } from '@cocoon-net/attestation-simulated'

const AT = Date.UTC(2026, 5, 1)
const DAY = 86_400_000
const seed = new Uint8Array(32).fill(1)
const platform = createTdxTestPlatform({ seed, atMs: AT })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [], nvidiaManifests: [] }
const evidence = platform.quote(new Uint8Array(64))
const policy = parsePolicy({ ...productionPolicy, evaluationFloors: [] })

type Bundle = Record<string, string>

/** The same keys at another time. */
function bundleAt (days: number, init: TestCollateralInit = {}): Bundle {
  return JSON.parse(new TextDecoder().decode(createTdxTestPlatform({ seed, atMs: AT + days * DAY }).collateral(init))) as Bundle
}

function judge (...files: Uint8Array[]): EvidenceReport {
  return verifyEvidenceUnder(roots, { evidence, collateral: files, atMs: AT, policy })
}

const json = (bundle: Bundle): Uint8Array => utf8(JSON.stringify(bundle))
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')

/** TCB info alone, told apart by its status, with its issuers. */
function info (number: number, issuedDays: number, tcbStatus: string): Uint8Array {
  const bundle = bundleAt(0, {
    tcbInfo: one => ({ ...one, tcbEvaluationDataNumber: number, issueDate: iso(AT + issuedDays * DAY), tcbLevels: (one.tcbLevels as object[]).map(level => ({ ...level, tcbStatus })) })
  })
  return utf8(`{"tcbInfo":${bundle.tcb_info},"signature":"${bundle.tcb_info_signature}"}`)
}

describe('of several pieces of collateral', () => {
  const sound = bundleAt(0)
  const rest = [utf8(`{"enclaveIdentity":${sound.qe_identity},"signature":"${sound.qe_identity_signature}"}`), fromHex(sound.root_ca_crl), fromHex(sound.pck_crl), utf8(sound.tcb_info_issuer_chain)]

  it('the highest number counts, then the latest issue; one of the future does not', () => {
    const table: Array<[Array<[number, number, string]>, string]> = [
      [[[18, -5, 'UpToDate'], [19, -6, 'OutOfDate']], 'OutOfDate'],
      [[[18, -5, 'UpToDate'], [18, -4, 'OutOfDate']], 'OutOfDate'],
      [[[18, -5, 'UpToDate'], [18, -6, 'OutOfDate']], 'UpToDate'],
      [[[18, -5, 'UpToDate'], [19, 1, 'OutOfDate']], 'UpToDate'],
      [[[18, -5, 'UpToDate'], [19, 0, 'OutOfDate']], 'OutOfDate'],
      [[[18, 0, 'UpToDate'], [17, -5, 'OutOfDate']], 'UpToDate']
    ]
    for (const [infos, wanted] of table) {
      for (const order of [infos, infos.slice().reverse()]) {
        expect(judge(...order.map(one => info(...one)), ...rest).tcbStatus, JSON.stringify(order)).to.equal(wanted)
      }
    }
    expect(judge(info(18, 1, 'UpToDate'), ...rest).verdict).to.equal('refused')
    expect(judge(info(18, -5, 'UpToDate'), info(19, 1, 'UpToDate'), ...rest).freshUntilMs, 'until the next one begins').to.equal(AT + DAY - 1)
  })

  it('the result holds until the first list, and the first issuer of a list, ends', () => {
    expect(judge(json(sound)).freshUntilMs).to.equal(AT + 29 * DAY)
    const older = bundleAt(-10)
    expect(judge(json({ ...sound, pck_crl: older.pck_crl })).freshUntilMs).to.equal(AT + 19 * DAY)
    expect(judge(json({ ...sound, root_ca_crl: older.root_ca_crl })).freshUntilMs).to.equal(AT + 19 * DAY)
    for (const days of [290, 300]) {
      expect(judge(json({ ...sound, pck_crl_issuer_chain: bundleAt(-days).pck_crl_issuer_chain })).freshUntilMs).to.equal(AT + (300 - days) * DAY)
    }
    expect(judge(json({ ...sound, pck_crl_issuer_chain: bundleAt(-301).pck_crl_issuer_chain })).verdict).to.equal('refused')
  })

  it('what did not come is absent, and what came and is of no use is a fault', () => {
    const checks = (...files: Uint8Array[]): string[] => judge(...files).checks.filter(({ name }) => name === 'revocation' || name === 'tcb').map(({ result, code, message }) => `${result} ${code}: ${message}`)
    expect(checks()).to.deep.equal(['absent collateral_missing: no collateral', 'absent collateral_missing: no collateral'])
    expect(checks(utf8(sound.tcb_info_issuer_chain))).to.deep.equal(['absent collateral_missing: no revocation lists', 'absent collateral_missing: no TCB info'])
    expect(checks(utf8('garbage')).every(line => line.startsWith('fail '))).to.be.true()
    expect(checks(...rest)).to.deep.equal(['pass null: no certificate is revoked', 'fail collateral_missing: no TCB info'])
  })
})
