#!/usr/bin/env node
// The `cocoon` command. Plain JavaScript that any Node.js since 18 can parse: it finds one that is new enough and runs
// the real entry with it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
const folder = dirname(fileURLToPath(import.meta.url))

/** @returns {string | undefined} the Node.js that an install brings along */
function pinnedNode () {
  for (let at = folder; ; at = dirname(at)) {
    const found = join(at, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
    if (existsSync(found)) {
      return found
    }
    if (at === dirname(at)) {
      return undefined
    }
  }
}

const isNew = Number(process.versions.node.split('.')[0]) >= NEEDED
const node = isNew ? process.execPath : pinnedNode()
// A published package has the built entry, a checkout the source.
const source = resolve(folder, 'cocoon.ts')
const built = resolve(folder, '..', 'dist', 'bin', 'cocoon.js')
const entry = folder.includes(`${join('/', 'node_modules', '/')}`) || !existsSync(source) ? built : source

if (node === undefined) {
  process.stderr.write(`usage: this needs Node.js ${NEEDED} or newer, and this is ${process.version}. Run npm ci in the checkout, which brings one, or install it from nodejs.org.\n`)
  process.exitCode = 2
} else if (!existsSync(entry)) {
  process.stderr.write(`file_unusable: ${entry} is missing. Install the package again, or run npm run build in the checkout.\n`)
  process.exitCode = 2
} else {
  const conditions = entry === source ? ['--conditions=source'] : []
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...conditions, entry, ...process.argv.slice(2)], { stdio: 'inherit' })
  // This process outlives the child. An interrupt from a terminal reaches the child twice, which counts it once.
  /** @type {(signal: NodeJS.Signals) => void} */
  const relay = signal => { child.kill(signal) }
  process.on('SIGINT', relay)
  process.on('SIGTERM', relay)
  process.on('SIGHUP', relay)
  child.on('error', error => {
    process.stderr.write(`internal: Node.js did not start: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 1 : constants.signals[signal])
  })
}
