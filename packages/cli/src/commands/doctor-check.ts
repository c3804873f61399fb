import { asCocoonError } from '@cocoon-net/protocol'

/** One thing that was looked at. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly message: string
  /** What to do about it; only where something is wrong. */
  readonly remedy?: string
}

export function failedCheck (name: string, error: unknown): Check {
  const coded = asCocoonError(error)
  return { name, ok: false, message: coded.message, remedy: coded.spec.remedy }
}

export function checkOf (name: string, ok: boolean, message: string, remedy: string): Check {
  return ok ? { name, ok, message } : { name, ok, message, remedy }
}
