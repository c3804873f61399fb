import type { ErrorCode } from '@cocoon-net/protocol'

export type CheckName = 'binding' | 'network' | 'peer' | 'expiry' | 'beacon' | 'kind' | 'reportData' | 'measurement' | 'signature' | 'chain' | 'revocation' | 'tcb' | 'policy' | 'challenge'

/** One independent check. `absent` says that there was nothing to check; what follows from that is the policy's business. */
export interface Check {
  readonly name: CheckName
  readonly result: 'pass' | 'fail' | 'absent'
  readonly code: ErrorCode | null
  readonly message: string
}

export function pass (name: CheckName, message: string): Check {
  return { name, result: 'pass', code: null, message }
}

export function fail (name: CheckName, code: ErrorCode, message: string): Check {
  return { name, result: 'fail', code, message }
}

export function absent (name: CheckName, message: string): Check {
  return { name, result: 'absent', code: null, message }
}
