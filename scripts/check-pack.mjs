// Packs every publishable workspace, installs the tarballs into an empty
// folder as a user would, and runs a ten-line script there.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { findNode, progress, rootDir } from './install-step.mjs'

/** What an app author writes first. */
const SCRIPT = `
import { createNode } from '@cocoon-net/cocoon'

if (typeof createNode !== 'function') {
  throw new Error('createNode is not exported')
}

console.log('createNode is there')
`

function run (command, args, cwd) {
  const { status, error, stdout } = spawnSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })

  if (status !== 0) {
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed: ${error?.message ?? `exit code ${status}`}\n${stdout}`)
  }

  return stdout
}

const work = mkdtempSync(join(tmpdir(), 'cocoon-pack-'))

try {
  const dirs = ['contracts', ...readdirSync(join(rootDir, 'packages')).map(name => `packages/${name}`)]
    .filter(dir => JSON.parse(readFileSync(join(rootDir, dir, 'package.json'), 'utf8')).private !== true)

  progress('building')
  run('npm', ['run', 'build'], rootDir)
  progress(`packing ${dirs.length} packages`)

  const dependencies = {}

  for (const dir of dirs) {
    const [{ name, filename }] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work, '--workspace', dir], rootDir))
    dependencies[name] = `file:./${filename}`
  }

  // overrides make the packages find each other here and not in the registry
  writeFileSync(join(work, 'package.json'), JSON.stringify({
    name: 'app', private: true, type: 'module', dependencies, overrides: Object.fromEntries(Object.keys(dependencies).map(name => [name, `$${name}`]))
  }, null, 2))
  writeFileSync(join(work, 'app.mjs'), SCRIPT)
  progress('installing the tarballs')
  run('npm', ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'], work)
  progress('running a script there')
  process.stdout.write(run(findNode(), ['app.mjs'], work))
} finally {
  rmSync(work, { recursive: true, force: true })
}
