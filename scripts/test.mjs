// `npm test`: installs what testing needs, runs the tests of every workspace,
// two runs at a time. The last line of stdout is `N passed, N failed`.
//
//   npm test                       everything
//   npm test -- protocol node      these workspaces only
//   npm test -- --suite test-shared attestation
//                                  another folder of specs than `test`

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { ensureInstalled, progress, rootDir } from './install-step.mjs'
import { runMain } from './run-child.mjs'

/** A suite that hangs must not hang the run. */
const SUITE_TIMEOUT_MS = 10 * 60_000
const HEARTBEAT_MS = 15_000

function workspaces () {
  return [
    'contracts',
    ...readdirSync(join(rootDir, 'packages')).sort().map(name => `packages/${name}`),
    'testnet'
  ].filter(dir => existsSync(join(rootDir, dir, 'package.json')))
}

function hasSpecs (dir, recursive = true) {
  return existsSync(dir) && readdirSync(dir, { recursive }).some(name => /\.spec\.[cm]?[jt]s$/.test(String(name)))
}

/**
 * The folders of specs that a workspace's suite is run by, each in a process of
 * its own: the suite's folder, or where that has folders only, each of those.
 */
function specFolders (dir, suite) {
  const whole = join(rootDir, dir, suite)

  if (!hasSpecs(whole) || hasSpecs(whole, false)) {
    return [suite]
  }

  return readdirSync(whole).sort().reverse().map(name => `${suite}/${name}`).filter(folder => hasSpecs(join(rootDir, dir, folder)))
}

function killGroup (child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // it is gone already
  }
}

/** Runs a command, collects its output, resolves when it is gone. */
function run (command, args, options, children) {
  return new Promise(resolve => {
    const chunks = []
    // A group of its own: what the runner starts must end with it, or it would hold the pipes open for ever.
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`still running after ${SUITE_TIMEOUT_MS / 60_000} minutes: killed\n`))
      killGroup(child, 'SIGKILL')
    }, SUITE_TIMEOUT_MS)

    children.add(child)
    child.stdout.on('data', chunk => { chunks.push(chunk) })
    child.stderr.on('data', chunk => { chunks.push(chunk) })
    child.once('error', err => { chunks.push(Buffer.from(`${err.message}\n`)) })
    child.once('close', code => {
      clearTimeout(timer)
      children.delete(child)
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() })
    })
  })
}

async function testFolder (dir, folder, name, node, outDir, children) {
  const startedAt = Date.now()
  const countsFile = join(outDir, `${name.replace(/\W/g, '-')}.json`)
  const env = {
    ...process.env,
    PATH: [dirname(node), join(rootDir, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    COCOON_TEST_COUNTS: countsFile,
    ...process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }
  }
  const result = await run(node, [
    join(rootDir, 'node_modules', 'aegir', 'src', 'index.js'), 'test', '-t', 'node', '--build', 'false',
    '-f', `${folder}/**/*.spec.{ts,js,mjs}`,
    '--', '--reporter', join(rootDir, 'scripts', 'count-reporter.cjs')
  ], { cwd: join(rootDir, dir), env }, children)

  let counts = { passed: 0, failed: 0, pending: 0 }
  const problems = []

  if (existsSync(countsFile)) {
    counts = JSON.parse(readFileSync(countsFile, 'utf8'))
  } else {
    problems.push('the run ended before it could report')
  }
  if (counts.pending > 0) {
    problems.push(`${counts.pending} tests are skipped or pending`)
  }
  if (counts.passed + counts.failed === 0) {
    problems.push('no test ran')
  }
  if (result.code !== 0 && counts.failed === 0 && problems.length === 0) {
    problems.push(`the runner exited with ${result.code}`)
  }

  const failed = counts.failed + problems.length
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)

  progress(`${name}: ${counts.passed} passed, ${failed} failed (${seconds} s)`)

  if (failed > 0) {
    process.stdout.write(`\n===== ${name} =====\n${result.output}\n`)

    for (const problem of problems) {
      process.stdout.write(`${name}: ${problem}\n`)
    }
  }

  return { passed: counts.passed, failed }
}

/** The scripts' own tests run on node:test, since scripts have no dependencies. */
async function testScripts (node, children) {
  const files = readdirSync(join(rootDir, 'scripts')).filter(name => name.endsWith('.test.mjs')).map(name => join(rootDir, 'scripts', name))
  const { code, output } = await run(node, ['--test', '--test-reporter=tap', ...files], { cwd: rootDir, env: { ...process.env, NODE_OPTIONS: '' } }, children)
  const count = name => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
  const passed = count('pass')
  const skipped = count('skipped') + count('todo')
  let failed = count('fail') + count('cancelled') + skipped

  if (failed === 0 && (code !== 0 || passed === 0)) {
    failed = 1
  }

  progress(`scripts: ${passed} passed, ${failed} failed`)

  if (failed > 0) {
    process.stdout.write(`\n===== scripts =====\n${output}\n`)
  }

  return { passed, failed }
}

runMain(async () => {
  const node = await ensureInstalled('develop')
  const args = process.argv.slice(2)
  const suiteAt = args.indexOf('--suite')
  const suite = suiteAt < 0 ? 'test' : args.splice(suiteAt, 2)[1]
  const all = workspaces()
  const unknown = args.filter(name => name !== 'scripts' && !all.some(dir => dir === name || dir.endsWith(`/${name}`)))

  if (unknown.length > 0 || suite == null) {
    throw new Error(`unknown workspace: ${unknown.join(', ')}. Known: scripts, ${all.join(', ')}`)
  }

  const chosen = all.filter(dir => args.length === 0 || args.some(name => dir === name || dir.endsWith(`/${name}`)))
  const outDir = mkdtempSync(join(tmpdir(), 'cocoon-test-'))
  const children = new Set()
  const stop = signal => {
    for (const child of children) {
      killGroup(child, signal)
    }
    process.exitCode = 130
  }
  let interrupted = false

  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      interrupted = true
      stop(signal)
    })
  }

  const heartbeat = setInterval(() => { progress(`${children.size} test runs under way`) }, HEARTBEAT_MS)
  const total = { passed: 0, failed: 0 }
  const queue = chosen.flatMap(dir => specFolders(dir, suite).map(folder => async () => {
    if (!hasSpecs(join(rootDir, dir, folder))) {
      progress(`${dir}: no tests`)
      process.stdout.write(`${dir}: the workspace has no tests in ${suite}/\n`)

      return { passed: 0, failed: 1 }
    }

    const name = folder === suite ? dir : `${dir} ${folder}`

    progress(`${name}: running`)

    return testFolder(dir, folder, name, node, outDir, children)
  }))

  if (suite === 'test' && (args.length === 0 || args.includes('scripts'))) {
    queue.unshift(() => testScripts(node, children))
  }

  try {
    // From both ends, so that the runs which start whole networks, the last in
    // the queue, follow each other beside those which keep to one process.
    await Promise.all([() => queue.shift(), () => queue.pop()].map(async take => {
      for (let work = take(); work != null && !interrupted; work = take()) {
        const { passed, failed } = await work()
        total.passed += passed
        total.failed += failed
      }
    }))
  } finally {
    clearInterval(heartbeat)
    rmSync(outDir, { recursive: true, force: true })
  }

  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`)

  return interrupted ? 130 : total.failed > 0 ? 1 : 0
})
