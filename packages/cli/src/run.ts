import { asCocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_INTERRUPTED, exitCodeOf } from './exit-codes.ts'
import { errorJson, errorText } from './output.ts'
import { runProgram } from './program.ts'
import type { CliContext } from './context.ts'
import type { RunState } from './program.ts'

/** Runs one command line and gives its exit code. Never rejects, and never shows a stack trace. */
export async function run (argv: readonly string[], context: CliContext, version: string): Promise<number> {
  const state: RunState = { exitCode: EXIT_DONE, json: argv.includes('--json') }
  try {
    await runProgram(argv, context, version, state)
    return state.exitCode
  } catch (thrown) {
    if (context.signal.aborted) {
      return EXIT_INTERRUPTED
    }
    const error = asCocoonError(thrown)
    if (state.json) {
      context.out(errorJson(error))
    }
    context.err(errorText(error))
    return exitCodeOf(error.code)
  }
}
