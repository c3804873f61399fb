// Makes sure that the dependencies a command needs are installed, and finds
// the Node.js that the repository pins. Plain JavaScript without dependencies:
// it runs before anything is installed, on Node.js 20 or later.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const rootDir = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '')

/** Type stripping, `import.meta.main` and libp2p 3 need it. */
const MIN_NODE_MAJOR = 24
const STAMP = join(rootDir, 'node_modules', '.cocoon-install.json')
const HIDDEN_LOCK = join(rootDir, 'node_modules', '.package-lock.json')
const LOCK = join(rootDir, 'package-lock.json')
/** A line this often while npm is silent. */
const HEARTBEAT_MS = 10_000

const startedAt = Date.now()

/** Prints one progress line with the seconds since the command began. */
export function progress (message) {
  process.stderr.write(`[${((Date.now() - startedAt) / 1000).toFixed(1)} s] ${message}\n`)
}

function readJson (path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

/** What npm itself recorded: changes whenever any npm command changed the tree. */
function treeState () {
  try {
    const { mtimeMs, size } = statSync(HIDDEN_LOCK)
    return `${size}:${Math.round(mtimeMs)}`
  } catch {
    return null
  }
}

/**
 * True if every package of the lockfile that `mode` needs is installed in the
 * locked version. npm writes its hidden lockfile last, so that a broken
 * install never looks complete.
 */
export function installedSatisfies (lock, hidden, mode) {
  if (lock?.packages == null || hidden?.packages == null) {
    return false
  }

  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.optional === true || entry.devOptional === true || entry.peer === true) {
      continue
    }
    if (mode === 'run' && entry.dev === true) {
      continue
    }

    const found = hidden.packages[path]

    if (found == null || (entry.version != null && found.version !== entry.version)) {
      return false
    }
  }

  return true
}

function isInstalled (mode, lockHash) {
  const tree = treeState()

  if (tree == null) {
    return false
  }

  const stamp = readJson(STAMP)

  if (stamp?.lockHash === lockHash && stamp.tree === tree) {
    if (stamp.modes?.includes(mode)) {
      return true
    }
  }

  const lock = readJson(LOCK)
  const hidden = readJson(HIDDEN_LOCK)
  const modes = ['run', 'develop'].filter(m => installedSatisfies(lock, hidden, m))

  if (!modes.includes(mode)) {
    return false
  }

  writeFileSync(STAMP, JSON.stringify({ lockHash, tree, modes }))

  return true
}

/** npm must not run on the Node.js that it is about to replace. */
function pathWithoutLocalBins () {
  return (process.env.PATH ?? '').split(delimiter)
    .filter(dir => !/[/\\]node_modules[/\\]\.bin[/\\]?$/.test(dir) && !dir.includes('node-gyp-bin'))
    .join(delimiter)
}

async function npmCi (mode) {
  const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

  if (mode === 'run') {
    args.push('--omit=dev')
  }

  progress(`installing dependencies for ${mode === 'run' ? 'running' : 'developing'}: npm ${args.slice(0, 1).concat(mode === 'run' ? ['--omit=dev'] : []).join(' ')}`)

  const env = { ...process.env, PATH: pathWithoutLocalBins() }

  // npm hands its own configuration to scripts; a nested npm must read its own
  for (const key of Object.keys(env)) {
    if (/^npm_(?!config_(cache|registry|userconfig|globalconfig))/i.test(key) || key === 'NODE_OPTIONS') {
      delete env[key]
    }
  }

  const child = spawn('npm', args, {
    cwd: rootDir,
    env,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32'
  })
  const heartbeat = setInterval(() => { progress('still installing dependencies') }, HEARTBEAT_MS)

  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => { resolve(code ?? signal) })
    })

    if (code !== 0) {
      throw new Error(`npm ci failed (${code}). Check the network and the registry that npm is configured with, then run the command again.`)
    }
  } finally {
    clearInterval(heartbeat)
  }

  progress('dependencies installed')
}

function isAlive (pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return err.code === 'EPERM'
  }
}

/** One installer at a time per checkout: two would delete each other's files. */
async function withInstallLock (work) {
  const path = join(tmpdir(), `cocoon-install-${createHash('sha256').update(rootDir).digest('hex').slice(0, 16)}.lock`)
  let said = false

  for (;;) {
    try {
      const fd = openSync(path, 'wx', 0o600)
      writeSync(fd, String(process.pid))
      closeSync(fd)
      break
    } catch (err) {
      if (err.code !== 'EEXIST') {
        throw err
      }

      let owner = NaN
      let ageMs = 0

      try {
        owner = Number.parseInt(readFileSync(path, 'utf8'), 10)
        ageMs = Date.now() - statSync(path).mtimeMs
      } catch {
        continue
      }

      if (Number.isNaN(owner) ? ageMs > 5_000 : !isAlive(owner)) {
        rmSync(path, { force: true })
        continue
      }
      if (!said) {
        progress(`another install is running (process ${owner}), waiting for it`)
        said = true
      }

      await new Promise(resolve => { setTimeout(resolve, 250) })
    }
  }

  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

/**
 * The Node.js binary that everything runs on.
 *
 * @throws Error that says what to install, when there is none
 */
export function findNode () {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const arch = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

  for (const path of [
    join(rootDir, 'node_modules', arch, 'bin', name),
    join(rootDir, 'node_modules', '.bin', name)
  ]) {
    if (existsSync(path)) {
      return path
    }
  }

  if (Number.parseInt(process.versions.node, 10) >= MIN_NODE_MAJOR) {
    return process.execPath
  }

  throw new Error(`this platform (${process.platform} ${process.arch}) has no pinned Node.js package, and the running one is ${process.versions.node}. Install Node.js ${MIN_NODE_MAJOR} or later and run the command again.`)
}

/**
 * Installs what `mode` needs unless it, or more, is there already.
 *
 * @param {'run' | 'develop'} mode
 * @returns {Promise<string>} the path of the pinned Node.js
 */
export async function ensureInstalled (mode) {
  const major = Number.parseInt(process.versions.node, 10)

  if (major < 20) {
    throw new Error(`Node.js ${process.versions.node} is too old: 20 or later is needed to set up.`)
  }

  const lockHash = createHash('sha256').update(readFileSync(LOCK)).digest('hex')

  if (!isInstalled(mode, lockHash)) {
    await withInstallLock(async () => {
      if (isInstalled(mode, lockHash)) {
        return
      }

      await npmCi(mode)

      if (!isInstalled(mode, lockHash)) {
        throw new Error('npm ci succeeded, but node_modules does not match package-lock.json. Remove node_modules and run the command again.')
      }
    })
  }

  return findNode()
}
