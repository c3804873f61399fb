// Runs the pinned Node.js in place of this process: same standard streams,
// signals passed on, exit code passed on.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { rootDir } from './install-step.mjs'

const FORWARDED = process.platform === 'win32' ? ['SIGINT'] : ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Starts `node args` and resolves with its exit code once it is gone. The
 * child does its own clean-up on a signal: this process only waits for it.
 *
 * @param {string} node - path of the binary
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, cwd?: string }} [options]
 * @returns {Promise<number>}
 */
export async function runNode (node, args, options = {}) {
  const preload = pathToFileURL(join(rootDir, 'scripts', 'coalesce-signals.mjs')).href
  const child = spawn(node, ['--import', preload, ...args], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, ...options.env },
    stdio: 'inherit'
  })
  const listeners = FORWARDED.map(signal => [signal, () => { child.kill(signal) }])

  for (const [signal, listener] of listeners) {
    process.on(signal, listener)
  }

  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        resolve(code ?? 128 + (constants.signals[signal] ?? 0))
      })
    })
  } finally {
    for (const [signal, listener] of listeners) {
      process.removeListener(signal, listener)
    }
  }
}

/**
 * Runs `main`, turns what it returns into the exit code and what it throws
 * into one line on stderr.
 *
 * @param {() => Promise<number>} main
 */
export function runMain (main) {
  main().then(code => {
    process.exitCode = code
  }, err => {
    process.stderr.write(`error: ${err?.message ?? err}\n`)
    process.exitCode = 1
  })
}
