// `npm run test:browser`: runs in a real Chromium those specs of the packages
// that browsers run which need nothing of Node's. The last line of stdout is
// `N passed, N failed`.
//
//   npm run test:browser                 every such package
//   npm run test:browser -- sealing      these only
//
// Without a browser it tries to install Debian's; where that fails too it says
// loudly what it left out. COCOON_BROWSER=required turns that into a failure.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import process from 'node:process'
import { HOW_TO_GET_ONE, bundleForBrowser, findBrowser, installBrowser, runInBrowser } from './browser.mjs'
import { BROWSER_PACKAGES } from './check-layers.mjs'
import { ensureInstalled, progress, rootDir } from './install-step.mjs'
import { runMain } from './run-child.mjs'

const PAGE_TIMEOUT_MS = 180_000
const TEST_TIMEOUT_MS = 30_000
/** What tests ask of Node: its modules, and its globals that browsers lack. */
const NODE_ONLY = /\bBuffer\b|\bprocess\.|\bfrom '(?:node:|mocha)|\brequire\(/

/** Node's modules by their old names. */
const NODE_NAMES = ['buffer', 'crypto', 'fs', 'os', 'path', 'stream', 'util']

function specsOf (name) {
  const dir = join(rootDir, 'packages', name, 'test')

  return existsSync(dir)
    ? readdirSync(dir, { recursive: true }).map(String).filter(file => file.endsWith('.spec.ts')).sort().map(file => join(dir, file))
    : []
}

/** Leaves Node's modules out of a bundle, so that its inputs can be listed. */
const nodeModules = {
  name: 'node-modules',
  setup (build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true }))
  }
}

/** Why a bundled spec cannot run in browsers, by what it uses; null when it can. */
function needsNode ({ inputs }) {
  const used = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => isAbsolute(path) ? path : join(rootDir, path))
  const testCode = used.find(path => path.includes(`${sep}test${sep}`) && !path.includes('node_modules') && NODE_ONLY.test(readFileSync(path, 'utf8')))

  if (testCode != null) {
    return relative(rootDir, testCode)
  }

  return used.some(path => path.includes(join('node_modules', '@ton', 'core'))) ? '@ton/core wants a Buffer' : null
}

/** Bundles each spec by itself, so that it holds no more than it uses. The page has no `process` and no `Buffer`: sources must not want them. */
async function bundleSpecs (specs) {
  const { outputFiles, metafile } = await bundleForBrowser({ entryPoints: specs }, { metafile: true, plugins: [nodeModules], external: NODE_NAMES })
  const texts = new Map(outputFiles.map(({ path, text }) => [relative(rootDir, path), text]))

  return Object.entries(metafile.outputs).map(([path, output]) => ({ spec: output.entryPoint, text: texts.get(path), reason: needsNode(output) }))
}

const SETUP = `mocha.setup({ ui: 'bdd', timeout: ${TEST_TIMEOUT_MS}, reporter: function () {} })`
const RUN = `
  const failures = []
  let passed = 0
  let pending = 0
  mocha.run()
    .on('pass', () => { passed++ })
    .on('pending', () => { pending++ })
    .on('fail', (test, error) => { failures.push({ title: test.fullTitle(), message: String(error?.stack ?? error) }) })
    .on('end', () => { report({ passed, pending, failures, agent: navigator.userAgent }) })
`

async function testPackage (name, browser) {
  const specs = await bundleSpecs(specsOf(name))
  const chosen = specs.filter(({ reason }) => reason == null)

  for (const { spec, reason } of specs) {
    if (reason != null) {
      progress(`${spec} is for Node alone (${reason})`)
    }
  }
  if (chosen.length === 0) {
    throw new Error(`${name} has no spec that browsers can run`)
  }

  const { passed, pending, failures, agent } = await runInBrowser({
    browser,
    timeoutMs: PAGE_TIMEOUT_MS,
    scripts: [
      { text: readFileSync(join(rootDir, 'node_modules', 'mocha', 'mocha.js'), 'utf8'), isModule: false },
      { text: SETUP, isModule: false },
      ...chosen.map(({ text }) => ({ text, isModule: true })),
      { text: RUN, isModule: true }
    ]
  })

  for (const { title, message } of failures) {
    process.stdout.write(`\n${name}: ${title}\n${message}\n`)
  }
  if (pending > 0) {
    process.stdout.write(`${name}: ${pending} tests are skipped or pending\n`)
  }

  progress(`${name}: ${passed} passed, ${failures.length} failed, ${chosen.length} of ${specs.length} specs (${/Chrom\w*\/[\d.]+/.exec(agent)?.[0] ?? agent})`)

  return { passed, failed: failures.length + pending }
}

runMain(async () => {
  await ensureInstalled('develop')

  const names = process.argv.length > 2 ? process.argv.slice(2) : BROWSER_PACKAGES
  const unknown = names.filter(name => !BROWSER_PACKAGES.includes(name))

  if (unknown.length > 0) {
    throw new Error(`no browser package: ${unknown.join(', ')}. Known: ${BROWSER_PACKAGES.join(', ')}`)
  }

  const browser = findBrowser() ?? installBrowser()

  if (browser == null) {
    process.stdout.write(`\n!!! LEFT OUT: the tests in a browser: there is none, ${HOW_TO_GET_ONE}\n`)
    process.stdout.write(process.env.COCOON_BROWSER === 'required' ? '0 passed, 1 failed\n' : '0 passed, 0 failed\n')

    return process.env.COCOON_BROWSER === 'required' ? 1 : 0
  }

  const total = { passed: 0, failed: 0 }

  for (const name of names) {
    const { passed, failed } = await testPackage(name, browser)
    total.passed += passed
    total.failed += failed
  }

  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`)

  return total.failed > 0 ? 1 : 0
})
