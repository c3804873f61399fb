// Bundles the process entries, so that a child process that imports libp2p
// and the TON libraries starts in a fraction of the time that resolving a few
// thousand small modules takes. The sources stay the truth: the bundle is a
// cache, keyed by a hash of every source file and the lockfile.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join, relative } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { progress, rootDir } from './install-step.mjs'

/** Every program that the project starts as a process of its own. */
export const ENTRIES = [
  'testnet/src/bin/start.ts',
  'testnet/src/bin/bench.ts',
  'testnet/src/bin/chain.ts',
  'testnet/src/bin/devnet.ts',
  'testnet/src/bin/provider.ts',
  'testnet/src/bin/direct.ts',
  'testnet/src/bin/gateway.ts',
  'packages/cli/bin/cocoon.ts'
]

/** Native code, or code that looks for files beside itself. */
const EXTERNAL = ['node-llama-cpp', 'classic-level', 'node-datachannel', '@chainsafe/libp2p-quic', 'esbuild', 'aegir', 'fsevents', 'bufferutil', 'utf-8-validate', '*.node']
const CACHE_DIR = join(rootDir, 'node_modules', '.cache', 'cocoon')
/** Older bundles may still be in use by a running network. */
const KEEP_BUNDLES = 3
const STALE_MS = 24 * 60 * 60 * 1000

function sourceFiles () {
  const files = []
  const walk = dir => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name)

      if (entry.isDirectory()) {
        if (!['node_modules', 'dist', 'test', 'test-shared', 'models'].includes(entry.name) && !entry.name.startsWith('.')) {
          walk(path)
        }
      } else if (/\.(ts|js|mjs|json)$/.test(entry.name)) {
        files.push(path)
      }
    }
  }

  for (const dir of ['packages', 'contracts', 'testnet']) {
    const base = join(rootDir, dir)

    for (const workspace of dir === 'packages' ? readdirSync(base).map(name => join(base, name)) : [base]) {
      for (const inner of ['src', 'bin', 'compiled']) {
        if (existsSync(join(workspace, inner))) {
          walk(join(workspace, inner))
        }
      }
      if (existsSync(join(workspace, 'package.json'))) {
        files.push(join(workspace, 'package.json'))
      }
    }
  }

  return files.sort()
}

function sourcesHash () {
  const hash = createHash('sha256')

  for (const path of [...sourceFiles(), join(rootDir, 'package-lock.json'), join(rootDir, 'scripts', 'bundle.mjs')]) {
    hash.update(relative(rootDir, path)).update('\0').update(readFileSync(path)).update('\0')
  }

  return hash.digest('hex').slice(0, 24)
}

/**
 * A bundled module no longer lies where its source lay: `import.meta.url`
 * and its relatives keep meaning the source file, so that assets are found.
 */
function keepSourceLocations (entries) {
  const loaders = { '.ts': 'ts', '.mts': 'ts', '.js': 'js', '.mjs': 'js', '.cjs': 'js' }

  return {
    name: 'keep-source-locations',
    setup (build) {
      build.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        const usesMeta = text.includes('import.meta.')
        const usesDirname = path.includes('node_modules') && /\b__(dirname|filename)\b/.test(text)

        if (!usesMeta && !usesDirname) {
          return undefined
        }

        let contents = text
          .replace(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(path).href))
          .replace(/\bimport\.meta\.dirname\b/g, JSON.stringify(dirname(path)))
          .replace(/\bimport\.meta\.filename\b/g, JSON.stringify(path))

        if (!entries.includes(path)) {
          contents = contents.replace(/\bimport\.meta\.main\b/g, 'false')
        }
        if (usesDirname) {
          contents = contents
            .replace(/(?<![\w$.'"`])__dirname\b/g, JSON.stringify(dirname(path)))
            .replace(/(?<![\w$.'"`])__filename\b/g, JSON.stringify(path))
        }

        return { contents, loader: loaders[extname(path)] ?? 'js', resolveDir: dirname(path) }
      })
    }
  }
}

function removeOldBundles (current) {
  const old = readdirSync(CACHE_DIR, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name.startsWith('bundle-') && entry.name !== basename(current))
    .map(entry => ({ path: join(CACHE_DIR, entry.name), mtimeMs: statSync(join(CACHE_DIR, entry.name)).mtimeMs }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs)

  for (const { path, mtimeMs } of old.slice(KEEP_BUNDLES - 1)) {
    if (Date.now() - mtimeMs > STALE_MS) {
      rmSync(path, { recursive: true, force: true })
    }
  }
}

/**
 * With code splitting, esbuild gives a dynamically imported CommonJS package
 * a default export only. Node gives it its names too, so the names that Node
 * sees are spelled out in a module between the two.
 */
function namedDynamicImports () {
  return {
    name: 'named-dynamic-imports',
    setup (build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, importer, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'resolving' || path.startsWith('node:') || path.startsWith('@cocoon-net/') || importer.includes('node_modules')) {
          return undefined
        }

        const resolved = await build.resolve(path, { kind, resolveDir, importer, pluginData: 'resolving' })

        if (resolved.external || resolved.errors.length > 0 || !isCommonJs(resolved.path)) {
          return resolved
        }

        return { path: resolved.path, namespace: 'named-cjs' }
      })
      build.onLoad({ filter: /.*/, namespace: 'named-cjs' }, async ({ path }) => {
        const names = Object.keys(await import(pathToFileURL(path).href))
          .filter(name => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default')

        return {
          contents: `import * as all from ${JSON.stringify(path)}\n${names.map((name, i) => `const v${i} = all[${JSON.stringify(name)}]; export { v${i} as ${name} }`).join('\n')}\nexport default all.default`,
          resolveDir: dirname(path)
        }
      })
    }
  }
}

function isCommonJs (path) {
  if (extname(path) !== '.js') {
    return extname(path) === '.cjs'
  }

  for (let dir = dirname(path); dir !== dirname(dir); dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) {
      return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).type !== 'module'
    }
  }

  return true
}

/** Bundles `entries` (relative to the repository) into `outDir`. */
export async function bundleInto (outDir, entries) {
  const require = createRequire(join(rootDir, 'testnet', 'package.json'))
  const esbuild = require('esbuild')
  const paths = entries.map(entry => join(rootDir, entry))

  await esbuild.build({
    entryPoints: paths,
    outdir: outDir,
    outbase: rootDir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['source'],
    external: EXTERNAL,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    logOverride: { 'direct-eval': 'silent' },
    absWorkingDir: rootDir,
    // CommonJS dependencies call require() for Node's own modules
    banner: { js: "import { createRequire as __cocoonCreateRequire } from 'node:module';const require = __cocoonCreateRequire(import.meta.url);" },
    plugins: [namedDynamicImports(), keepSourceLocations(paths)]
  })
}

/**
 * Where to run the entries from: bundles them when no bundle of exactly these
 * sources exists.
 *
 * @returns {Promise<string | null>} the folder of the bundle, null to run from source
 */
export async function ensureBundle () {
  if (process.env.COCOON_NO_BUNDLE === '1') {
    return null
  }

  try {
    const dir = join(CACHE_DIR, `bundle-${sourcesHash()}`)

    if (existsSync(dir)) {
      const now = new Date()
      utimesSync(dir, now, now)

      return dir
    }

    progress('bundling the sources (once per change)')
    mkdirSync(CACHE_DIR, { recursive: true })

    const building = `${dir}.${process.pid}.tmp`
    const entries = ENTRIES.filter(entry => existsSync(join(rootDir, entry)))

    try {
      await bundleInto(building, entries)
      renameSync(building, dir)
    } catch (err) {
      rmSync(building, { recursive: true, force: true })

      // somebody else finished the same bundle first
      if (!existsSync(dir)) {
        throw err
      }
    }

    removeOldBundles(dir)
    progress('bundled')

    return dir
  } catch (err) {
    progress(`warning: bundling failed, running from source (slower to start): ${String(err?.message ?? err).split('\n').slice(0, 3).join(' ')}`)

    return null
  }
}

/**
 * The arguments and the environment that run one of ENTRIES.
 *
 * Children find the same bundle through `COCOON_BUNDLE_DIR`: entry `a/b.ts`
 * lies there as `a/b.js`. Without it they run `a/b.ts` with
 * `--conditions=source`.
 *
 * @param {string} entry
 * @param {string | null} bundleDir
 */
export function entryCommand (entry, bundleDir) {
  if (bundleDir != null) {
    const bundled = join(bundleDir, entry.replace(/\.ts$/, '.js'))

    if (existsSync(bundled)) {
      return {
        // source maps cost a fifth of the start: ask for them when reading a stack trace
        args: [...(process.env.COCOON_SOURCE_MAPS === '1' ? ['--enable-source-maps'] : []), bundled],
        env: {
          COCOON_BUNDLE_DIR: bundleDir,
          NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(CACHE_DIR, 'compile')
        }
      }
    }
  }

  return { args: ['--conditions=source', join(rootDir, entry)], env: {} }
}
