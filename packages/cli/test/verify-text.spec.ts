import { expect } from 'aegir/chai'
import { reportText } from '../src/commands/verify-text.ts'
import type { VerifyResult } from '../src/commands/verify-text.ts'

const sound: VerifyResult = {
  verdict: 'verified',
  kind: 'tdx',
  tcbStatus: 'UpToDate',
  at: '2026-06-01T00:00:00.000Z',
  claims: { measurement: { mrtd: 'aa', rtmr0: 'bb' }, measurementDigest: 'cc', reportData: 'dd', advisories: [] },
  checks: [{ name: 'signature', result: 'pass', code: null, message: 'sound' }, { name: 'measurement', result: 'absent', code: null, message: 'no measurement allow-list' }],
  reasons: [],
  freshUntilMs: Date.UTC(2026, 5, 2),
  collateralVersions: {},
  note: 'A note.'
}

describe('a report for a person', () => {
  it('says the verdict, each check, until when it holds, and what the evidence says', () => {
    expect(reportText(sound).split('\n')).to.deep.equal([
      'verified: tdx evidence, TCB UpToDate, at 2026-06-01T00:00:00.000Z',
      'ok  signature    sound',
      '--  measurement  no measurement allow-list',
      'This holds until 2026-06-02T00:00:00.000Z.',
      'The evidence says:',
      '  measurement:',
      '    mrtd: aa',
      '    rtmr0: bb',
      '  measurementDigest: cc',
      '  reportData: dd',
      '  advisories: none',
      'A note.'
    ])
    const claims = { measurement: {}, measurementDigest: 'cc', reportData: 'dd', advisories: ['INTEL-SA-1', 'INTEL-SA-2'] }
    expect(reportText({ ...sound, claims, freshUntilMs: null })).to.include('advisories: INTEL-SA-1, INTEL-SA-2').and.to.not.include('This holds')
  })

  it('says every reason on a line of its own, and nothing of evidence that is anybody\'s', () => {
    const report: VerifyResult = { ...sound, verdict: 'refused', tcbStatus: null, claims: null, checks: [{ name: 'chain', result: 'fail', code: 'evidence_refused', message: 'one; two; three' }] }
    expect(reportText(report).split('\n')).to.deep.equal([
      'refused: tdx evidence, at 2026-06-01T00:00:00.000Z',
      'NO  chain        one (evidence_refused)',
      '                 two',
      '                 three',
      'A note.'
    ])
  })

  it('shows what strangers wrote on one line, and without what a terminal would take for orders', () => {
    const claims = { measurement: {}, measurementDigest: 'cc', reportData: 'dd', driverVersion: '1\u001b[2J\u0085\nverified:\tall' }
    expect(reportText({ ...sound, claims })).to.include('  driverVersion: 1[2J verified: all\n')
  })
})
