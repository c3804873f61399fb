/**
 * @packageDocumentation
 *
 * Embed a Cocoon node in an app.
 *
 * @example
 *
 * ```typescript
 * import OpenAI from 'openai'
 * import { createNode } from '@cocoon-net/cocoon'
 *
 * const node = await createNode({
 *   home: './cocoon-home',
 *   network: { devnet: process.env.GENESIS ?? '' },
 *   chainUrl: process.env.CHAIN_URL ?? '',
 *   bootstrap: [process.env.BOOTSTRAP ?? '']
 * })
 * const openai = new OpenAI({ baseURL: 'http://cocoon.local/v1', apiKey: 'unused', fetch: node.fetch })
 * ```
 */
export type { EvidenceCollector } from '@cocoon-net/attestation'
export { createNode } from './create-node.ts'
export type { CocoonNode, WalletSummary } from './create-node.ts'
export type { NodeMoney } from './money.ts'
export { nodeMoney } from './money.ts'
export { networkOf } from './network.ts'
export { openTsmCollector } from '@cocoon-net/node'
export type { ReceiptLog } from '@cocoon-net/node'
export { DEFAULT_MAX_COST_NANO, DEFAULT_WINDOW_NANO, completePrices, defaultMinTier } from './options.ts'
export type { ClientOptions, NetworkOption, NodeOptions, ProviderOptions } from './options.ts'
