import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_INTERRUPTED, exitCodeOf } from './exit-codes.ts'
import { errorJson, errorText } from './output.ts'
import { runProgram } from './program.ts'
import type { CliContext } from './context.ts'
import type { RunState } from './program.ts'

const DISK_FAULTS: Readonly<Record<string, string>> = Object.freeze({
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is missing',
  EPERM: 'permission is missing',
  EIO: 'the disk fails'
})

/** Of files; a port that may not be listened on is something else. */
const DISK_CALLS: ReadonlySet<string> = new Set(['open', 'read', 'write', 'fsync', 'mkdir', 'rename', 'link', 'unlink', 'scandir', 'stat', 'lstat', 'chmod'])

/** A disk that takes nothing is no fault of this software, wherever it shows. */
function errorOf (thrown: unknown): CocoonError {
  const { code, path, syscall } = (thrown ?? {}) as NodeJS.ErrnoException
  const fault = code !== undefined && syscall !== undefined && DISK_CALLS.has(syscall) && Object.hasOwn(DISK_FAULTS, code) ? DISK_FAULTS[code] : undefined
  return fault === undefined ? asCocoonError(thrown) : new CocoonError('file_unusable', `${path ?? 'The home'} cannot be used: ${fault}`, { cause: thrown })
}

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
    const error = errorOf(thrown)
    if (state.json) {
      context.out(errorJson(error))
    }
    context.err(errorText(error))
    return exitCodeOf(error.code)
  }
}
