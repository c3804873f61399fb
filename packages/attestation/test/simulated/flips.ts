import { CocoonError } from '@cocoon-net/protocol'
import { parseSnpReport } from '../../src/amd/snp-report.ts'
import { parseQuote } from '../../src/intel/quote.ts'
import { parseSpdm } from '../../src/nvidia/spdm.ts'
import type { EvidenceReport } from '../../src/index.ts'

/** What changed evidence came to. */
export interface FlipCounts {
  /** Refused, its claims withheld. */
  refused: number
  /** Not recognisable any more. */
  malformed: number
  /** Authentic still, every claim as it was: the change lay outside what is signed. */
  unchanged: number
  /** Each way of going wrong, in words; empty when all is well. */
  readonly faults: string[]
}

export interface FlipInput {
  readonly kind: string
  readonly evidence: Uint8Array
  readonly honest: EvidenceReport
  judge(evidence: Uint8Array): EvidenceReport
}

const MAX_FAULTS = 20

type Region = readonly [from: number, to: number]

function regionOf (whole: Uint8Array, part: Uint8Array): Region {
  const from = part.byteOffset - whole.byteOffset
  return [from, from + part.byteLength]
}

/** What is covered by a signature, or is one: a changed bit in it must refuse. */
export function signedRegions (kind: string, evidence: Uint8Array): Region[] {
  if (kind === 'snp') {
    const { signed } = parseSnpReport(evidence)
    return [[0, signed.byteLength + 2 * 72]]
  }
  if (kind === 'nvidia') {
    const { signed, signature } = parseSpdm(evidence)
    return [signed, signature].map(part => regionOf(evidence, part))
  }
  const quote = parseQuote(evidence)
  return [quote.signed, quote.signature, quote.attestationKey, quote.qeReportBytes, quote.qeReportSignature, quote.qeAuthData].map(part => regionOf(evidence, part))
}

function judgeChanged (input: FlipInput, changed: Uint8Array, what: string, signed: boolean, counts: FlipCounts): void {
  const fault = (text: string): void => {
    if (counts.faults.length < MAX_FAULTS) {
      counts.faults.push(`${what}: ${text}`)
    }
  }
  let report: EvidenceReport
  try {
    report = input.judge(changed)
  } catch (error) {
    if (!(error instanceof CocoonError) || error.code !== 'evidence_malformed') {
      fault(`threw ${String(error)}`)
    }
    counts.malformed++
    return
  }
  if (report.claims == null) {
    counts.refused++
    if (report.verdict !== 'refused') {
      fault('verified without claims')
    }
    return
  }
  counts.unchanged++
  if (signed) {
    fault('passed for authentic inside what is signed')
  }
  if (JSON.stringify(report.claims) !== JSON.stringify(input.honest.claims)) {
    fault('changed a claim')
  }
}

/** Turns one bit at a time, of those that `take` takes by their number. */
export function flipBits (input: FlipInput, take: (bit: number) => boolean): FlipCounts {
  const counts: FlipCounts = { refused: 0, malformed: 0, unchanged: 0, faults: [] }
  const regions = signedRegions(input.kind, input.evidence)
  for (let bit = 0; bit < input.evidence.byteLength * 8; bit++) {
    if (take(bit)) {
      const changed = input.evidence.slice()
      changed[bit >> 3] ^= 1 << (bit & 7)
      judgeChanged(input, changed, `bit ${bit}`, regions.some(([from, to]) => bit >> 3 >= from && bit >> 3 < to), counts)
    }
  }
  return counts
}

/** Cuts the evidence to each of the lengths that `take` takes. */
export function truncate (input: FlipInput, take: (length: number) => boolean): FlipCounts {
  const counts: FlipCounts = { refused: 0, malformed: 0, unchanged: 0, faults: [] }
  const end = Math.max(...signedRegions(input.kind, input.evidence).map(([, to]) => to))
  for (let length = 0; length < input.evidence.byteLength; length++) {
    if (take(length)) {
      judgeChanged(input, input.evidence.slice(0, length), `${length} bytes`, length < end, counts)
    }
  }
  return counts
}
