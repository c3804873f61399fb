// Preloaded into the processes that the npm scripts start. One Ctrl-C reaches
// such a process up to three times: from the terminal, which signals the whole
// process group, and forwarded by npm and by the wrapper script. A program
// that takes a second interrupt as "stop at once" would never stop cleanly, so
// repeats of a signal within one second are dropped.

import process from 'node:process'

const WINDOW_MS = 1_000
const SIGNALS = new Set(['SIGINT', 'SIGTERM', 'SIGHUP'])
const lastAtMs = new Map()
const emit = process.emit

process.emit = function (event, ...args) {
  if (SIGNALS.has(event)) {
    const nowMs = performance.now()
    const repeated = nowMs - (lastAtMs.get(event) ?? -Infinity) < WINDOW_MS

    if (repeated) {
      return true
    }

    lastAtMs.set(event, nowMs)
  }

  return emit.call(process, event, ...args)
}
