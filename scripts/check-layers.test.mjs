import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { checkLayers, importsOf } from './check-layers.mjs'

function problemsOf (files) {
  const root = mkdtempSync(join(tmpdir(), 'layers-'))

  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
    }

    return checkLayers(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}

const manifest = (name, more = {}) => ({ name: `@cocoon-net/${name}`, ...more })
const dependsOn = (...names) => ({ dependencies: Object.fromEntries(names.map(name => [name, '*'])) })

test('an import that points down passes', () => {
  assert.deepEqual(problemsOf({
    'packages/node/package.json': manifest('node', dependsOn('@cocoon-net/protocol', 'level')),
    'packages/node/src/index.ts': "import { a } from '@cocoon-net/protocol'\nimport { Level } from 'level'\nimport { b } from './b.ts'\nimport fs from 'node:fs'\n"
  }), [])
})

test('a static, a dynamic, a type and a re-exporting import that points up each fail', () => {
  for (const line of [
    "import { x } from '@cocoon-net/gateway'",
    "const x = await import('@cocoon-net/gateway')",
    "import type { X } from '@cocoon-net/gateway'",
    "export * from '@cocoon-net/gateway'",
    "import {\n  x,\n  y\n} from '@cocoon-net/gateway/inner'"
  ]) {
    const problems = problemsOf({
      'packages/node/package.json': manifest('node', { devDependencies: {}, peerDependencies: { '@cocoon-net/gateway': '*' } }),
      'packages/node/src/index.ts': line
    })

    assert.equal(problems.length, 1, line)
    assert.match(problems[0], /lies above/)
  }
})

test('a dependency that points up fails even when nothing imports it', () => {
  assert.match(problemsOf({ 'packages/protocol/package.json': manifest('protocol', dependsOn('@cocoon-net/node')) })[0], /depends on node/)
})

test('an undeclared dependency fails, a devDependency counts in tests only', () => {
  const files = { 'packages/engine/package.json': manifest('engine', { devDependencies: { left: '*' } }) }

  assert.equal(problemsOf({ ...files, 'packages/engine/src/a.ts': "import 'left'" }).length, 1)
  assert.equal(problemsOf({ ...files, 'packages/engine/test/a.spec.ts': "import 'left'\nimport { expect } from 'aegir/chai'" }).length, 0)
  assert.equal(problemsOf({ ...files, 'packages/engine/test/a.spec.ts': "import 'right'" }).length, 1)
})

test('the simulated TEE is for the testnet and for tests', () => {
  const code = "import { s } from '@cocoon-net/attestation-simulated'"

  assert.ok(problemsOf({
    'packages/cli/package.json': manifest('cli', dependsOn('@cocoon-net/attestation-simulated')),
    'packages/cli/src/a.ts': code
  }).length >= 2)
  assert.deepEqual(problemsOf({
    'testnet/package.json': manifest('testnet', dependsOn('@cocoon-net/attestation-simulated')),
    'testnet/src/a.ts': code
  }), [])
  assert.deepEqual(problemsOf({
    'packages/node/package.json': manifest('node', { devDependencies: { '@cocoon-net/attestation-simulated': '*' } }),
    'packages/node/test/a.spec.ts': code
  }), [])
})

test('a relative import may not leave its package', () => {
  assert.match(problemsOf({
    'packages/node/package.json': manifest('node'),
    'packages/node/src/a.ts': "import { b } from '../../engine/src/b.ts'"
  })[0], /leaves the package/)
})

test('packages of one layer may not depend on each other in a circle', () => {
  assert.match(problemsOf({
    'packages/sealing/package.json': manifest('sealing', dependsOn('@cocoon-net/engine')),
    'packages/engine/package.json': manifest('engine', dependsOn('@cocoon-net/sealing'))
  })[0], /circle/)
})

test('files may not import each other in a circle, not even for a type', () => {
  const files = (...lines) => ({
    'packages/engine/package.json': manifest('engine'),
    'packages/engine/src/a.ts': "import { b } from './inner/b.ts'",
    'packages/engine/src/inner/b.ts': lines.join('\n'),
    'packages/engine/src/inner/c.ts': "export type { A } from '../a.ts'"
  })

  assert.deepEqual(problemsOf(files()), [])
  assert.match(problemsOf(files("import type { A } from '../a.ts'"))[0], /circle: packages\/engine\/src\/a\.ts -> packages\/engine\/src\/inner\/b\.ts -> packages\/engine\/src\/a\.ts$/)
  assert.match(problemsOf(files("import type { C } from './c.ts'"))[0], /circle: .*a\.ts -> .*b\.ts -> .*c\.ts -> .*a\.ts$/)
  assert.match(problemsOf(files("import { more } from './b.ts'"))[0], /circle: .*b\.ts -> .*b\.ts$/)
})

test('comments are not imports', () => {
  assert.deepEqual(importsOf("/**\n * import { a } from 'a'\n */\n// import 'b'\nconst url = 'http://c'\nimport d from 'd'\n"), ['d'])
})

test('the sources of a browser package may import types of Node, and no module of it', () => {
  const sources = line => ({ 'packages/sealing/package.json': manifest('sealing'), 'packages/sealing/src/a.ts': line, 'packages/sealing/test/a.spec.ts': "import fs from 'node:fs'" })

  assert.deepEqual(problemsOf(sources("import type * as NodeCrypto from 'node:crypto'\n")), [])
  for (const line of ["import crypto from 'node:crypto'", "import { randomBytes } from 'crypto'", "const fs = await import('node:fs')", "export * from 'node:util'"]) {
    assert.match(problemsOf(sources(line)).join(), /runs in browsers/, line)
  }
})
