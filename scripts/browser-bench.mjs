// What verification and sealing cost in a real Chromium: one JSON line, which
// is `null` without a browser. `node scripts/browser-bench.mjs [ROUNDS]`.

import { join } from 'node:path'
import process from 'node:process'
import { HOW_TO_GET_ONE, bundleForBrowser, findBrowser, runInBrowser } from './browser.mjs'
import { rootDir } from './install-step.mjs'

const TIMEOUT_MS = 120_000
const rounds = Number(process.argv[2] ?? 30)
const browser = findBrowser()

if (browser == null) {
  process.stderr.write(`\n!!! NOT MEASURED: the figures of a browser, for there is none: ${HOW_TO_GET_ONE}\n\n`)
  process.stdout.write('null\n')
} else {
  const { outputFiles } = await bundleForBrowser({ entryPoints: [join(rootDir, 'testnet', 'src', 'bench', 'browser-page.ts')] }, { sourcemap: false })
  const scripts = [{ text: `globalThis.ROUNDS = ${rounds}`, isModule: false }, { text: outputFiles[0].text, isModule: true }]

  process.stdout.write(`${JSON.stringify(await runInBrowser({ browser, scripts, timeoutMs: TIMEOUT_MS }))}\n`)
}
