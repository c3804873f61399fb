import { runEntry } from './run-entry.mjs'

runEntry('packages/cli/bin/cocoon.ts')
