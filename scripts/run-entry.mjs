// What `npm start`, `npm run bench` and `npm run cocoon` share. The bundler
// needs the pinned Node.js only for what it bundles, so it runs right here.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { ensureBundle, entryCommand } from './bundle.mjs'
import { ensureInstalled, rootDir } from './install-step.mjs'
import { runMain, runNode } from './run-child.mjs'

/**
 * Installs what running needs, bundles, and runs `entry` with this process's
 * arguments, streams and signals.
 *
 * @param {string} entry - source path relative to the repository
 */
export function runEntry (entry) {
  runMain(async () => {
    const node = await ensureInstalled('run')

    if (!existsSync(join(rootDir, entry))) {
      throw new Error(`${entry} does not exist in this checkout`)
    }

    const { args, env } = entryCommand(entry, await ensureBundle())

    // npm changes to the root; file arguments are relative to where the user is
    return runNode(node, [...args, ...process.argv.slice(2)], { env, cwd: process.env.INIT_CWD ?? process.cwd() })
  })
}
