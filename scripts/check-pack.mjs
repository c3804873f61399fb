// Packs every publishable workspace, installs the tarballs into an empty
// folder as a user would, and runs a ten-line script there.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { findNode, progress, rootDir } from './install-step.mjs'

/** What an app author writes first: the network's address comes from the environment. */
const SCRIPT = `
import { createNode } from '@cocoon-net/cocoon'

const network = JSON.parse(process.env.NETWORK)
const node = await createNode({ home: './home', network: { devnet: network.genesis }, chainUrl: network.chain, bootstrap: [network.bootstrap] })
await node.ready()
const response = await node.fetch('http://cocoon.local/v1/chat/completions', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: network.model, messages: [{ role: 'user', content: 'Tell me a story about a fox.' }] })
})
const { choices, usage } = await response.json()
await node.stop()
if (response.status !== 200 || !choices[0].message.content.includes('fox') || !(usage.cost_nano > 0)) {
  throw new Error('no answer')
}
console.log(choices[0].message.content)
`

/** Starts a local network from this repository; resolves with what its ready line says, and how to stop it. */
async function startNetwork (home) {
  const child = spawn('npm', ['--silent', 'start', '--', '--json', '--port', '0', '--chain-port', '0'], { cwd: rootDir, env: { ...process.env, NODE_OPTIONS: '', COCOON_HOME: home }, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const exited = new Promise(resolve => { child.once('exit', resolve) })
  const stop = async () => {
    try {
      process.kill(-child.pid, 'SIGINT')
    } catch {
      // it has ended already
    }
    await exited
  }
  let text = ''
  const ready = await Promise.race([
    new Promise(resolve => {
      child.stdout.on('data', data => {
        text += data
        const line = text.split('\n').find(l => l.startsWith('{') && l.endsWith('}'))
        if (line != null) {
          resolve(JSON.parse(line))
        }
      })
    }),
    exited.then(code => { throw new Error(`the local network ended with exit code ${code}`) })
  ])
  const genesis = readFileSync(join(home, 'testnet', 'network', 'genesis'), 'utf8').trim()
  return { network: { ...ready, genesis }, stop }
}

function run (command, args, cwd, env = {}) {
  const { status, error, stdout } = spawnSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...env } })

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
    name: 'app',
    private: true,
    type: 'module',
    dependencies,
    overrides: { ...JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8')).overrides, ...Object.fromEntries(Object.keys(dependencies).map(name => [name, `$${name}`])) }
  }, null, 2))
  writeFileSync(join(work, 'app.mjs'), SCRIPT)
  progress('installing the tarballs')
  run('npm', ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'], work)
  progress('starting a local network to buy from')
  const { network, stop } = await startNetwork(join(work, 'network'))
  try {
    progress('running a script there')
    process.stdout.write(run(findNode(), ['app.mjs'], work, { NETWORK: JSON.stringify(network) }))
  } finally {
    await stop()
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
