// Reverses one comparison at a time in the files named, runs the workspace's
// unit tests on each mutant, and prints which survive. Works on a copy of the
// workspace's folder, never on the sources themselves.
//
//   node scripts/mutate.mjs packages/settlement src/lane.ts [src/other.ts …]
//   node scripts/mutate.mjs packages/node --tests test/provider/bill.spec.ts src/provider/bill.ts
//                                  runs these specs only: what they miss, others may catch

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { findNode, rootDir } from './install-step.mjs'

const { positionals: [workspace, ...files], values: { tests } } = parseArgs({
  allowPositionals: true, options: { tests: { type: 'string', multiple: true, default: ['test/**/*.spec.ts'] } }
})
if (workspace == null || files.length === 0) {
  process.stderr.write('usage: node scripts/mutate.mjs WORKSPACE [--tests GLOB]… FILE…\n')
  process.exit(2)
}

const OPPOSITE = { '===': '!==', '!==': '===', '<=': '>', '>=': '<', '<': '>=', '>': '<=', '==': '!=', '!=': '==' }
// A comparison has blanks around it; arrows and generics do not match.
const COMPARISON = / (===|!==|<=|>=|==|!=|<|>) /g
const TEST_TIMEOUT_MS = 120_000

/** Places of the comparisons in a source, comments left out. */
function placesIn (source) {
  const places = []
  let offset = 0
  for (const line of source.split('\n')) {
    const code = /^\s*(\/\/|\*|\/\*)/.test(line) ? '' : line
    for (const match of code.matchAll(COMPARISON)) {
      places.push({ at: offset + match.index + 1, operator: match[1] })
    }
    offset += line.length + 1
  }
  return places
}

// The copy lies beside the workspace, so that relative links and node_modules resolve as they do there.
const home = join(rootDir, workspace)
const copy = mkdtempSync(join(dirname(home), '.mutants-'))
let killed = 0
const survivors = []
let failsUnchanged = false
try {
  cpSync(home, copy, { recursive: true, filter: path => !path.includes('node_modules') && !path.endsWith('/dist') })
  if (existsSync(join(home, 'node_modules'))) {
    symlinkSync(join(home, 'node_modules'), join(copy, 'node_modules'))
  }
  const test = () => spawnSync(findNode(), ['--conditions=source', join(rootDir, 'node_modules/mocha/bin/mocha.js'), '--bail', '--timeout', '20000', ...tests], { cwd: copy, timeout: TEST_TIMEOUT_MS, stdio: 'ignore' }).status
  failsUnchanged = test() !== 0
  for (const file of failsUnchanged ? [] : files) {
    const path = join(copy, file)
    const source = readFileSync(path, 'utf8')
    for (const { at, operator } of placesIn(source)) {
      writeFileSync(path, source.slice(0, at) + OPPOSITE[operator] + source.slice(at + operator.length))
      if (test() === 0) {
        const line = source.slice(0, at).split('\n').length
        survivors.push(`${file}:${line} ${operator}: ${source.split('\n')[line - 1].trim()}`)
      } else {
        killed++
      }
    }
    writeFileSync(path, source)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
if (failsUnchanged) {
  process.stderr.write('the tests fail before anything is changed\n')
  process.exit(1)
}
for (const survivor of survivors) {
  process.stdout.write(`survived ${survivor}\n`)
}
process.stdout.write(`${killed} of ${killed + survivors.length} mutants caught\n`)
process.exit(survivors.length === 0 ? 0 : 1)
