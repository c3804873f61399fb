// Fails when an import points up, when packages or files import each other in
// a circle, when a package imports what it does not declare, and when
// production code reaches for what only tests and the testnet may use.
// `node scripts/check-layers.mjs [root]`.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, relative, resolve, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The one table of layers: a package may import packages of its own layer and below. */
export const LAYERS = {
  protocol: 0,
  contracts: 0,
  attestation: 1,
  'attestation-simulated': 1,
  sealing: 1,
  settlement: 1,
  engine: 1,
  node: 2,
  gateway: 3,
  cocoon: 4,
  cli: 5,
  testnet: 5
}

/** Their sources run in browsers too: of Node's modules they may import types only. */
export const BROWSER_PACKAGES = ['protocol', 'attestation', 'sealing']

/** Only this workspace and tests may import what is listed. */
const TEST_ONLY_CONSUMER = 'testnet'
const TEST_ONLY = [/^@cocoon-net\/attestation-simulated(\/|$)/, /^@cocoon-net\/attestation\/testing$/, /^@cocoon-net\/engine\/.*synthetic/]
/** Available to every test from the root's devDependencies. */
const ROOT_TEST_PACKAGES = ['aegir', 'mocha', 'fast-check']
const SCOPE = '@cocoon-net/'
const builtins = new Set(builtinModules)

/** Blanks comments, and keeps strings: examples in docstrings are no imports. */
function withoutComments (text) {
  return text.replace(/('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g, (match, string) => string ?? '')
}

/** The specifiers of static, dynamic, type and re-exporting imports. */
export function importsOf (text) {
  const code = withoutComments(text)
  const found = []

  for (const pattern of [
    /(?:^|[\n;}])\s*(?:import|export)\s+(?:type\s+)?[\w$*{}\s,]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /(?:^|[\n;}])\s*import\s*['"]([^'"]+)['"]/g,
    /\bimport\s*\(\s*['"`]([^'"`$]+)['"`]/g,
    /\brequire(?:\.resolve)?\s*\(\s*['"`]([^'"`$]+)['"`]/g
  ]) {
    for (const match of code.matchAll(pattern)) {
      found.push(match[1])
    }
  }

  return found
}

function filesBelow (dir) {
  return existsSync(dir)
    ? readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name) && !/(^|[/\\])(node_modules|dist)([/\\]|$)/.test(relative(dir, entry.parentPath)))
      .map(entry => join(entry.parentPath, entry.name))
    : []
}

function packageOf (specifier) {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function checkFile (context, file, isTest) {
  const { name, layer, manifest, root, dir, files, problems } = context
  const say = text => { problems.push(`${relative(root, file)}: ${text}`) }

  const text = readFileSync(file, 'utf8')
  const valueImports = importsOf(text.replace(/^import type .*$/gm, ''))
  const neighbours = []

  files.set(relative(root, file), neighbours)

  for (const specifier of importsOf(text)) {
    if (specifier.startsWith('.')) {
      const target = resolve(file, '..', specifier)

      neighbours.push(relative(root, target))

      if (!target.startsWith(dir + sep)) {
        say(`${specifier} leaves the package: import it by its name`)
      } else if (!isTest && name !== TEST_ONLY_CONSUMER && /(^|[/\\])synthetic/.test(relative(dir, target)) && !/(^|[/\\])synthetic/.test(relative(dir, file))) {
        say(`${specifier} is for benchmarks and tests only`)
      }

      continue
    }
    if (specifier.startsWith('node:') || specifier.startsWith('#') || builtins.has(specifier)) {
      if (!isTest && BROWSER_PACKAGES.includes(name) && valueImports.includes(specifier)) {
        say(`${specifier} is Node's, and ${name} runs in browsers`)
      }

      continue
    }

    const imported = packageOf(specifier)
    const declared = manifest.dependencies?.[imported] ?? manifest.peerDependencies?.[imported] ?? manifest.optionalDependencies?.[imported]
    const declaredForTests = manifest.devDependencies?.[imported] ?? (ROOT_TEST_PACKAGES.includes(imported) ? '*' : undefined)

    if (imported !== manifest.name && declared == null && !(isTest && declaredForTests != null)) {
      say(`${imported} is not declared in package.json${isTest ? '' : ' under dependencies'}`)
    }
    if (imported.startsWith(SCOPE)) {
      const target = imported.slice(SCOPE.length)

      if (LAYERS[target] == null) {
        say(`${imported} is in no layer: add it to the table`)
      } else if (LAYERS[target] > layer && !isTest) {
        say(`${imported} (layer ${LAYERS[target]}) lies above ${name} (layer ${layer})`)
      }
    }
    if (!isTest && name !== TEST_ONLY_CONSUMER && TEST_ONLY.some(pattern => pattern.test(specifier))) {
      say(`${specifier} is for the testnet and for tests only`)
    }
  }
}

/** `a -> b -> a` among packages, however their layers lie, or among files, imports of types too. */
function cycles (graph) {
  const found = []
  const done = new Set()
  const visit = (name, path) => {
    if (path.includes(name)) {
      found.push([...path.slice(path.indexOf(name)), name].join(' -> '))
      return
    }
    if (!done.has(name)) {
      for (const next of graph.get(name) ?? []) {
        visit(next, [...path, name])
      }
      done.add(name)
    }
  }

  for (const name of graph.keys()) {
    visit(name, [])
  }

  return found
}

/**
 * Checks the workspaces below `root`.
 *
 * @param {string} root
 * @returns {string[]} one line per problem
 */
export function checkLayers (root) {
  const problems = []
  const graph = new Map()
  const files = new Map()
  const dirs = [
    ...(existsSync(join(root, 'packages')) ? readdirSync(join(root, 'packages')).filter(name => !name.startsWith('.')).map(name => join(root, 'packages', name)) : []),
    join(root, 'contracts'),
    join(root, 'testnet')
  ].filter(dir => existsSync(join(dir, 'package.json')))

  for (const dir of dirs) {
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    const name = manifest.name.slice(SCOPE.length)
    const layer = LAYERS[name]

    if (layer == null) {
      problems.push(`${relative(root, dir)}: ${manifest.name} is in no layer: add it to the table`)
      continue
    }

    const inner = Object.keys(manifest.dependencies ?? {}).filter(dep => dep.startsWith(SCOPE)).map(dep => dep.slice(SCOPE.length))

    graph.set(name, inner)

    for (const dep of inner) {
      if (LAYERS[dep] == null || LAYERS[dep] > layer) {
        problems.push(`${relative(root, dir)}/package.json: depends on ${dep} (layer ${LAYERS[dep]}), above layer ${layer}`)
      }
      if (dep === 'attestation-simulated' && name !== TEST_ONLY_CONSUMER) {
        problems.push(`${relative(root, dir)}/package.json: ${SCOPE}${dep} may be a devDependency only`)
      }
    }

    const context = { name, layer, manifest, root, dir, files, problems }

    for (const inner of ['src', 'bin']) {
      for (const file of filesBelow(join(dir, inner))) {
        checkFile(context, file, false)
      }
    }
    for (const inner of ['test', 'test-shared']) {
      for (const file of filesBelow(join(dir, inner))) {
        checkFile(context, file, true)
      }
    }
  }

  for (const cycle of cycles(graph)) {
    problems.push(`packages depend on each other in a circle: ${cycle}`)
  }

  for (const cycle of cycles(files)) {
    problems.push(`files import each other in a circle: ${cycle}`)
  }

  return problems
}

if (process.argv[1] != null && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = checkLayers(resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))))

  for (const problem of problems) {
    process.stdout.write(`${problem}\n`)
  }

  process.stdout.write(problems.length === 0 ? 'layers: clean\n' : `layers: ${problems.length} problems\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
