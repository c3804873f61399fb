import type { SpdmTranscript } from './spdm.ts'
import type { Policy } from '../policy.ts'

/** Negative when `a` is below `b`: dotted numbers, of the radix given, the missing ones zero. NaN when one is no version. */
function compareVersions (a: string, b: string, radix: 10 | 16): number {
  const partsOf = (version: string): number[] => version.split('.').map(part => (radix === 10 ? /^\d+$/ : /^[0-9a-f]+$/i).test(part) ? Number.parseInt(part, radix) : Number.NaN)
  const [left, right] = [partsOf(a), partsOf(b)]
  const differences = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => (left[i] ?? 0) - (right[i] ?? 0))
  return differences.some(Number.isNaN) ? Number.NaN : differences.find(difference => difference !== 0) ?? 0
}

/** What of a GPU's software is below the policy's minimum, or cannot be compared with it. */
export function nvidiaPolicyFaults (transcript: SpdmTranscript, { nvidiaMinimum, name }: Policy): string[] {
  const faults: string[] = []
  const versions = [['driver', transcript.driverVersion, nvidiaMinimum.driver, 10], ['VBIOS', transcript.vbiosVersion, nvidiaMinimum.vbios, 16]] as const
  for (const [title, version, minimum, radix] of versions) {
    if (minimum != null && !(compareVersions(version, minimum, radix) >= 0)) {
      faults.push(`${title} ${version} is below the ${minimum} that the ${name} policy asks for`)
    }
  }
  return faults
}
