/**
 * @packageDocumentation
 *
 * Local networks: a TON-compatible devnet chain and an orchestrator of real processes. SIMULATED evidence, worthless coins.
 *
 * @example
 *
 * ```typescript
 * import { startDevnet } from '@cocoon-net/testnet'
 *
 * const devnet = await startDevnet({ home: './chain', port: 0 })
 * console.info(devnet.endpoint)
 * await devnet.stop()
 * ```
 */
export { startDevnet } from './devnet/index.ts'
export type { Devnet } from './devnet/index.ts'
export { startLocalNetwork } from './network/local-network.ts'
export type { LocalNetwork, LocalNetworkInit } from './network/local-network.ts'
