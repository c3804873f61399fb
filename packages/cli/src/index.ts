/**
 * @packageDocumentation
 *
 * The `cocoon` command: arguments, configuration, output and exit codes. What it does is done by the packages below.
 *
 * @example
 *
 * ```typescript
 * import { CONFIG_KEYS, resolveConfig } from '@cocoon-net/cli'
 *
 * const config = await resolveConfig({ home: '/tmp/cocoon', env: process.env, flags: {} })
 * console.info(config.gatewayPort, Object.keys(CONFIG_KEYS))
 * ```
 */
export { homeOf, readConfigFile, resolveConfig } from './config.ts'
export { CONFIG_KEYS, CONFIG_NAMES } from './config-keys.ts'
export type { Config, ConfigGroup, ConfigKey, ConfigName } from './config-keys.ts'
export { exitCodeOf } from './exit-codes.ts'
export { main } from './main.ts'
export { ensureToken, readToken } from './local-api.ts'
export { moneyActions } from './money-wire.ts'
export { nodeReads } from './node-reads.ts'
export type { NodeChain } from './node-reads.ts'
export { announceNode } from './running-node.ts'
export { run } from './run.ts'
export type { CliContext } from './context.ts'
