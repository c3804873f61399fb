import { asCocoonError } from '@cocoon-net/protocol'
import { exitCodeOf } from './arguments.ts'

/** Says what went wrong and what to do about it, never with a stack; the exit code. */
export function reportError (thrown: unknown, json: boolean): number {
  const { code, message, spec } = asCocoonError(thrown)
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, remedy: spec.remedy } })}\n`)
  }
  process.stderr.write(`error ${code}: ${message}\n${spec.remedy}\n`)
  return exitCodeOf(code)
}
