// `npm run lint`: aegir lint in every workspace, one after the other (eslint
// with types takes a gigabyte). `-- NAME …` picks workspaces, `-- --fix` fixes.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { ensureInstalled, progress, rootDir } from './install-step.mjs'
import { runMain, runNode } from './run-child.mjs'

runMain(async () => {
  const node = await ensureInstalled('develop')
  const flags = process.argv.slice(2).filter(arg => arg.startsWith('-'))
  const names = process.argv.slice(2).filter(arg => !arg.startsWith('-'))
  const dirs = ['contracts', ...readdirSync(join(rootDir, 'packages')).map(name => `packages/${name}`), 'testnet']
    .filter(dir => existsSync(join(rootDir, dir, 'package.json')))
    .filter(dir => names.length === 0 || names.some(name => dir === name || dir.endsWith(`/${name}`)))
  let failed = 0

  for (const dir of dirs) {
    progress(`linting ${dir}`)

    if (await runNode(node, [join(rootDir, 'node_modules', 'aegir', 'src', 'index.js'), 'lint', ...flags], { cwd: join(rootDir, dir) }) !== 0) {
      failed++
    }
  }

  process.stderr.write(failed === 0 ? 'lint: clean\n' : `lint: ${failed} workspaces have findings\n`)

  return failed === 0 ? 0 : 1
})
