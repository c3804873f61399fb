import { equalBytes } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { deepFreeze } from './deep-freeze.ts'
import type { Policy } from './policy.ts'
import type { CollateralVersions, EvidenceReport } from './report.ts'
import type { TrustedRoots } from './roots.ts'

/** No result is taken for longer, whatever its certificates say. */
const MAX_AGE_MS = 300_000
const MAX_BYTES = 8 * 1_024 * 1_024
/** Evidence with collateral has some 25 kB; what is much larger is verified each time. */
const MAX_ENTRY_BYTES = 128 * 1_024

/** All that a judgement depends on, the time aside. */
export interface Question {
  readonly roots: TrustedRoots
  readonly policy: Policy
  readonly knownVersions: CollateralVersions
  readonly evidence: Uint8Array
  readonly collateral: readonly Uint8Array[]
  readonly chain: readonly Uint8Array[]
}

interface Remembered extends Question {
  readonly report: EvidenceReport
  readonly judgedAtMs: number
  readonly versions: string
}

/**
 * Results of verification that passed, so that a provider met again costs a comparison of bytes. A result answers the
 * same question only: every byte of evidence, collateral and chain, the same roots and policy, the same known versions,
 * at a time from the judgement on, before anything that it rests on ends, and at most five minutes later.
 */
export class VerifiedResults {
  // The fingerprint only finds a place; what stands there is compared as a whole.
  readonly #entries = new LRUCache<number, Remembered>({ maxSize: MAX_BYTES, maxEntrySize: MAX_ENTRY_BYTES, sizeCalculation: bytesOf })

  recall (question: Question, atMs: number): EvidenceReport | null {
    const found = this.#entries.get(fingerprintOf(question.evidence))
    return found != null && atMs >= found.judgedAtMs && atMs <= lastMsOf(found) && isSame(found, question) ? found.report : null
  }

  /** Refusals are not remembered: whoever is refused may not cost others their places. */
  remember (question: Question, atMs: number, report: EvidenceReport): void {
    if (report.verdict !== 'verified') {
      return
    }
    this.#entries.set(fingerprintOf(question.evidence), {
      ...question,
      // Copies, for the caller may use its buffers again.
      evidence: question.evidence.slice(),
      collateral: question.collateral.map(file => file.slice()),
      chain: question.chain.map(file => file.slice()),
      versions: JSON.stringify(question.knownVersions),
      report: deepFreeze(report),
      judgedAtMs: atMs
    })
  }
}

function lastMsOf (entry: Remembered): number {
  return Math.min(entry.judgedAtMs + MAX_AGE_MS, entry.report.freshUntilMs ?? entry.judgedAtMs)
}

function isSame (entry: Remembered, question: Question): boolean {
  return entry.roots === question.roots && entry.policy === question.policy && entry.versions === JSON.stringify(question.knownVersions) &&
    sameBytes(entry.evidence, question.evidence) && sameFiles(entry.collateral, question.collateral) && sameFiles(entry.chain, question.chain)
}

const nativeBuffer = (globalThis as { Buffer?: { compare(a: Uint8Array, b: Uint8Array): number } }).Buffer

/** Natively where that is possible: comparing is most of the cost of a hit. */
function sameBytes (a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && (nativeBuffer == null ? portableSameBytes(a, b) : nativeBuffer.compare(a, b) === 0)
}

/** The same in JavaScript, for browsers: by words, for by bytes it takes several times as long. */
export function portableSameBytes (a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [a, b].map(bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const words = a.byteLength - a.byteLength % 4
  for (let i = 0; i < words; i += 4) {
    if (left.getInt32(i) !== right.getInt32(i)) {
      return false
    }
  }
  return equalBytes(a.subarray(words), b.subarray(words))
}

function sameFiles (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((file, i) => sameBytes(file, b[i]))
}

function bytesOf (question: Question): number {
  return [question.evidence, ...question.collateral, ...question.chain].reduce((sum, file) => sum + file.byteLength, 0)
}

const FINGERPRINT_STEP = 8

/** FNV-1a, 32 bits, over every eighth byte: quick, and a collision costs one verification. */
function fingerprintOf (data: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < data.byteLength; i += FINGERPRINT_STEP) {
    hash = Math.imul(hash ^ data[i], 0x01000193)
  }
  return hash
}
