import { printable } from '../output.ts'
import type { Check, Claims, EvidenceReport } from '@cocoon-net/attestation'

/** What `cocoon verify --json` prints of evidence. */
export type VerifyResult = EvidenceReport & { readonly at: string, readonly note: string }

const MARK = Object.freeze({ pass: 'ok', fail: 'NO', absent: '--' })
const NAME_CHARS = 11

/** A check, with each of its reasons on a line of its own. */
function checkLines (check: Check): string[] {
  const [first, ...more] = check.message.split('; ')
  const code = check.code === null ? '' : ` (${check.code})`
  return [`${MARK[check.result]}  ${check.name.padEnd(NAME_CHARS)}  ${first}${code}`, ...more.map(reason => `${' '.repeat(NAME_CHARS + 6)}${reason}`)]
}

function claimLines (name: string, claim: Claims[string], indent = '  '): string[] {
  if (typeof claim === 'string') {
    return [`${indent}${name}: ${claim}`]
  }
  return Array.isArray(claim)
    ? [`${indent}${name}: ${claim.length === 0 ? 'none' : claim.join(', ')}`]
    : [`${indent}${name}:`, ...Object.entries(claim).flatMap(([key, value]) => claimLines(key, value, `${indent}  `))]
}

/** The same for a person: what was checked, what was found, every reason, and what authentic evidence says. */
export function reportText (report: VerifyResult): string {
  const lines = [
    `${report.verdict}: ${report.kind} evidence${report.tcbStatus === null ? '' : `, TCB ${report.tcbStatus}`}, at ${report.at}`,
    ...report.checks.flatMap(checkLines),
    ...(report.verdict === 'verified' && report.freshUntilMs !== null ? [`This holds until ${new Date(report.freshUntilMs).toISOString()}.`] : []),
    ...(report.claims === null ? [] : ['The evidence says:', ...Object.entries(report.claims).flatMap(([name, claim]) => claimLines(name, claim))]),
    report.note
  ]
  // Some of it, such as a driver's version, is what strangers wrote: it may neither steer the terminal nor add lines.
  return lines.map(line => printable(line).replace(/[\t\n]/g, ' ')).join('\n')
}
