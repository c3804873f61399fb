// Runs a bundled program in a real Chromium, without a driver: the page is
// served on loopback, the browser is started headless on it, and the page
// posts what it found back.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { progress, rootDir } from './install-step.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
/** Where macOS keeps it, which puts no name on the PATH. */
const PLACES = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']
const MAX_RESULT_BYTES = 4 * 1024 * 1024
const INSTALL_TRIES = 3
const INSTALL_TIMEOUT_MS = 240_000
/** A browser that is told to end and does not. */
const END_MS = 5_000

export const HOW_TO_GET_ONE = 'install Debian\'s package `chromium` (apt-get install chromium), or name a browser in COCOON_CHROMIUM'

/** The path of a Chromium, or null. */
export function findBrowser (env = process.env) {
  if (env.COCOON_CHROMIUM != null && env.COCOON_CHROMIUM !== '') {
    if (!existsSync(env.COCOON_CHROMIUM)) {
      throw new Error(`COCOON_CHROMIUM names ${env.COCOON_CHROMIUM}, which does not exist`)
    }

    return env.COCOON_CHROMIUM
  }

  const onPath = (env.PATH ?? '').split(delimiter).filter(dir => dir !== '').flatMap(dir => NAMES.map(name => join(dir, name)))

  return [...onPath, ...PLACES].find(path => existsSync(path)) ?? null
}

/** Debian's own Chromium where this process may install it. A mirror that fails is asked again, and then given up. */
export function installBrowser () {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    return null
  }

  const options = { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_TIMEOUT_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }

  for (let i = 1; i <= INSTALL_TRIES; i++) {
    progress(`installing Debian's chromium (${i} of ${INSTALL_TRIES})`)

    if (spawnSync('apt-get', ['update', '-qq'], options).status === 0 && spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options).status === 0) {
      return findBrowser()
    }
  }

  return null
}

function loadEsbuild () {
  return createRequire(join(rootDir, 'testnet', 'package.json'))('esbuild')
}

/**
 * Bundles for browsers, from source. Node's modules have no place in such a
 * bundle: esbuild refuses them, and says who imports them.
 *
 * @param {{ entryPoints: string[] } | { stdin: { contents: string, resolveDir: string } }} what
 * @param {object} [more] - options of esbuild
 */
export async function bundleForBrowser (what, more = {}) {
  return loadEsbuild().build({
    ...what,
    bundle: true,
    write: false,
    outdir: rootDir,
    format: 'esm',
    platform: 'browser',
    target: 'chrome120',
    conditions: ['source', 'import', 'module', 'browser', 'default'],
    define: { global: 'globalThis' },
    sourcemap: 'inline',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    absWorkingDir: rootDir,
    ...more
  })
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>cocoon</title>
<script>
  const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) })
  globalThis.report = value => post('/result', { value })
  addEventListener('error', event => { post('/result', { error: event.message + ' ' + (event.error?.stack ?? '') }) })
  addEventListener('unhandledrejection', event => { post('/result', { error: String(event.reason?.stack ?? event.reason) }) })
</script>`

function serve (scripts, onResult) {
  const server = createServer((request, response) => {
    // the page's own origin only: no other page on this machine may answer for it
    const script = scripts.findIndex((_, i) => request.url === `/${i}.js`)

    if (request.method === 'POST' && request.url === '/result' && request.headers.origin === `http://${request.headers.host}`) {
      const parts = []
      let bytes = 0

      request.on('data', part => {
        bytes += part.length

        if (bytes > MAX_RESULT_BYTES) {
          request.destroy()
        } else {
          parts.push(part)
        }
      })
      request.on('end', () => {
        response.end()
        onResult(JSON.parse(Buffer.concat(parts).toString()))
      })
    } else if (script >= 0) {
      response.setHeader('content-type', 'text/javascript; charset=utf-8')
      response.end(scripts[script].text)
    } else if (request.url === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(PAGE + scripts.map(({ isModule }, i) => `<script${isModule ? ' type="module"' : ''} src="/${i}.js"></script>`).join('\n'))
    } else {
      response.statusCode = 404
      response.end()
    }
  })

  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => { resolve(server) })
  })
}

/**
 * Loads scripts into a fresh page and resolves with what it gives to
 * `report(value)`. Leaves no process and no file behind.
 *
 * @param {{ browser: string, scripts: Array<{ text: string, isModule: boolean }>, timeoutMs: number }} init
 */
export async function runInBrowser ({ browser, scripts, timeoutMs }) {
  const profile = mkdtempSync(join(tmpdir(), 'cocoon-browser-'))
  const result = {}

  result.promise = new Promise((resolve, reject) => { Object.assign(result, { resolve, reject }) })
  const server = await serve(scripts, ({ value, error }) => {
    if (error == null) {
      result.resolve(value)
    } else {
      result.reject(new Error(`the page failed: ${error}`))
    }
  })
  let errors = ''
  const child = spawn(browser, [
    '--headless=new', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions', '--disable-sync',
    '--disable-background-networking', '--disable-component-update', '--disable-default-apps', '--mute-audio',
    // Chromium's sandbox cannot run as root; the page is our own
    ...process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`
  ], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const exited = new Promise(resolve => {
    child.once('close', resolve)
    child.once('error', error => {
      result.reject(error)
      resolve()
    })
  })
  const timer = setTimeout(() => { result.reject(new Error(`the page did not report in ${timeoutMs / 1000} s:\n${errors.slice(-2_000)}`)) }, timeoutMs)

  child.stderr.on('data', data => { errors = (errors + data).slice(-8_000) })
  void exited.then(code => { result.reject(new Error(`the browser ended by itself (${code}):\n${errors.slice(-2_000)}`)) })

  const endGroup = signal => {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // it is gone already
    }
  }

  try {
    return await result.promise
  } finally {
    clearTimeout(timer)
    endGroup('SIGTERM')
    const killer = setTimeout(() => { endGroup('SIGKILL') }, END_MS)
    await exited
    clearTimeout(killer)
    endGroup('SIGKILL')
    server.closeAllConnections()
    await new Promise(resolve => { server.close(resolve) })
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
