import { runEntry } from './run-entry.mjs'

runEntry('testnet/src/bin/bench.ts')
