import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findBrowser, runInBrowser } from './browser.mjs'

/** A program in a browser's place: it gets the page's address as its last argument. */
function withBrowser (source, use) {
  const dir = mkdtempSync(join(tmpdir(), 'browser-'))
  const browser = join(dir, 'chromium')

  writeFileSync(browser, `#!${process.execPath}\nconst url = process.argv.at(-1)\n${source}`)
  chmodSync(browser, 0o755)

  return Promise.resolve(use(browser, dir)).finally(() => { rmSync(dir, { recursive: true }) })
}

const post = (value, origin = 'new URL(url).origin') => `fetch(url + 'result', { method: 'POST', headers: { origin: ${origin} }, body: JSON.stringify(${value}) }).catch(() => {}); setInterval(() => {}, 1000)`

test('a browser is found by its name on the PATH, or as named, or not at all', async () => {
  await withBrowser('', (browser, dir) => {
    assert.equal(findBrowser({ PATH: `/nowhere:${dir}` }), browser)
    assert.equal(findBrowser({ PATH: '', COCOON_CHROMIUM: browser }), browser)
    assert.throws(() => findBrowser({ COCOON_CHROMIUM: join(dir, 'gone') }), /does not exist/)
  })
})

test('gives what the page reports, and ends the browser', async () => {
  await withBrowser(post('{ value: [1, 2] }'), async browser => {
    assert.deepEqual(await runInBrowser({ browser, scripts: [], timeoutMs: 20_000 }), [1, 2])
  })
})

test('fails when the page fails, says nothing, is another page, or when the browser ends', async () => {
  const failure = (source, pattern, timeoutMs) => withBrowser(source, browser => assert.rejects(runInBrowser({ browser, scripts: [], timeoutMs }), pattern))

  await failure(post('{ error: "no such thing" }'), /no such thing/, 20_000)
  await failure('setInterval(() => {}, 1000)', /did not report/, 300)
  await failure(post('{ value: 1 }', '"http://127.0.0.1:1"'), /did not report/, 1_500)
  await failure('process.exit(3)', /ended by itself \(3\)/, 20_000)
  await assert.rejects(runInBrowser({ browser: '/nowhere/chromium', scripts: [], timeoutMs: 20_000 }), /ENOENT/)
})
