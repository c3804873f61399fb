import { readFile } from 'node:fs/promises'
import { processContext } from './context.ts'
import { EXIT_INTERRUPTED } from './exit-codes.ts'
import { run } from './run.ts'

// Beside this file's folder in a checkout, one further up when built or bundled.
const MANIFESTS = ['../package.json', '../../package.json'].map(path => new URL(path, import.meta.url))

async function readVersion (): Promise<string> {
  for (const path of MANIFESTS) {
    try {
      const manifest = JSON.parse(await readFile(path, 'utf8')) as { name?: unknown, version?: unknown }
      if (manifest.name === '@cocoon-net/cli' && typeof manifest.version === 'string') {
        return manifest.version
      }
    } catch {
      // The next one.
    }
  }
  return '0.1.0'
}

/** An interrupt from a terminal arrives twice, from the terminal and from the launcher; a person takes longer. */
const SAME_SIGNAL_MS = 250

/** The command as a process: standard streams, signals, exit code. A second interrupt ends it at once. */
export async function main (): Promise<number> {
  const controller = new AbortController()
  let abortedAtMs = 0
  const onSignal = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      abortedAtMs = performance.now()
      controller.abort(name)
    } else if (performance.now() - abortedAtMs > SAME_SIGNAL_MS) {
      process.exit(EXIT_INTERRUPTED)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A closed pipe, as in `cocoon offers | head`, is the reader's choice.
  process.stdout.on('error', () => { process.exit(0) })
  try {
    return await run(process.argv.slice(2), processContext(controller.signal), await readVersion())
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
