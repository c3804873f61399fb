import { runEntry } from './run-entry.mjs'

runEntry('testnet/src/bin/start.ts')
