/**
 * @packageDocumentation
 *
 * What a network's registry allows, without the node: reading and judging it.
 *
 * @example
 *
 * ```typescript
 * import { judgeRegistry, readRegistry } from '@cocoon-net/cocoon/registry'
 * import { createChainReader } from '@cocoon-net/settlement'
 *
 * const chain = createChainReader({ endpoint: 'http://127.0.0.1:10001/api/v2/jsonRPC' })
 * const { state } = await readRegistry(chain, new Uint8Array(32))
 * console.info(judgeRegistry(state, Date.now() / 1_000).allowed)
 * ```
 */
export { judgeRegistry, stakeFaults, vaultFaults } from './registry-judge.ts'
export type { ComingChange, OwnCode, RegistryJudgement, RegistryNumber } from './registry-judge.ts'
export { readRegistry } from './registry-read.ts'
export type { RegistryOnChain, RegistryReader } from './registry-read.ts'
